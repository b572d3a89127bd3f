// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards occupancy against what NVIDIA's own calculator says.
#include "runtime/report/GpuChips.h"

#include <gtest/gtest.h>

using namespace vlp::report;

TEST(GpuChips, ResidentBlocksAreNvidiasOwn) {
  // cudaOccMaxActiveBlocksPerMultiprocessor of cuda_occupancy.h (CUDA 13.0), with each chip's limits.
  struct Case {
    const char *chip;
    uint32_t registers, threads;
    uint64_t shared;
    uint32_t blocks;
  };
  const Case cases[] = {
      {"sm_80", 168, 256, 98304, 1},  {"sm_80", 250, 128, 98304, 1},  {"sm_80", 155, 128, 40960, 3},
      {"sm_80", 64, 256, 0, 4},       {"sm_80", 102, 128, 40960, 4},  {"sm_80", 32, 1024, 0, 2},
      {"sm_80", 255, 512, 0, 0},      {"sm_80", 40, 96, 3000, 16},    {"sm_80", 72, 160, 12473, 5},
      {"sm_80", 24, 32, 0, 32},       {"sm_80", 65, 64, 20000, 7},    {"sm_80", 33, 1024, 0, 1},
      {"sm_80", 128, 512, 65536, 1},  {"sm_80", 96, 384, 49152, 1},   {"sm_80", 16, 32, 1, 32},
      {"sm_80", 255, 288, 0, 0},      {"sm_86", 168, 256, 98304, 1},  {"sm_86", 250, 128, 98304, 1},
      {"sm_86", 155, 128, 40960, 2},  {"sm_86", 64, 256, 0, 4},       {"sm_86", 102, 128, 40960, 2},
      {"sm_86", 32, 1024, 0, 1},      {"sm_86", 255, 512, 0, 0},      {"sm_86", 40, 96, 3000, 16},
      {"sm_86", 72, 160, 12473, 5},   {"sm_86", 24, 32, 0, 16},       {"sm_86", 65, 64, 20000, 4},
      {"sm_86", 33, 1024, 0, 1},      {"sm_86", 128, 512, 65536, 1},  {"sm_86", 96, 384, 49152, 1},
      {"sm_86", 16, 32, 1, 16},       {"sm_86", 255, 288, 0, 0},      {"sm_89", 168, 256, 98304, 1},
      {"sm_89", 250, 128, 98304, 1},  {"sm_89", 155, 128, 40960, 2},  {"sm_89", 64, 256, 0, 4},
      {"sm_89", 102, 128, 40960, 2},  {"sm_89", 32, 1024, 0, 1},      {"sm_89", 255, 512, 0, 0},
      {"sm_89", 40, 96, 3000, 16},    {"sm_89", 72, 160, 12473, 5},   {"sm_89", 24, 32, 0, 24},
      {"sm_89", 65, 64, 20000, 4},    {"sm_89", 33, 1024, 0, 1},      {"sm_89", 128, 512, 65536, 1},
      {"sm_89", 96, 384, 49152, 1},   {"sm_89", 16, 32, 1, 24},       {"sm_89", 255, 288, 0, 0},
      {"sm_90", 168, 256, 98304, 1},  {"sm_90", 250, 128, 98304, 2},  {"sm_90", 155, 128, 40960, 3},
      {"sm_90", 64, 256, 0, 4},       {"sm_90", 102, 128, 40960, 4},  {"sm_90", 32, 1024, 0, 2},
      {"sm_90", 255, 512, 0, 0},      {"sm_90", 40, 96, 3000, 16},    {"sm_90", 72, 160, 12473, 5},
      {"sm_90", 24, 32, 0, 32},       {"sm_90", 65, 64, 20000, 11},   {"sm_90", 33, 1024, 0, 1},
      {"sm_90", 128, 512, 65536, 1},  {"sm_90", 96, 384, 49152, 1},   {"sm_90", 16, 32, 1, 32},
      {"sm_90", 255, 288, 0, 0},      {"sm_100", 168, 256, 98304, 1}, {"sm_100", 250, 128, 98304, 2},
      {"sm_100", 155, 128, 40960, 3}, {"sm_100", 64, 256, 0, 4},      {"sm_100", 102, 128, 40960, 4},
      {"sm_100", 32, 1024, 0, 2},     {"sm_100", 255, 512, 0, 0},     {"sm_100", 40, 96, 3000, 16},
      {"sm_100", 72, 160, 12473, 5},  {"sm_100", 24, 32, 0, 32},      {"sm_100", 65, 64, 20000, 11},
      {"sm_100", 33, 1024, 0, 1},     {"sm_100", 128, 512, 65536, 1}, {"sm_100", 96, 384, 49152, 1},
      {"sm_100", 16, 32, 1, 32},      {"sm_100", 255, 288, 0, 0},     {"sm_120", 168, 256, 98304, 1},
      {"sm_120", 250, 128, 98304, 1}, {"sm_120", 155, 128, 40960, 2}, {"sm_120", 64, 256, 0, 4},
      {"sm_120", 102, 128, 40960, 2}, {"sm_120", 32, 1024, 0, 1},     {"sm_120", 255, 512, 0, 0},
      {"sm_120", 40, 96, 3000, 16},   {"sm_120", 72, 160, 12473, 5},  {"sm_120", 24, 32, 0, 24},
      {"sm_120", 65, 64, 20000, 4},   {"sm_120", 33, 1024, 0, 1},     {"sm_120", 128, 512, 65536, 1},
      {"sm_120", 96, 384, 49152, 1},  {"sm_120", 16, 32, 1, 24},      {"sm_120", 255, 288, 0, 0},
  };
  for (const Case &each : cases) {
    const GpuChip *chip = findGpuChip(each.chip);
    ASSERT_NE(chip, nullptr) << each.chip;
    EXPECT_EQ(residentBlocks(*chip, each.registers, each.threads, each.shared), each.blocks)
        << each.chip << ", " << each.registers << " registers, " << each.threads << " threads, " << each.shared
        << " bytes";
  }
}

TEST(GpuChips, Occupancy) {
  const GpuChip &a100 = *findGpuChip("sm_80");
  EXPECT_DOUBLE_EQ(occupancy(a100, 168, 256, 98304), 0.125);
  EXPECT_DOUBLE_EQ(occupancy(a100, 32, 1024, 0), 1.0);
  EXPECT_DOUBLE_EQ(occupancy(a100, 24, 33, 0), 32.0 * 64 / 2048); // a warp of one thread takes a warp's place
  EXPECT_DOUBLE_EQ(occupancy(a100, 32, 0, 0), 0.0);
  EXPECT_EQ(residentBlocks(a100, 32, 256, (163 << 10) + 1), 0u);
  EXPECT_EQ(residentBlocks(a100, 32, 256, 163 << 10), 1u);
}

TEST(GpuChips, UnknownChips) {
  EXPECT_EQ(findGpuChip("sm_75"), nullptr);
  EXPECT_EQ(findGpuChip(""), nullptr);
}

TEST(GpuChips, EveryBoardHasAChip) {
  ASSERT_EQ(gpuPeaks().size(), 3u);
  for (const GpuPeak &peak : gpuPeaks()) {
    EXPECT_NE(findGpuChip(peak.chip), nullptr) << peak.chip;
    EXPECT_GT(peak.bf16, peak.tf32);
    EXPECT_GT(peak.tf32, peak.f32);
    EXPECT_FALSE(peak.source.empty());
  }
}
