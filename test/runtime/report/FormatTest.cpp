// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards how numbers read at the borders between units.
#include "runtime/report/Format.h"

#include <gtest/gtest.h>
#include <limits>

using namespace vlp::report;

TEST(Format, Counts) {
  EXPECT_EQ(count(0), "0");
  EXPECT_EQ(count(999), "999");
  EXPECT_EQ(count(1000), "1.00 k");
  EXPECT_EQ(count(1234567), "1.23 M");
  EXPECT_EQ(count(99960), "100 k");
  EXPECT_EQ(count(999960), "1.00 M");
  EXPECT_EQ(count(-1500), "-1.50 k");
  EXPECT_EQ(count(std::numeric_limits<double>::quiet_NaN()), "-");
}

TEST(Format, Bytes) {
  EXPECT_EQ(bytes(512), "512 B");
  EXPECT_EQ(bytes(1024), "1.00 KiB");
  EXPECT_EQ(bytes(21.0 * 1024 * 1024), "21.0 MiB");
}

TEST(Format, Durations) {
  EXPECT_EQ(duration(3e-6), "3.00 us");
  EXPECT_EQ(duration(0.0123), "12.3 ms");
  EXPECT_EQ(duration(12.34), "12.3 s");
  EXPECT_EQ(duration(125), "2 min 05 s");
  EXPECT_EQ(duration(7400), "2 h 03 min");
  EXPECT_EQ(clockTime(7.4), "0:07");
  EXPECT_EQ(clockTime(3723), "1:02:03");
  EXPECT_EQ(clockTime(-1), "-:--");
  EXPECT_EQ(clockTime(std::numeric_limits<double>::infinity()), "-:--");
}
