// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Child processes that answer requests in parallel.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vlp {

/// What came of one request: the answer, or the reason why there is none.
struct Reply {
  bool ok = false;
  std::string text = {};
};

/// Child processes, each of which answers one request after the other. Processes and not threads, because LLVM ends the
/// process when it cannot select an instruction, and the assembler's and the code generators' global state is theirs
/// alone.
///
/// Children are forked when there is work for them. No other thread of this process may be inside LLVM, MLIR or the
/// assembler at that time; threads that wait or that do something else are no harm.
class Workers {
public:
  using Service = std::function<Reply(llvm::StringRef request)>;

  /// At most `count` children at a time; 0 means one a core. `service` runs in a child.
  Workers(unsigned count, Service service);
  ~Workers();
  Workers(const Workers &) = delete;
  Workers &operator=(const Workers &) = delete;

  /// Queues a request. `done` is called by wait(), in this process, and may submit more. A child that ends while it
  /// works gives a reply that is not ok, with its last words.
  void submit(std::string request, std::function<void(Reply)> done);
  /// Until all requests have their replies.
  void wait();

  static unsigned availableCores();

private:
  struct Task {
    std::string request;
    std::function<void(Reply)> done;
  };
  struct Worker;

  bool startWorker();
  void assignTasks();
  void receive(Worker &worker);
  void finish(Worker &worker, Reply reply);

  unsigned count;
  Service service;
  std::deque<Task> queue;
  std::vector<std::unique_ptr<Worker>> workers;
};

} // namespace vlp
