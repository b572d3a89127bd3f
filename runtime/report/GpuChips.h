// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What NVIDIA publishes of its GPUs: limits of each architecture, peaks of three boards.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vlp::report {

/// Limits of one multiprocessor.
struct GpuChip {
  std::string_view name; ///< sm_80
  uint32_t threads, blocks;
  /// Bytes of shared memory, and what of it one block may have.
  uint32_t shared, sharedOfBlock;
};

/// Null for a chip that is not in the table.
const GpuChip *findGpuChip(std::string_view name);

/// Blocks that run on one multiprocessor at a time; 0 if not even one fits. `shared` in bytes, static and dynamic
/// together.
uint32_t residentBlocks(const GpuChip &chip, uint32_t registers, uint32_t threads, uint64_t shared);
/// The part of a multiprocessor's threads that these blocks make up, 0 to 1.
double occupancy(const GpuChip &chip, uint32_t registers, uint32_t threads, uint64_t shared);

/// Dense peaks of a board.
struct GpuPeak {
  std::string_view name, chip;
  /// Flops a second: of the tensor cores on bf16 and on tf32 with f32 sums, and of the other units on f32.
  double bf16, tf32, f32;
  /// Bytes a second of its memory.
  double bandwidth;
  std::string_view source;
};

std::span<const GpuPeak> gpuPeaks();

} // namespace vlp::report
