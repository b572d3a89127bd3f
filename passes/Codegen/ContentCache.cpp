// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A folder of files with their own checksums.
#include "passes/Codegen/ContentCache.h"

#include "runtime/core/Sha256.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <link.h>

using namespace vlp;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// In front of a value: this, the value's SHA-256, a line end.
static constexpr StringRef kMagic = "vlpc-cache-1 ";
static constexpr size_t kPrefix = kMagic.size() + 64 + 1;

static std::string makePrefix(StringRef value) { return kMagic.str() + sha256Hex(std::string_view(value)) + "\n"; }

/// The build ID in a segment of notes; empty if it has none (System V ABI, "Note Section"; NT_GNU_BUILD_ID is 3).
static StringRef findBuildId(const char *notes, size_t size) {
  while (size >= sizeof(ElfW(Nhdr))) {
    auto *note = reinterpret_cast<const ElfW(Nhdr) *>(notes);
    size_t nameSize = llvm::alignTo(note->n_namesz, 4), contentSize = llvm::alignTo(note->n_descsz, 4);
    size_t whole = sizeof *note + nameSize + contentSize;
    if (whole > size)
      return "";
    const char *name = notes + sizeof *note;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && StringRef(name, 3) == "GNU")
      return StringRef(name + nameSize, note->n_descsz);
    notes += whole;
    size -= whole;
  }
  return "";
}

/// Adds the name and build ID of what generates code: this program, LLVM and MLIR; a file's size and time where it has
/// no ID.
static int addObject(dl_phdr_info *object, size_t, void *data) {
  auto &text = *static_cast<std::string *>(data);
  StringRef name = object->dlpi_name, id;
  StringRef file = path::filename(name);
  if (!name.empty() && !file.starts_with("libLLVM") && !file.starts_with("libMLIR"))
    return 0;
  for (int i = 0; i < object->dlpi_phnum && id.empty(); ++i)
    if (object->dlpi_phdr[i].p_type == PT_NOTE && object->dlpi_phdr[i].p_align <= 4)
      id = findBuildId(reinterpret_cast<const char *>(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr),
                       object->dlpi_phdr[i].p_memsz);
  text += file.str() + " ";
  if (!id.empty()) {
    text += llvm::toHex(id, /*LowerCase=*/true) + "\n";
    return 0;
  }
  fs::file_status status;
  (void)fs::status(name.empty() ? "/proc/self/exe" : name, status);
  text += std::to_string(status.getSize()) + "." +
          std::to_string(status.getLastModificationTime().time_since_epoch().count()) + "\n";
  return 0;
}

const std::string &vlp::compilerIdentity() {
  static const std::string identity = [] {
    std::string text;
    dl_iterate_phdr(addObject, &text);
    return text;
  }();
  return identity;
}

std::string vlp::makeKey(llvm::ArrayRef<StringRef> parts) {
  Sha256 hash;
  for (StringRef part : parts) {
    hash.update(std::to_string(part.size()) + ":");
    hash.update(std::string_view(part));
  }
  return hash.hexDigest();
}

ContentCache::ContentCache(std::string folder) : folder(std::move(folder)) {}

std::string ContentCache::defaultFolder() {
  using llvm::sys::Process;
  llvm::SmallString<128> folder;
  if (std::optional<std::string> cache = Process::GetEnv("XDG_CACHE_HOME"); cache && path::is_absolute(*cache))
    path::append(folder, *cache, "vlpc");
  else if (std::optional<std::string> home = Process::GetEnv("HOME"); home && !home->empty())
    path::append(folder, *home, ".cache", "vlpc");
  return folder.str().str();
}

std::string ContentCache::pathOf(StringRef key) const {
  llvm::SmallString<128> file(folder);
  path::append(file, key.take_front(2), key.drop_front(2)); // folders of a manageable size
  return file.str().str();
}

std::optional<std::string> ContentCache::find(StringRef key) {
  if (folder.empty())
    return std::nullopt;
  std::string file = pathOf(key);
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return std::nullopt;
  StringRef bytes = (*buffer)->getBuffer();
  if (bytes.size() < kPrefix || bytes.take_front(kPrefix) != makePrefix(bytes.drop_front(kPrefix)))
    return std::nullopt;
  int descriptor;
  if (!fs::openFileForWrite(file, descriptor, fs::CD_OpenExisting,
                            fs::OF_Append)) { // trim() goes by the time of the last use
    (void)fs::setLastAccessAndModificationTime(descriptor, std::chrono::system_clock::now());
    (void)llvm::sys::Process::SafelyCloseFileDescriptor(descriptor);
  }
  ++numHits;
  return bytes.drop_front(kPrefix).str();
}

void ContentCache::store(StringRef key, StringRef value) {
  if (folder.empty())
    return;
  std::string file = pathOf(key);
  llvm::SmallString<128> temporary;
  int descriptor;
  std::error_code error = fs::create_directories(path::parent_path(file));
  if (!error)
    error = fs::createUniqueFile(file + ".%%%%%%%%.tmp", descriptor, temporary);
  if (!error) {
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << makePrefix(value) << value;
    stream.close();
    error = stream.error();
    stream.clear_error();
    if (!error)
      error = fs::rename(temporary, file);
    if (error)
      (void)fs::remove(temporary);
  }
  if (!error)
    ++numStores;
  else if (firstProblem.empty())
    firstProblem = "cannot keep results in " + folder + ": " + error.message();
}

/// Whether a path looks like one of ours: whoever names a folder of other things must not lose them.
static bool isOurs(StringRef file) {
  auto isHex = [](StringRef text) { return llvm::all_of(text, llvm::isHexDigit); };
  StringRef name = path::filename(file), folder = path::filename(path::parent_path(file));
  return folder.size() == 2 && isHex(folder) && name.size() >= 62 && isHex(name.take_front(62)) &&
         (name.size() == 62 || name.ends_with(".tmp"));
}

void ContentCache::trim(uint64_t bytes) {
  struct File {
    std::string name;
    fs::file_status status;
  };
  std::vector<File> files;
  uint64_t total = 0;
  std::error_code error;
  if (folder.empty())
    return;
  for (fs::recursive_directory_iterator at(folder, error), end; at != end && !error; at.increment(error)) {
    fs::file_status status;
    if (!isOurs(at->path()) || fs::status(at->path(), status) || status.type() != fs::file_type::regular_file)
      continue;
    total += status.getSize();
    files.push_back({at->path(), status});
  }
  llvm::sort(files, [](const File &a, const File &b) {
    return std::pair(a.status.getLastModificationTime(), a.name) <
           std::pair(b.status.getLastModificationTime(), b.name);
  });
  for (const File &file : files) {
    if (total <= bytes)
      return;
    if (!fs::remove(file.name))
      total -= file.status.getSize();
  }
}
