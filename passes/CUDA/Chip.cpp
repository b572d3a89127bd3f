// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of chips. Limits are those of the CUDA programming guide (compute capabilities), speeds follow from the
// published peaks.
#include "passes/CUDA/Chip.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace vlp::cuda;

// Hopper's peak of 2048 is wgmma's; mma.sync reaches 0.62 of it (Luo et al., "Benchmarking and Dissecting the Nvidia
// Hopper GPU Architecture", 2024). The data centre Blackwell is taken to be no slower.
static constexpr Chip kChips[] = {
    {"sm_80", "A100", 108, 163 << 10, 164 << 10, 2048, 1024},
    {"sm_86", "A40", 84, 99 << 10, 100 << 10, 1536, 512},
    {"sm_89", "L4", 58, 99 << 10, 100 << 10, 1536, 512},
    {"sm_90", "H100 SXM", 132, 227 << 10, 228 << 10, 2048, 1270},
    {"sm_100", "B200", 148, 227 << 10, 228 << 10, 2048, 1270},
    {"sm_120", "RTX PRO 6000", 188, 99 << 10, 100 << 10, 1536, 512},
};

const Chip &vlp::cuda::getChip(llvm::StringRef name) {
  for (const Chip &chip : kChips)
    if (chip.name == name)
      return chip;
  llvm_unreachable("a chip that is not supported");
}

int64_t vlp::cuda::residentBlocks(const Chip &chip, int64_t threads, int64_t registers, int64_t shared) {
  int64_t registersOfWarp = llvm::alignTo(registers * 32, 256); // given out in portions of 256
  return std::min({kRegistersPerMultiprocessor / (registersOfWarp * threads / 32),
                   chip.threadsPerMultiprocessor / threads, chip.sharedPerMultiprocessor / (shared + 1024),
                   kBlocksPerMultiprocessor});
}
