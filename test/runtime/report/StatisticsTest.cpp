// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the statistics against values worked out by hand, and that intervals are the same on every run.
#include "runtime/report/Statistics.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace vlp::report;

TEST(Statistics, MediansAndQuantiles) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({4}), 4);
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4, 5}, 0.25), 2);
  EXPECT_DOUBLE_EQ(quantile({1, 2}, 2.0), 2);
}

TEST(Statistics, Deviation) {
  std::vector<double> values = {2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_NEAR(deviation(values), std::sqrt(32.0 / 7), 1e-12);
  EXPECT_EQ(deviation(std::vector<double>{3}), 0);
}

TEST(Statistics, BootstrapMatchesTheBinomial) {
  std::vector<double> hits(400, 0.0);
  for (int i = 0; i < 100; ++i)
    hits[size_t(i) * 4] = 100;
  Interval interval = bootstrapMean(hits, 4000);
  double half = 1.96 * std::sqrt(0.25 * 0.75 / 400) * 100; // 4.24 points
  EXPECT_NEAR(interval.low, 25 - half, 0.4);
  EXPECT_NEAR(interval.high, 25 + half, 0.4);
  Interval again = bootstrapMean(hits, 4000);
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
}

TEST(Statistics, BootstrapOfLittle) {
  EXPECT_EQ(bootstrapMean({}, 100).low, 0);
  std::vector<double> one = {7}, same = {3, 3, 3};
  EXPECT_EQ(bootstrapMean(one, 100).high, 7);
  EXPECT_EQ(bootstrapMean(same, 100).low, 3);
  EXPECT_EQ(bootstrapMean(same, 0).high, 3);
}

TEST(Statistics, StudentOverFiveSeeds) {
  std::vector<double> seeds = {68, 69, 70, 71, 72};
  Interval interval = studentMean(seeds);
  EXPECT_NEAR(interval.high - 70, 2.776 * std::sqrt(2.5) / std::sqrt(5.0), 1e-9);
  EXPECT_NEAR(70 - interval.low, interval.high - 70, 1e-9);
}
