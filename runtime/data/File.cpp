// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files and child processes by POSIX calls, so that every failure can say what the system said.
#include "runtime/data/File.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace vlp::data {

static Status systemError(StatusCode code, const std::string &what) {
  return {code, what + ": " + std::strerror(errno)};
}

namespace {
/// Closes a descriptor when the scope ends.
struct Descriptor {
  int fd;
  explicit Descriptor(int fd) : fd(fd) {}
  Descriptor(const Descriptor &) = delete;
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
};
} // namespace

static Expected<uint64_t> regularFileSize(int fd, const std::filesystem::path &path) {
  struct stat info;
  if (::fstat(fd, &info) != 0)
    return systemError(StatusCode::Unavailable, "cannot inspect " + path.string());
  if (!S_ISREG(info.st_mode))
    return Status::invalid(path.string() + " is not a regular file");
  return uint64_t(info.st_size);
}

Expected<Bytes> readFile(const std::filesystem::path &path, uint64_t limit) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0)
    return systemError(StatusCode::NotFound, "cannot open " + path.string());
  Expected<uint64_t> size = regularFileSize(file.fd, path);
  if (!size)
    return size.status();
  if (*size > limit)
    return Status::invalid(path.string() + " has " + std::to_string(*size) + " bytes, more than the " +
                           std::to_string(limit) + " allowed");
  Bytes bytes(*size);
  for (size_t done = 0; done < bytes.size();) {
    ssize_t got = ::read(file.fd, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return systemError(StatusCode::DataLoss, "cannot read " + path.string());
    if (got == 0)
      return Status(StatusCode::DataLoss, path.string() + " ended while it was being read");
    done += size_t(got);
  }
  return bytes;
}

static Status writeAll(int fd, ByteView bytes, const std::string &name) {
  for (size_t done = 0; done < bytes.size();) {
    ssize_t put = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return systemError(StatusCode::Unavailable, "cannot write " + name);
    done += size_t(put);
  }
  return Status::ok();
}

Status writeFileAtomically(const std::filesystem::path &path, ByteView bytes) {
  std::string temporary = path.string() + ".tmp" + std::to_string(::getpid());
  Status status = [&]() -> Status {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.fd < 0)
      return systemError(StatusCode::Unavailable, "cannot create " + temporary);
    VLP_RETURN_IF_ERROR(writeAll(file.fd, bytes, temporary));
    if (::fsync(file.fd) != 0)
      return systemError(StatusCode::Unavailable, "cannot write " + temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      return systemError(StatusCode::Unavailable, "cannot write " + path.string());
    return Status::ok();
  }();
  if (!status)
    ::unlink(temporary.c_str());
  return status;
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
    ::munmap(const_cast<uint8_t *>(data), size);
}

Expected<MappedFile> MappedFile::open(const std::filesystem::path &path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0)
    return systemError(StatusCode::NotFound, "cannot open " + path.string());
  Expected<uint64_t> size = regularFileSize(file.fd, path);
  if (!size)
    return size.status();
  MappedFile mapping;
  if (*size == 0)
    return mapping;
  void *address = ::mmap(nullptr, *size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (address == MAP_FAILED)
    return systemError(StatusCode::Unavailable, "cannot map " + path.string());
  mapping.data = static_cast<const uint8_t *>(address);
  mapping.size = *size;
  return mapping;
}

Expected<TemporaryDirectory> TemporaryDirectory::create() {
  std::error_code error;
  std::filesystem::path base = std::filesystem::temp_directory_path(error);
  std::string pattern = (error ? "/tmp" : base.string()) + "/vlp-XXXXXX";
  if (!::mkdtemp(pattern.data()))
    return systemError(StatusCode::Unavailable, "cannot make a temporary directory " + pattern);
  return TemporaryDirectory(pattern);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!dir.empty())
    std::filesystem::remove_all(dir, ignored);
}

static std::string lastLine(int fd) {
  std::string text(4096, '\0');
  off_t end = ::lseek(fd, 0, SEEK_END);
  ssize_t got = ::pread(fd, text.data(), text.size(), std::max<off_t>(0, end - off_t(text.size())));
  text.resize(size_t(std::max<ssize_t>(0, got)));
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.pop_back();
  size_t start = text.rfind('\n');
  return start == std::string::npos ? text : text.substr(start + 1);
}

Status runProgram(const std::vector<std::string> &arguments, const std::filesystem::path &workingDirectory) {
  Descriptor output(::memfd_create("output", MFD_CLOEXEC));
  if (output.fd < 0)
    return systemError(StatusCode::Unavailable, "cannot keep the output of " + arguments.front());
  std::vector<char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.fd, 1);
  posix_spawn_file_actions_adddup2(&actions, output.fd, 2);
  posix_spawn_file_actions_addchdir_np(&actions, workingDirectory.c_str());
  pid_t child = 0;
  int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return Status(StatusCode::Unavailable, "cannot run " + arguments.front() + ": " + std::strerror(error));

  int state = 0;
  while (::waitpid(child, &state, 0) < 0)
    if (errno != EINTR)
      return systemError(StatusCode::Unavailable, "cannot wait for " + arguments.front());
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
    return Status::ok();
  std::string how = WIFEXITED(state) ? "exit status " + std::to_string(WEXITSTATUS(state))
                                     : "signal " + std::to_string(WTERMSIG(state));
  return Status(StatusCode::Unavailable, arguments.front() + " failed with " + how + ": " + lastLine(output.fd));
}

} // namespace vlp::data
