// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads code by memfd_create and dlopen; through a temporary file where /proc is not mounted.
#include "runtime/cpu/CodeSection.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace vlp {

#if defined(__x86_64__)
static constexpr unsigned kMachine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr unsigned kMachine = EM_AARCH64;
#else
static constexpr unsigned kMachine = EM_NONE;
#endif

/// dlopen's own complaint about a foreign file would not tell what to do.
static Status checkElf(std::span<const char> bytes, const std::string &path) {
  Elf64_Ehdr header;
  if (bytes.size() < sizeof header || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
    return {StatusCode::DataLoss, path + ": its code is not a shared object; compile the model again with vlpc"};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != kMachine)
    return {StatusCode::Unavailable, path + ": its code is for another kind of processor (ELF machine " +
                                         std::to_string(header.e_machine) + ", this one is " +
                                         std::to_string(kMachine) + "); compile the model again on this machine"};
  // The loader maps what the headers promise, and touching a page behind the end of the file would end the process.
  uint64_t end = header.e_phoff + uint64_t(header.e_phnum) * sizeof(Elf64_Phdr);
  bool whole = header.e_phentsize == sizeof(Elf64_Phdr) && end >= header.e_phoff && end <= bytes.size();
  for (unsigned i = 0; whole && i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    whole = segment.p_filesz <= bytes.size() && segment.p_offset <= bytes.size() - segment.p_filesz;
  }
  if (!whole)
    return {StatusCode::DataLoss, path + ": its code is cut off; compile the model again with vlpc"};
  return Status::ok();
}

static bool writeAll(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes = bytes.subspan(size_t(written));
  }
  return true;
}

static Status cannotLoad(const std::string &path, const std::string &why) {
  return {StatusCode::Unavailable, path + ": cannot load its code: " + why};
}

/// Opens through a temporary file, which is gone again when this returns. Its name is unlike any before.
static void *openByTemporaryFile(std::span<const char> bytes, std::string &why) {
  const char *folder = std::getenv("TMPDIR");
  std::string name = std::string(folder && *folder ? folder : "/tmp") + "/vlpcode.XXXXXX";
  int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) {
    why = name + ": " + std::strerror(errno);
    return nullptr;
  }
  void *handle = nullptr;
  if (!writeAll(fd, bytes))
    why = name + ": " + std::strerror(errno);
  else if (!(handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)))
    why = dlerror();
  unlink(name.c_str());
  ::close(fd);
  return handle;
}

Expected<CodeSection> CodeSection::load(std::span<const char> bytes, std::span<const std::string> symbols,
                                        const std::string &path) {
  VLP_RETURN_IF_ERROR(checkElf(bytes, path));
  CodeSection code;
  std::string why;
  code.descriptor = memfd_create("vlp-code", MFD_CLOEXEC);
  std::string link = "/proc/self/fd/" + std::to_string(code.descriptor);
  if (code.descriptor >= 0 && access(link.c_str(), F_OK) == 0) {
    if (!writeAll(code.descriptor, bytes))
      return cannotLoad(path, std::string("no memory for it: ") + std::strerror(errno));
    code.handle = dlopen(link.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!code.handle)
      why = dlerror();
  }
  if (!code.handle)
    code.handle = openByTemporaryFile(bytes, why);
  if (!code.handle)
    return cannotLoad(path, why);
  std::string missing;
  for (const std::string &symbol : symbols) {
    void *address = dlsym(code.handle, symbol.c_str());
    if (!address)
      missing += (missing.empty() ? "" : ", ") + symbol;
    code.functions.push_back(reinterpret_cast<vlp_cpu_kernel>(address));
  }
  if (!missing.empty())
    return Status(StatusCode::DataLoss,
                  path + ": its code lacks kernels: " + missing + "; compile the model again with vlpc");
  return code;
}

CodeSection::CodeSection(CodeSection &&other) noexcept
    : descriptor(std::exchange(other.descriptor, -1)), handle(std::exchange(other.handle, nullptr)),
      functions(std::move(other.functions)) {}

CodeSection &CodeSection::operator=(CodeSection &&other) noexcept {
  std::swap(descriptor, other.descriptor);
  std::swap(handle, other.handle);
  functions.swap(other.functions);
  return *this;
}

CodeSection::~CodeSection() {
  if (handle)
    dlclose(handle);
  if (descriptor >= 0)
    ::close(descriptor);
}

} // namespace vlp
