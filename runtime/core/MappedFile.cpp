// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// MappedFile by mmap.
#include "runtime/core/MappedFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace vlp {

static Status systemError(const std::string &path, const char *what) {
  int error = errno;
  StatusCode code = error == ENOENT || error == ENOTDIR ? StatusCode::NotFound : StatusCode::InvalidArgument;
  return {code, path + ": " + what + ": " + std::strerror(error)};
}

Expected<MappedFile> MappedFile::open(const std::string &path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer; it is refused below.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return systemError(path, "cannot open");
  struct stat info;
  if (fstat(fd, &info) != 0) {
    Status error = systemError(path, "cannot read");
    ::close(fd);
    return error;
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    return Status::invalid(path + ": expected a file, found " +
                           (S_ISDIR(info.st_mode) ? "a directory" : "a device or pipe"));
  }
  if (info.st_size == 0) {
    ::close(fd);
    return MappedFile(nullptr, 0);
  }
  void *memory = mmap(nullptr, size_t(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  Status error = memory == MAP_FAILED ? systemError(path, "cannot map into memory") : Status();
  ::close(fd);
  if (!error)
    return error;
  return MappedFile(static_cast<const char *>(memory), size_t(info.st_size));
}

Expected<MappedFile> MappedFile::copy(std::span<const char> bytes) {
  if (bytes.empty())
    return MappedFile(nullptr, 0);
  void *memory = mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Status(StatusCode::Unavailable, "out of memory: cannot have " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(memory, bytes.data(), bytes.size());
  mprotect(memory, bytes.size(), PROT_READ);
  return MappedFile(static_cast<const char *>(memory), bytes.size());
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : data(std::exchange(other.data, nullptr)), size(std::exchange(other.size, 0)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(data, other.data);
  std::swap(size, other.size);
  return *this;
}

MappedFile::~MappedFile() {
  if (data)
    munmap(const_cast<char *>(data), size);
}

} // namespace vlp
