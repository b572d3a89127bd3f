// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the text of attention kernels contains, from their tiles.
#pragma once

#include "passes/CUDA/AttentionTiles.h"
#include "passes/Kernels/TileInstructions.h"

namespace vlp::cuda {

/// Adds up instructions; each function stands for one call of the function that emits the same.
class AttentionInstructions {
public:
  AttentionInstructions(const AttentionShape &shape, const BlockShape &block) : s(shape), block(block) {}

  /// AttentionCode::copyRows.
  void copyRows(Value operand, int64_t rows);
  /// `count` asynchronous copies of single elements.
  void copyElements(int64_t count) { copies += count; }
  /// Fragments::multiplyRows of a warp's rows and `columns` of the other side, of which the results of those from
  /// `used` on are known not to be needed.
  void multiplyRows(int64_t columns, int64_t used);
  /// Fragments::accumulate of what multiplyRows gave and `columns` rows of a slice.
  void accumulate(int64_t columns);

  /// The optimiser is free in some places: it drops products of columns that are never stored (of depths that fill no
  /// tile), and may merge copies in the two ways round a branch, or part them.
  TileInstructions total() const;

private:
  void multiply(int64_t columnTiles, int64_t steps);

  const AttentionShape &s;
  const BlockShape &block;
  int64_t mma = 0, ldmatrix = 0, copies = 0, wideCopies = 0;
  bool copiesBranch = false;
};

} // namespace vlp::cuda
