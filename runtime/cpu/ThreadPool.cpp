// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The spin-then-futex thread pool.
#include "runtime/cpu/ThreadPool.h"

#include "runtime/cpu/CpuFeatures.h"

#include <algorithm>
#include <chrono>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vlp {

/// Longer than the gap between two launches of a step, shorter than a scheduler tick.
static constexpr int64_t kSpinNanoseconds = 80'000;

static void futexWait(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

static void futexWake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

static void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

/// Spins until `done()` or the time is over; tells whether it was done. The clock is read once in 64 rounds.
template <typename Done>
static bool spin(int64_t nanoseconds, Done done) {
  if (done())
    return true;
  if (nanoseconds == 0)
    return false;
  auto begin = std::chrono::steady_clock::now();
  do {
    for (unsigned i = 0; i < 64; ++i) {
      if (done())
        return true;
      relax();
    }
  } while ((std::chrono::steady_clock::now() - begin).count() < nanoseconds);
  return done();
}

#if defined(__x86_64__)
DefaultFloatMode::DefaultFloatMode() : saved(_mm_getcsr()) { _mm_setcsr(0x1f80); }
DefaultFloatMode::~DefaultFloatMode() { _mm_setcsr(saved); }
#else
DefaultFloatMode::DefaultFloatMode() : saved(0) {}
DefaultFloatMode::~DefaultFloatMode() { (void)saved; }
#endif

ThreadPool::ThreadPool(unsigned count) {
  unsigned cores = availableCores();
  count = std::min(count ? count : cores, 1024u);
  spinNanoseconds = count <= cores ? kSpinNanoseconds : 0;
  threads.reserve(count - 1);
  for (unsigned worker = 1; worker < count; ++worker) {
    try {
      threads.emplace_back([this, worker] { workerMain(worker); });
    } catch (const std::system_error &) {
      break;
    }
  }
}

ThreadPool::~ThreadPool() {
  stopping = true;
  generation.fetch_add(1);
  futexWake(generation, INT32_MAX);
  for (std::thread &thread : threads)
    thread.join();
}

void ThreadPool::runShare(unsigned worker) {
  int64_t team = size(), each = tasks / team, rest = tasks % team;
  int64_t begin = each * worker + std::min<int64_t>(worker, rest);
  int64_t end = begin + each + (worker < rest ? 1 : 0);
  if (begin < end)
    body(context, begin, end, worker);
}

void ThreadPool::waitForNext(uint32_t seen) {
  auto raised = [&] { return generation.load(std::memory_order_acquire) != seen; };
  while (!spin(spinNanoseconds, raised)) {
    // Either the caller sees the sleeper and wakes it, or the sleeper sees the new generation: both are sequentially consistent.
    sleepers.fetch_add(1);
    if (generation.load() == seen)
      futexWait(generation, seen);
    sleepers.fetch_sub(1);
  }
}

void ThreadPool::workerMain(unsigned worker) {
  DefaultFloatMode mode;
  for (uint32_t seen = 0;; ++seen) {
    waitForNext(seen);
    if (stopping)
      return;
    runShare(worker);
    if (running.fetch_sub(1) == 1 && callerSleeps.load())
      futexWake(running, 1);
  }
}

void ThreadPool::waitForOthers() {
  auto finished = [&] { return running.load(std::memory_order_acquire) == 0; };
  if (spin(spinNanoseconds, finished))
    return;
  callerSleeps.store(1);
  for (uint32_t left; (left = running.load()) != 0;)
    futexWait(running, left);
  callerSleeps.store(0);
}

void ThreadPool::run(int64_t count, Body function, void *data) {
  if (count <= 0)
    return;
  if (threads.empty() || count == 1) {
    function(data, 0, count, 0);
    return;
  }
  tasks = count;
  body = function;
  context = data;
  running.store(uint32_t(threads.size()), std::memory_order_relaxed);
  generation.fetch_add(1);
  if (sleepers.load())
    futexWake(generation, INT32_MAX);
  runShare(0);
  waitForOthers();
}

} // namespace vlp
