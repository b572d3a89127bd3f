// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that the measured peak is plausible: a broken loop gives nothing or far too much.
#include "runtime/report/Peak.h"

#include <gtest/gtest.h>

TEST(Peak, Plausible) {
  vlp::report::MachinePeak peak = vlp::report::measurePeak(1, 0.02);
  EXPECT_EQ(peak.threads, 1u);
  EXPECT_GT(peak.gflops, 0.5);
  EXPECT_LT(peak.gflops, 1000); // 2 x 16 lanes x 2 operations x 6 GHz is 384
  EXPECT_GT(peak.gigabytes, 0.1);
  EXPECT_FALSE(peak.instructions.empty());
}
