// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A socket a child: requests go one way, replies the other, each with its length in front.
#include "passes/Codegen/Workers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>
#include <cstring>
#include <optional>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace vlp;
using llvm::StringRef;
using llvm::sys::RetryAfterSignal;

namespace {
/// In front of every message.
struct Header {
  uint64_t size;
  uint64_t ok;
};
} // namespace

struct Workers::Worker {
  pid_t process = -1;
  int socket = -1;
  /// A file in memory that the child has as its standard error.
  int log = -1;
  std::optional<Task> task = {};
  std::string received = {};

  ~Worker() {
    close(socket); // a child that waits for a request ends
    close(log);
    int status;
    if (process > 0 && task)
      kill(process, SIGKILL);
    if (process > 0)
      RetryAfterSignal(-1, waitpid, process, &status, 0);
  }

  /// What the child has said on its standard error since the last call.
  std::string takeLog() const {
    off_t size = lseek(log, 0, SEEK_END);
    std::string text(size > 0 ? size : 0, '\0');
    ssize_t n = text.empty() ? 0 : pread(log, text.data(), text.size(), 0);
    text.resize(n > 0 ? n : 0);
    if (ftruncate(log, 0) != 0 || lseek(log, 0, SEEK_SET) != 0) // the child's descriptor has the same offset
      text += "\n";
    return text;
  }
};

/// Writes or reads all of `size` bytes; false at the end of the stream.
static bool sendAll(int socket, const char *bytes, size_t size) {
  for (ssize_t n; size; bytes += n, size -= n)
    if ((n = RetryAfterSignal(-1, send, socket, bytes, size, MSG_NOSIGNAL)) <= 0)
      return false;
  return true;
}

static bool receiveAll(int socket, char *bytes, size_t size) {
  for (ssize_t n; size; bytes += n, size -= n)
    if ((n = RetryAfterSignal(-1, recv, socket, bytes, size, 0)) <= 0)
      return false;
  return true;
}

static bool sendMessage(int socket, StringRef text, bool ok) {
  Header header{text.size(), ok};
  return sendAll(socket, reinterpret_cast<const char *>(&header), sizeof header) &&
         sendAll(socket, text.data(), text.size());
}

/// The child's life.
[[noreturn]] static void serve(int socket, const Workers::Service &service) {
  Header header;
  while (receiveAll(socket, reinterpret_cast<char *>(&header), sizeof header)) {
    std::string request(header.size, '\0');
    if (!receiveAll(socket, request.data(), request.size()))
      break;
    Reply reply = service(request);
    llvm::errs().flush();
    if (!sendMessage(socket, reply.text, reply.ok))
      break;
  }
  _exit(0); // without the parent's handlers and buffers
}

unsigned Workers::availableCores() { return std::max(1u, llvm::hardware_concurrency().compute_thread_count()); }

Workers::Workers(unsigned count, Service service)
    : count(count ? count : availableCores()), service(std::move(service)) {}

Workers::~Workers() = default;

void Workers::submit(std::string request, std::function<void(Reply)> done) {
  queue.push_back({std::move(request), std::move(done)});
}

bool Workers::startWorker() {
  auto worker = std::make_unique<Worker>();
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return false;
  worker->socket = sockets[0];
  worker->log = memfd_create("worker-log", MFD_CLOEXEC);
  pid_t parent = getpid();
  worker->process = worker->log < 0 ? -1 : fork();
  if (worker->process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
      _exit(1);
    for (const std::unique_ptr<Worker> &other : workers) // or they would not see their parent's end
      close(other->socket);
    close(sockets[0]);
    dup2(worker->log, STDERR_FILENO);
    serve(sockets[1], service);
  }
  close(sockets[1]);
  if (worker->process < 0)
    return false;
  workers.push_back(std::move(worker));
  return true;
}

void Workers::assignTasks() {
  while (!queue.empty()) {
    auto idle = llvm::find_if(workers, [](const auto &worker) { return !worker->task; });
    if (idle == workers.end()) {
      if (workers.size() < count && startWorker())
        continue;
      if (!workers.empty())
        return; // those that are there do it all
      Task task = std::move(queue.front());
      queue.pop_front();
      task.done({false, "cannot start a process: " + llvm::sys::StrError()});
      continue;
    }
    Worker &worker = **idle;
    worker.task = std::move(queue.front());
    queue.pop_front();
    if (!sendMessage(worker.socket, worker.task->request, true))
      receive(worker); // it has ended; says why
  }
}

void Workers::finish(Worker &worker, Reply reply) {
  Task task = std::move(*worker.task);
  worker.task.reset();
  worker.received.clear();
  task.done(std::move(reply));
}

/// Why a child is no more.
static std::string describeEnd(StringRef words, int status) {
  if (StringRef line = words.ltrim().split('\n').first; !line.empty())
    return line.str();
  if (WIFSIGNALED(status))
    return "the code generator was ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
           strsignal(WTERMSIG(status)) + ")";
  return "the code generator ended with status " + std::to_string(WEXITSTATUS(status));
}

void Workers::receive(Worker &worker) {
  char buffer[65536];
  ssize_t n = RetryAfterSignal(-1, recv, worker.socket, static_cast<char *>(buffer), sizeof buffer, 0);
  if (n <= 0) {
    int status = 0;
    RetryAfterSignal(-1, waitpid, worker.process, &status, 0);
    worker.process = -1;
    Reply reply{false, describeEnd(worker.takeLog(), status)};
    auto self = llvm::find_if(workers, [&](const auto &each) { return each.get() == &worker; });
    std::unique_ptr<Worker> ended = std::move(*self);
    workers.erase(self);
    return finish(*ended, std::move(reply));
  }
  worker.received.append(buffer, n);
  Header header;
  if (worker.received.size() < sizeof header)
    return;
  std::memcpy(&header, worker.received.data(), sizeof header);
  if (worker.received.size() < sizeof header + header.size)
    return;
  llvm::errs() << worker.takeLog();
  finish(worker, {header.ok != 0, worker.received.substr(sizeof header)});
}

void Workers::wait() {
  for (;;) {
    assignTasks();
    std::vector<pollfd> polls;
    std::vector<Worker *> busy;
    for (const std::unique_ptr<Worker> &worker : workers)
      if (worker->task) {
        polls.push_back({worker->socket, POLLIN, 0});
        busy.push_back(worker.get());
      }
    if (polls.empty() && queue.empty())
      return;
    if (polls.empty() || RetryAfterSignal(-1, poll, polls.data(), nfds_t(polls.size()), -1) <= 0)
      continue;
    for (auto [poll, worker] : llvm::zip_equal(polls, busy))
      if (poll.revents)
        receive(*worker);
  }
}
