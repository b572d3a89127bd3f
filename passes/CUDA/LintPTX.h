// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads PTX text: what no kernel may contain, and how often it uses the instructions that make a kernel fast.
#pragma once

#include "passes/Kernels/TileInstructions.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace vlp::cuda {

/// Instructions in the text of one kernel (not executions).
struct PtxCounts {
  std::string kernel;
  uint32_t mma = 0;             // mma.sync
  uint32_t ldmatrix = 0;        // of any width
  uint32_t asyncCopies = 0;     // cp.async of 4, 8 or 16 bytes
  uint32_t wideAsyncCopies = 0; // those of 16
  uint32_t wideGlobal = 0;      // loads and stores of 16 bytes or more a thread, in global memory
  uint32_t wideShared = 0;      // and in shared memory
  uint32_t barriers = 0;        // of the block
};

struct PtxLint {
  /// One line each. Expected of every kernel: shared arrays aligned to 16 bytes (ldmatrix and cp.async need it, LLVM
  /// gives them their element's alignment), none static of at most one byte (what dynamic shared memory turns into when
  /// it is not declared external), no local memory, no calls.
  std::vector<std::string> problems;
  std::vector<PtxCounts> kernels; // in order of the text
};

PtxLint lintPTX(llvm::StringRef ptx);

/// One line for each number of `expected` that the kernel's text does not have.
std::vector<std::string> compareCounts(const PtxCounts &counts, const TileInstructions &expected);

} // namespace vlp::cuda
