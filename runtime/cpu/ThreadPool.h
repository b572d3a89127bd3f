// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The threads that kernels run on: a fixed team that splits each launch once, spins for the next one, then sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace vlp {

/// Runs the ranges of a launch on a fixed team. The caller is worker 0. Not reentrant: one launch at a time, from one thread.
class ThreadPool {
public:
  /// Computes tasks begin <= t < end as worker number `worker`.
  using Body = void (*)(void *context, int64_t begin, int64_t end, unsigned worker);

  /// A team of `threads` workers, the caller included; 0 means one per available core. When the system grants fewer
  /// threads than asked for, the team is as large as it can be: results do not depend on its size.
  explicit ThreadPool(unsigned threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  unsigned size() const { return unsigned(threads.size()) + 1; }

  /// Splits [0, tasks) into one contiguous range per worker and returns when all are done. Worker w always gets the same
  /// range for the same number of tasks, so it finds again in its cache what it wrote in the launch before.
  void run(int64_t tasks, Body body, void *context);

private:
  void workerMain(unsigned worker);
  void runShare(unsigned worker);
  void waitForNext(uint32_t seen);
  void waitForOthers();

  /// The launch at hand; written by the caller before `generation` is raised.
  int64_t tasks = 0;
  Body body = nullptr;
  void *context = nullptr;
  bool stopping = false;
  /// How long a waiting thread spins before it sleeps; 0 when there are more workers than cores.
  int64_t spinNanoseconds;

  /// Counts launches. Each of the counters below is alone in its cache line: workers spin on them.
  alignas(64) std::atomic<uint32_t> generation{0};
  alignas(64) std::atomic<uint32_t> running{0};
  alignas(64) std::atomic<uint32_t> sleepers{0};
  alignas(64) std::atomic<uint32_t> callerSleeps{0};
  alignas(64) std::vector<std::thread> threads;
};

/// For its lifetime the thread computes with the default floating point mode (round to nearest, denormals kept, no traps),
/// whatever the host program has set: results must not depend on the thread that computes them.
class DefaultFloatMode {
public:
  DefaultFloatMode();
  ~DefaultFloatMode();
  DefaultFloatMode(const DefaultFloatMode &) = delete;
  DefaultFloatMode &operator=(const DefaultFloatMode &) = delete;

private:
  unsigned saved;
};

} // namespace vlp
