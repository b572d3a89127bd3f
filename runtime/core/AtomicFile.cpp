// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// AtomicFile by write, fsync, rename and fsync of the folder.
#include "runtime/core/AtomicFile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace vlp {

static constexpr size_t kBuffer = size_t(1) << 20;

static std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

static bool writeAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    bytes.remove_prefix(size_t(written));
  }
  return true;
}

Status AtomicFile::fail(const char *what) const {
  return Status::invalid(path + ": " + what + ": " + std::strerror(errno));
}

Expected<AtomicFile> AtomicFile::create(const std::string &path) {
  struct stat info;
  if (path.empty() || path.back() == '/' || (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)))
    return Status::invalid("'" + path + "' is a folder: give the name of a file to write");
  size_t slash = path.rfind('/');
  std::string prefix = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::string base = path.substr(slash == std::string::npos ? 0 : slash + 1);
  for (unsigned attempt = 0;; ++attempt) {
    std::string temporary =
        prefix + "." + base + "." + std::to_string(getpid()) + "." + std::to_string(attempt) + ".tmp";
    int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0)
      return AtomicFile(path, std::move(temporary), descriptor);
    if (errno != EEXIST || attempt == 1000)
      return Status::invalid(path + ": cannot create a file in folder " + folderOf(path) + ": " + std::strerror(errno));
  }
}

AtomicFile::AtomicFile(AtomicFile &&other) noexcept
    : path(std::move(other.path)), temporary(std::move(other.temporary)),
      descriptor(std::exchange(other.descriptor, -1)), buffer(std::move(other.buffer)) {
  other.temporary.clear();
}

AtomicFile::~AtomicFile() {
  if (descriptor >= 0)
    ::close(descriptor);
  if (!temporary.empty())
    ::unlink(temporary.c_str());
}

Status AtomicFile::flush() {
  bool written = writeAll(descriptor, buffer);
  buffer.clear();
  return written ? Status::ok() : fail("cannot write (the file of before is untouched)");
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (text.size() < kBuffer) {
    buffer += text;
    return buffer.size() < kBuffer ? Status::ok() : flush();
  }
  VLP_RETURN_IF_ERROR(flush());
  return writeAll(descriptor, text) ? Status::ok() : fail("cannot write (the file of before is untouched)");
}

Status AtomicFile::commit() {
  VLP_RETURN_IF_ERROR(flush());
  if (fsync(descriptor) != 0)
    return fail("cannot sync (the file of before is untouched)");
  if (::close(std::exchange(descriptor, -1)) != 0)
    return fail("cannot close (the file of before is untouched)");
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return fail("cannot rename the finished file (the file of before is untouched)");
  temporary.clear();
  // The new name is safe only with its folder; a file system that cannot sync folders has none to lose.
  int folder = ::open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    ::close(folder);
  }
  return Status::ok();
}

} // namespace vlp
