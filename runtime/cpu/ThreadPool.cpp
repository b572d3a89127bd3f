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

/// A part in this many pieces: enough for others to take some of it over, few enough to cost nothing.
static constexpr int64_t kPieces = 4;

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
  parts = std::make_unique<Part[]>(count);
  threads.reserve(count - 1);
  for (unsigned worker = 1; worker < count; ++worker) {
    try {
      threads.emplace_back([this, worker] { workerMain(worker); });
    } catch (const std::system_error &) {
      break;
    }
  }
  team = unsigned(threads.size()) + 1;
}

ThreadPool::~ThreadPool() {
  stopping = true;
  generation.fetch_add(1);
  futexWake(generation, INT32_MAX);
  for (std::thread &thread : threads)
    thread.join();
}

/// Tasks begin to end of part `part` of `parts` equal parts of [begin, end), the first ones larger by one.
static std::pair<int64_t, int64_t> subrange(int64_t begin, int64_t end, int64_t part, int64_t parts) {
  int64_t each = (end - begin) / parts, rest = (end - begin) % parts;
  int64_t first = begin + each * part + std::min(part, rest);
  return {first, first + each + (part < rest ? 1 : 0)};
}

std::pair<int64_t, int64_t> ThreadPool::partRange(unsigned part) const { return subrange(0, tasks, part, team); }

/// Into how many pieces a part of `size` tasks is cut.
static uint32_t piecesOf(int64_t size) { return uint32_t(std::min(size, kPieces)); }

void ThreadPool::runPiece(unsigned part, uint32_t left, unsigned worker) {
  auto [first, last] = partRange(part);
  uint32_t pieces = piecesOf(last - first);
  auto [begin, end] = subrange(first, last, pieces - left, pieces);
  body(context, begin, end, worker);
}

uint32_t ThreadPool::takePieces(unsigned worker, uint32_t current) {
  uint32_t done = 0;
  for (unsigned i = 0, part = worker; i < team; ++i, part = part + 1 == team ? 0 : part + 1) {
    std::atomic<uint64_t> &left = parts[part].left;
    uint64_t seen = left.load(std::memory_order_acquire);
    while (uint32_t(seen >> 32) == current && uint32_t(seen) != 0) {
      if (!left.compare_exchange_weak(seen, seen - 1, std::memory_order_acquire, std::memory_order_acquire))
        continue;
      runPiece(part, uint32_t(seen), worker);
      ++done;
      seen = left.load(std::memory_order_acquire);
    }
  }
  return done;
}

void ThreadPool::waitForNext(uint32_t seen) {
  auto raised = [&] { return generation.load(std::memory_order_acquire) != seen; };
  while (!spin(spinNanoseconds, raised)) {
    // Either the caller sees the sleeper and wakes it, or the sleeper sees the new generation: both are sequentially
    // consistent.
    sleepers.fetch_add(1);
    if (generation.load() == seen)
      futexWait(generation, seen);
    sleepers.fetch_sub(1);
  }
}

void ThreadPool::workerMain(unsigned worker) {
  DefaultFloatMode mode;
  for (uint32_t seen = 0;;) {
    waitForNext(seen);
    seen = generation.load(std::memory_order_acquire);
    if (stopping)
      return;
    uint32_t done = takePieces(worker, seen);
    if (done && unfinished.fetch_sub(done) == done && callerSleeps.load())
      futexWake(unfinished, 1);
  }
}

void ThreadPool::waitForOthers() {
  auto finished = [&] { return unfinished.load(std::memory_order_acquire) == 0; };
  if (spin(spinNanoseconds, finished))
    return;
  callerSleeps.store(1);
  for (uint32_t left; (left = unfinished.load()) != 0;)
    futexWait(unfinished, left);
  callerSleeps.store(0);
}

void ThreadPool::run(int64_t count, Body function, void *data) {
  if (count <= 0)
    return;
  if (team == 1 || count == 1) {
    function(data, 0, count, 0);
    return;
  }
  tasks = count;
  body = function;
  context = data;
  uint32_t current = generation.load(std::memory_order_relaxed) + 1, pieces = 0;
  for (unsigned part = 0; part < team; ++part) {
    auto [begin, end] = partRange(part);
    pieces += piecesOf(end - begin);
  }
  unfinished.store(pieces, std::memory_order_relaxed);
  for (unsigned part = 0; part < team; ++part) {
    auto [begin, end] = partRange(part);
    parts[part].left.store(uint64_t(current) << 32 | piecesOf(end - begin), std::memory_order_release);
  }
  generation.store(current);
  if (sleepers.load())
    futexWake(generation, INT32_MAX);
  uint32_t done = takePieces(0, current);
  if (unfinished.fetch_sub(done) != done)
    waitForOthers();
}

} // namespace vlp
