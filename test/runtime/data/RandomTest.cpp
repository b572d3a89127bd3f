// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards Philox against the published vectors, and that draws depend on their counter alone.
#include "runtime/data/Random.h"

#include <gtest/gtest.h>
#include <set>

using namespace vlp::data;

TEST(Random, PhiloxKnownAnswers) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, DrawsOfDifferentRowsStepsAndPurposesDiffer) {
  std::set<uint32_t> seen;
  for (uint64_t seed : {0, 1})
    for (uint64_t step : {uint64_t(0), uint64_t(1), uint64_t(1) << 40})
      for (uint32_t row : {0, 1})
        for (uint8_t purpose : {1, 2}) {
          Draws draws(seed, step, row, purpose);
          for (int i = 0; i < 6; ++i)
            seen.insert(draws.word());
        }
  EXPECT_EQ(seen.size(), 2u * 3 * 2 * 2 * 6);
}

TEST(Random, RangesHold) {
  Draws draws(3, 1, 4, 1);
  std::set<uint32_t> values;
  for (int i = 0; i < 1000; ++i) {
    double u = draws.uniform(0.85, 1.1);
    EXPECT_TRUE(u >= 0.85 && u < 1.1);
    uint32_t b = draws.below(7);
    EXPECT_LT(b, 7u);
    values.insert(b);
    EXPECT_EQ(draws.below(1), 0u);
  }
  EXPECT_EQ(values.size(), 7u);
}
