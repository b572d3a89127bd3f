// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Placement: soundness on random lifetimes, quality, and the ugly cases.
#include "passes/Plan/Placement.h"
#include <gtest/gtest.h>
#include <random>

using namespace vlp;
using llvm::SmallVector;

/// Independent check: aligned, inside the arena, apart while both are in use.
static void expectSound(llvm::ArrayRef<Lifetime> lifetimes, const Placement &placement, int64_t alignment) {
  ASSERT_EQ(placement.offsets.size(), lifetimes.size());
  for (size_t i = 0; i < lifetimes.size(); ++i) {
    EXPECT_EQ(placement.offsets[i] % alignment, 0);
    EXPECT_GE(placement.offsets[i], 0);
    EXPECT_LE(placement.offsets[i] + lifetimes[i].size, placement.size);
    for (size_t j = 0; j < i; ++j) {
      bool together = lifetimes[i].begin <= lifetimes[j].end && lifetimes[j].begin <= lifetimes[i].end;
      bool apart = placement.offsets[i] + lifetimes[i].size <= placement.offsets[j] ||
                   placement.offsets[j] + lifetimes[j].size <= placement.offsets[i];
      EXPECT_TRUE(!together || apart || lifetimes[i].size == 0 || lifetimes[j].size == 0) << i << " over " << j;
    }
  }
  EXPECT_GE(placement.size, placement.lowerBound);
}

TEST(PlacementTest, NothingToPlace) {
  Placement placement = placeLifetimes({}, 64);
  EXPECT_EQ(placement.size, 0);
  EXPECT_EQ(placement.lowerBound, 0);
}

TEST(PlacementTest, EmptyBuffersTakeNoSpace) {
  SmallVector<Lifetime> lifetimes = {{0, 0, 9}, {100, 0, 1}, {0, 1, 1}};
  Placement placement = placeLifetimes(lifetimes, 64);
  expectSound(lifetimes, placement, 64);
  EXPECT_EQ(placement.size, 128);
}

TEST(PlacementTest, ChainNeedsTwoBuffers) {
  SmallVector<Lifetime> lifetimes;
  for (int i = 0; i < 50; ++i)
    lifetimes.push_back({256, i, i + 1});
  Placement placement = placeLifetimes(lifetimes, 64);
  expectSound(lifetimes, placement, 64);
  EXPECT_EQ(placement.size, 512);
  EXPECT_EQ(placement.lowerBound, 512);
}

TEST(PlacementTest, TouchingLifetimesConflict) {
  SmallVector<Lifetime> lifetimes = {{64, 0, 3}, {64, 3, 5}};
  EXPECT_EQ(placeLifetimes(lifetimes, 64).size, 128);
  lifetimes[1].begin = 4;
  EXPECT_EQ(placeLifetimes(lifetimes, 64).size, 64);
}

TEST(PlacementTest, SmallBuffersFillGaps) {
  // Activations kept from forward to backward, with a working buffer at each step.
  SmallVector<Lifetime> lifetimes;
  for (int i = 0; i < 20; ++i) {
    lifetimes.push_back({1024, i, 39 - i});
    lifetimes.push_back({512, i, i});
  }
  Placement placement = placeLifetimes(lifetimes, 64);
  expectSound(lifetimes, placement, 64);
  EXPECT_EQ(placement.size, placement.lowerBound);
}

TEST(PlacementTest, RandomLifetimes) {
  std::mt19937 random(1);
  double worst = 0;
  for (int round = 0; round < 100; ++round) {
    SmallVector<Lifetime> lifetimes;
    for (int i = 0, n = 1 + random() % 120; i < n; ++i) {
      int64_t begin = random() % 60;
      lifetimes.push_back({static_cast<int64_t>(random() % 5000), begin, begin + static_cast<int64_t>(random() % 20)});
    }
    int64_t alignment = round % 2 ? 64 : 1;
    Placement placement = placeLifetimes(lifetimes, alignment);
    expectSound(lifetimes, placement, alignment);
    worst = std::max(worst, static_cast<double>(placement.size) / std::max<int64_t>(placement.lowerBound, 1));
    EXPECT_EQ(placement.offsets, placeLifetimes(lifetimes, alignment).offsets) << "must be deterministic";
  }
  EXPECT_LT(worst, 1.35) << "arena over its lower bound";
}
