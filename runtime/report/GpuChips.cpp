// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables. Limits: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability". Occupancy is
// computed as NVIDIA's cuda_occupancy.h (CUDA 13.0) does.
#include "runtime/report/GpuChips.h"

#include <algorithm>

namespace vlp::report {

static constexpr uint32_t kKiB = 1024;
static constexpr GpuChip kChips[] = {
    {"sm_80", 2048, 32, 164 * kKiB, 163 * kKiB},  {"sm_86", 1536, 16, 100 * kKiB, 99 * kKiB},
    {"sm_89", 1536, 24, 100 * kKiB, 99 * kKiB},   {"sm_90", 2048, 32, 228 * kKiB, 227 * kKiB},
    {"sm_100", 2048, 32, 228 * kKiB, 227 * kKiB}, {"sm_120", 1536, 24, 100 * kKiB, 99 * kKiB},
};

// Of every chip above.
static constexpr uint32_t kWarp = 32, kPartitions = 4;
static constexpr uint32_t kRegisters = 65536, kRegisterUnit = 256; // of a multiprocessor; a warp's share is a multiple
static constexpr uint32_t kReservedShared = 1 * kKiB, kSharedUnit = 128; // a block takes the first besides

const GpuChip *findGpuChip(std::string_view name) {
  for (const GpuChip &chip : kChips)
    if (chip.name == name)
      return &chip;
  return nullptr;
}

static constexpr uint64_t roundUp(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

uint32_t residentBlocks(const GpuChip &chip, uint32_t registers, uint32_t threads, uint64_t shared) {
  if (threads == 0 || shared > chip.sharedOfBlock)
    return 0;
  uint64_t warps = (threads + kWarp - 1) / kWarp;
  uint64_t blocks = std::min<uint64_t>(chip.blocks, chip.threads / kWarp / warps);
  blocks = std::min(blocks, chip.shared / roundUp(shared + kReservedShared, kSharedUnit));
  if (uint64_t ofWarp = roundUp(uint64_t(registers) * kWarp, kRegisterUnit)) {
    // A launch is refused as if each partition got as many warps as the fullest; blocks that run share the partitions
    // evenly.
    if (ofWarp * roundUp(warps, kPartitions) > kRegisters)
      return 0;
    blocks = std::min(blocks, kRegisters / kPartitions / ofWarp * kPartitions / warps);
  }
  return uint32_t(blocks);
}

double occupancy(const GpuChip &chip, uint32_t registers, uint32_t threads, uint64_t shared) {
  uint64_t warps = (threads + kWarp - 1) / kWarp;
  return double(residentBlocks(chip, registers, threads, shared) * warps * kWarp) / double(chip.threads);
}

// Without sparsity. Where a data sheet states tensor peaks with sparsity alone, they are halved, as its footnote says.
static constexpr GpuPeak kPeaks[] = {
    {"A100", "sm_80", 312e12, 156e12, 19.5e12, 2039e9, "NVIDIA A100 80GB SXM data sheet (2021)"},
    {"H100", "sm_90", 989.4e12, 494.7e12, 66.9e12, 3350e9,
     "NVIDIA H100 architecture whitepaper and data sheet, SXM5 (2022)"},
    {"L4", "sm_89", 121e12, 60e12, 30.3e12, 300e9, "NVIDIA L4 data sheet (2023)"},
};

std::span<const GpuPeak> gpuPeaks() { return kPeaks; }

} // namespace vlp::report
