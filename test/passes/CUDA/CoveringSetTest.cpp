// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A set of shapes that claims to cover all pairs does, with few shapes, and is the same every time.
#include "test/passes/CUDA/CoveringSet.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace vlp::test;

namespace {

bool covers(const std::vector<Choice> &choices, const std::vector<int> &sizes) {
  for (size_t i = 0; i < sizes.size(); ++i)
    for (size_t j = i + 1; j < sizes.size(); ++j)
      for (int a = 0; a < sizes[i]; ++a)
        for (int b = 0; b < sizes[j]; ++b)
          if (std::none_of(choices.begin(), choices.end(), [&](const Choice &c) { return c[i] == a && c[j] == b; }))
            return false;
  return true;
}

TEST(CoveringSet, AllChoicesAreTheProduct) {
  EXPECT_EQ(allChoices({2, 1, 2}), (std::vector<Choice>{{0, 0, 0}, {0, 0, 1}, {1, 0, 0}, {1, 0, 1}}));
  EXPECT_EQ(allChoices({3, 6, 6, 2}).size(), 216u);
}

TEST(CoveringSet, EveryPairIsThere) {
  for (const std::vector<int> &sizes :
       {std::vector<int>{2, 2}, {2, 2, 2}, {1, 4, 3}, {3, 6, 6, 2}, {3, 6, 6, 2, 7, 2}}) {
    std::vector<Choice> choices = pairwiseChoices(sizes);
    EXPECT_TRUE(covers(choices, sizes));
    // The two largest dimensions alone need their product; the greedy way is not far from it.
    std::vector<int> sorted = sizes;
    std::sort(sorted.rbegin(), sorted.rend());
    EXPECT_GE(choices.size(), static_cast<size_t>(sorted[0] * sorted[1]));
    EXPECT_LE(choices.size(), static_cast<size_t>(sorted[0] * sorted[1] * 3 / 2));
    EXPECT_EQ(choices, pairwiseChoices(sizes));
  }
}

TEST(CoveringSet, AMissingPairShows) { EXPECT_FALSE(covers({{0, 0}, {0, 1}, {1, 1}}, {2, 2})); }

TEST(CoveringSet, CheapValuesFirst) { EXPECT_EQ(pairwiseChoices({3, 6, 6, 2})[0], (Choice{0, 0, 0, 0})); }

} // namespace
