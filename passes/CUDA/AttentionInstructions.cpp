// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counts of products, of the fragments that they load, and of copies.
#include "passes/CUDA/AttentionInstructions.h"

using namespace vlp;
using namespace vlp::cuda;

void AttentionInstructions::copyRows(Value operand, int64_t rows) {
  RowCopies plan(s, block, rowAlignment(operand, s), rows);
  int64_t bytes = plan.width * bytesOf(s.element);
  if (bytes < 4) // by plain loads and stores
    return;
  copiesBranch |= rows % plan.rowsAtOnce || plan.lanes * plan.rowsAtOnce != block.groupThreads();
  int64_t passes = plan.written + (plan.written < plan.passes), count = passes * ceilDiv(plan.copies, plan.lanes);
  copies += count;
  if (bytes == kVectorBytes)
    wideCopies += count;
}

/// f32 in three products of tf32.
void AttentionInstructions::multiply(int64_t columnTiles, int64_t steps) {
  mma += block.tiles * columnTiles * steps * (s.element.isBF16() ? 1 : 3);
}

void AttentionInstructions::multiplyRows(int64_t columns, int64_t used) {
  multiply(ceilDiv(used, 8), s.steps());
  ldmatrix += s.steps() * (block.tiles + columns / 16); // one for 16 rows of either side
}

void AttentionInstructions::accumulate(int64_t columns) {
  int64_t steps = columns / Fragments::stepOf(s.element), tiles = s.sliceColumns / 8;
  multiply(tiles, steps);
  if (s.element.isBF16())
    ldmatrix += steps * tiles / 2;
}

TileInstructions AttentionInstructions::total() const {
  TileInstructions counts;
  if (s.depth % 16 == 0)
    counts.mma = mma;
  counts.ldmatrix = ldmatrix;
  if (!copiesBranch) {
    counts.asyncCopies = copies;
    counts.wideAsyncCopies = wideCopies;
  }
  return counts;
}
