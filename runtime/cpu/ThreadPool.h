// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The threads that kernels run on: a fixed team that spins for the next launch, then sleeps. Each worker starts on a
// range of its own; who is done early helps the others, so that a worker that the system has put aside holds nobody up.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace vlp {

/// Runs the ranges of a launch on a fixed team. The caller is worker 0. Not reentrant: one launch at a time, from one
/// thread.
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

  unsigned size() const { return team; }

  /// Calls `body` for disjoint ranges that cover [0, tasks) and returns when all are done. Worker w first takes the
  /// w-th part, in a few pieces: so it finds again in its cache what it wrote in the launch before. Then it takes
  /// pieces that others have left.
  void run(int64_t tasks, Body body, void *context);

private:
  /// The pieces of one worker's part that nobody has taken yet. Alone in its cache line.
  struct alignas(64) Part {
    /// The launch's generation in the upper half, the number of pieces left in the lower. Whoever counts it down owns
    /// the piece, and while it is not done the launch cannot end: only then may the fields of the launch be read.
    std::atomic<uint64_t> left{0};
  };

  void workerMain(unsigned worker);
  /// Takes pieces of all parts, its own first, until none is left; returns how many.
  uint32_t takePieces(unsigned worker, uint32_t current);
  void runPiece(unsigned part, uint32_t left, unsigned worker);
  std::pair<int64_t, int64_t> partRange(unsigned part) const;
  void waitForNext(uint32_t seen);
  void waitForOthers();

  /// The launch at hand; written by the caller before the parts are.
  int64_t tasks = 0;
  Body body = nullptr;
  void *context = nullptr;
  std::atomic<bool> stopping{false};
  unsigned team = 1;
  /// How long a waiting thread spins before it sleeps; 0 when there are more workers than cores.
  int64_t spinNanoseconds;
  std::unique_ptr<Part[]> parts;

  /// Counts launches. Each of the counters below is alone in its cache line: workers spin on them.
  alignas(64) std::atomic<uint32_t> generation{0};
  /// Pieces of the launch at hand that are not done.
  alignas(64) std::atomic<uint32_t> unfinished{0};
  alignas(64) std::atomic<uint32_t> sleepers{0};
  alignas(64) std::atomic<uint32_t> callerSleeps{0};
  alignas(64) std::vector<std::thread> threads;
};

/// For its lifetime the thread computes with the default floating point mode (round to nearest, denormals kept, no
/// traps), whatever the host program has set: results must not depend on the thread that computes them.
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
