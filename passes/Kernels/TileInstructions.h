// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the machine code of a kernel made of tiles must contain.
#pragma once

#include <cstdint>
#include <optional>

namespace vlp {

/// Numbers of instructions in the text of a GPU function (not of executions) that follow from its tiles alone, computed
/// without emitting it: an optimiser that breaks up vectors, a fragment that is loaded twice or a copy that is no
/// longer asynchronous shows as another number. Unset: not known beforehand.
struct TileInstructions {
  std::optional<int64_t> mma;             ///< mma.sync
  std::optional<int64_t> ldmatrix;        ///< of any width
  std::optional<int64_t> asyncCopies;     ///< cp.async of any width
  std::optional<int64_t> wideAsyncCopies; ///< those of 16 bytes
  std::optional<int64_t> wideGlobal;      ///< loads and stores of 16 bytes in global memory
  std::optional<int64_t> wideShared;      ///< and in shared memory
};

} // namespace vlp
