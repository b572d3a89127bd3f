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

/// Waits until `arrived` workers are here, so that none can do the work of another.
struct Meeting {
  std::atomic<unsigned> arrived{0};
  unsigned expected;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::set<unsigned> workers;
};

void meet(void *context, int64_t, int64_t, unsigned worker) {
  auto &meeting = *static_cast<Meeting *>(context);
  {
    std::lock_guard lock(meeting.mutex);
    meeting.threads.insert(std::this_thread::get_id());
    meeting.workers.insert(worker);
  }
  for (++meeting.arrived; meeting.arrived < meeting.expected;)
    std::this_thread::yield();
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
  for (int round = 0; round < 50; ++round) {
    Meeting meeting;
    meeting.expected = 4;
    pool.run(4, meet, &meeting);
    EXPECT_EQ(meeting.threads.size(), 4u);
    EXPECT_EQ(meeting.workers, (std::set<unsigned>{0, 1, 2, 3}));
    EXPECT_TRUE(meeting.threads.contains(std::this_thread::get_id()));
  }
}

TEST(ThreadPool, DefaultIsOnePerCore) {
  ThreadPool pool;
  EXPECT_GE(pool.size(), 1u);
  EXPECT_LE(pool.size(), std::max(1u, std::thread::hardware_concurrency()));
}

// One task is slow: the others do not wait behind it, whoever's part they are in.
TEST(ThreadPool, OthersTakeOverWhatASlowWorkerLeft) {
  ThreadPool pool(2);
  struct Work {
    std::atomic<int> quick{0};
  } work;
  pool.run(
      8,
      [](void *context, int64_t begin, int64_t, unsigned) {
        auto &quick = static_cast<Work *>(context)->quick;
        if (begin != 0)
          ++quick;
        else
          while (quick < 7)
            std::this_thread::yield();
      },
      &work);
  EXPECT_EQ(work.quick, 7);
}

TEST(ThreadPool, HugeTaskCountsDoNotOverflow) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  pool.run(
      INT64_MAX,
      [](void *context, int64_t begin, int64_t end, unsigned) {
        *static_cast<std::atomic<int64_t> *>(context) += end - begin;
      },
      &sum);
  EXPECT_EQ(sum, INT64_MAX);
}

// Lost wake-ups show as a hang: launches back to back, with pauses around the length of the spin, and from a sleeping
// team.
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
  struct Modes : Meeting {
    std::array<unsigned, 3> of{};
  } modes;
  modes.expected = 3;
  _mm_setcsr(host);
  {
    DefaultFloatMode mode;
    pool.run(
        3,
        [](void *context, int64_t begin, int64_t end, unsigned worker) {
          static_cast<Modes *>(context)->of[worker] = _mm_getcsr() & ~0x3fu;
          meet(static_cast<Meeting *>(static_cast<Modes *>(context)), begin, end, worker);
        },
        &modes);
  }
  EXPECT_EQ(_mm_getcsr() & ~0x3fu, host & ~0x3fu);
  _mm_setcsr(saved);
  for (unsigned mode : modes.of)
    EXPECT_EQ(mode, 0x1f80u);
}
#endif
