// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the thread pool: every task exactly once, for any team and any number of tasks, awake or asleep.
#include "runtime/cpu/ThreadPool.h"

#include <chrono>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace vlp;

namespace {

struct Counts {
  std::vector<std::atomic<int>> tasks;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  explicit Counts(size_t size) : tasks(size) {}
};

void countTasks(void *context, int64_t begin, int64_t end, unsigned) {
  auto &counts = *static_cast<Counts *>(context);
  for (int64_t i = begin; i < end; ++i)
    ++counts.tasks[size_t(i)];
}

void rememberThread(void *context, int64_t, int64_t, unsigned) {
  auto &counts = *static_cast<Counts *>(context);
  std::lock_guard lock(counts.mutex);
  counts.threads.insert(std::this_thread::get_id());
}

} // namespace

TEST(ThreadPool, EveryTaskOnce) {
  for (unsigned threads : {1u, 2u, 3u, 7u, 16u}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (int64_t tasks : {0, 1, 2, 3, 6, 7, 8, 15, 16, 17, 1000}) {
      Counts counts{size_t(tasks)};
      pool.run(tasks, countTasks, &counts);
      for (auto &count : counts.tasks)
        ASSERT_EQ(count, 1) << threads << " threads, " << tasks << " tasks";
    }
  }
}

TEST(ThreadPool, AllWorkersTakePart) {
  ThreadPool pool(4);
  Counts counts(0);
  pool.run(4, rememberThread, &counts);
  EXPECT_EQ(counts.threads.size(), 4u);
  EXPECT_TRUE(counts.threads.contains(std::this_thread::get_id()));
}

TEST(ThreadPool, DefaultIsOnePerCore) {
  ThreadPool pool;
  EXPECT_GE(pool.size(), 1u);
  EXPECT_LE(pool.size(), std::max(1u, std::thread::hardware_concurrency()));
}

// The same split each time: workers find their data in their caches.
TEST(ThreadPool, SplitIsContiguousAndFixed) {
  ThreadPool pool(3);
  struct Ranges {
    std::array<std::pair<int64_t, int64_t>, 3> of{};
  } ranges;
  pool.run(
      11, [](void *context, int64_t begin, int64_t end, unsigned worker) { static_cast<Ranges *>(context)->of[worker] = {begin, end}; },
      &ranges);
  EXPECT_EQ(ranges.of[0], (std::pair<int64_t, int64_t>{0, 4}));
  EXPECT_EQ(ranges.of[1], (std::pair<int64_t, int64_t>{4, 8}));
  EXPECT_EQ(ranges.of[2], (std::pair<int64_t, int64_t>{8, 11}));
}

TEST(ThreadPool, HugeTaskCountsDoNotOverflow) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  pool.run(
      INT64_MAX, [](void *context, int64_t begin, int64_t end, unsigned) { *static_cast<std::atomic<int64_t> *>(context) += end - begin; },
      &sum);
  EXPECT_EQ(sum, INT64_MAX);
}

// Lost wake-ups show as a hang: launches back to back, with pauses around the length of the spin, and from a sleeping team.
TEST(ThreadPool, ThousandsOfTinyLaunches) {
  for (unsigned threads : {2u, 5u}) {
    ThreadPool pool(threads);
    Counts counts(64);
    constexpr int rounds = 4000;
    for (int i = 0; i < rounds; ++i)
      pool.run(64, countTasks, &counts);
    for (auto &count : counts.tasks)
      ASSERT_EQ(count, rounds);
    for (int i = 0; i < 300; ++i) {
      auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(i);
      while (std::chrono::steady_clock::now() < until)
        ;
      pool.run(64, countTasks, &counts);
    }
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      pool.run(64, countTasks, &counts);
    }
    for (auto &count : counts.tasks)
      ASSERT_EQ(count, rounds + 320);
  }
}

TEST(ThreadPool, ComesAndGoes) {
  for (int i = 0; i < 200; ++i) {
    ThreadPool pool(3);
    Counts counts(5);
    if (i % 2)
      pool.run(5, countTasks, &counts);
  }
}

// Several sessions may run at once, each with its team.
TEST(ThreadPool, TeamsSideBySide) {
  auto work = [] {
    ThreadPool pool(3);
    Counts counts(10);
    for (int i = 0; i < 500; ++i)
      pool.run(10, countTasks, &counts);
    for (auto &count : counts.tasks)
      EXPECT_EQ(count, 500);
  };
  std::thread other(work);
  work();
  other.join();
}

#if defined(__x86_64__)
// A host program that flushes denormals must not change results, and gets its mode back.
TEST(ThreadPool, DefaultFloatModeInAllWorkers) {
  unsigned host = _mm_getcsr() | 0x8040;
  unsigned saved = _mm_getcsr();
  ThreadPool pool(3);
  struct Modes {
    std::array<unsigned, 3> of{};
  } modes;
  _mm_setcsr(host);
  {
    DefaultFloatMode mode;
    pool.run(
        3, [](void *context, int64_t, int64_t, unsigned worker) { static_cast<Modes *>(context)->of[worker] = _mm_getcsr() & ~0x3fu; },
        &modes);
  }
  EXPECT_EQ(_mm_getcsr() & ~0x3fu, host & ~0x3fu);
  _mm_setcsr(saved);
  for (unsigned mode : modes.of)
    EXPECT_EQ(mode, 0x1f80u);
}
#endif
