// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What plans must know of a chip: its size, its limits, its speed.
#pragma once

#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace vlp::cuda {

struct Chip {
  llvm::StringRef name;
  /// The board whose size is taken where a chip's boards differ.
  llvm::StringRef board;
  int64_t multiprocessors;
  /// Bytes of shared memory: of one block, and of all blocks on a multiprocessor, each of which takes 1 KiB more than
  /// it asks for.
  int64_t sharedPerBlock, sharedPerMultiprocessor;
  int64_t threadsPerMultiprocessor;
  /// bf16 products with f32 sums by mma.sync, a clock and multiprocessor. tf32 has half of it.
  int64_t products;
};

inline constexpr int64_t kRegistersPerMultiprocessor = 65536;
inline constexpr int64_t kRegistersPerThread = 255;
inline constexpr int64_t kBlocksPerMultiprocessor = 16; // 16 on sm_86, more elsewhere

/// One of supportedChips().
const Chip &getChip(llvm::StringRef name);

/// Blocks that run on one multiprocessor at a time, by their threads, registers a thread and bytes of shared memory.
int64_t residentBlocks(const Chip &chip, int64_t threads, int64_t registers, int64_t shared);

} // namespace vlp::cuda
