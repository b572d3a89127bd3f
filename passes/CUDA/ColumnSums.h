// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of columns: over many rows (bias gradients), and over the partial results of earlier launches.
#pragma once

#include "passes/CUDA/KernelBuilder.h"

namespace vlp::cuda {

/// The threads of a block stand side by side in `columnLanes` columns of `width` elements each and in `termLanes`
/// lines, which take turns over the terms of a sum.
struct ColumnTile {
  int64_t columns = 1, terms = 1, width = 1;
  int64_t columnLanes = 1, termLanes = 1; // powers of two
  int64_t chunks = 1;                     // that the terms are cut into; from the shape alone
  int64_t chunkTerms = 1;                 // of each but the last

  int64_t threads() const { return columnLanes * termLanes; }
  int64_t columnBlocks() const;
  int64_t sharedBytes() const { return termLanes > 1 ? threads() * width * 4 : 0; }
};

/// For `matrices` of terms x columns. Without `mayCut`, one chunk.
ColumnTile chooseColumnTile(int64_t matrices, int64_t terms, int64_t columns, int64_t width, bool mayCut);

/// `read(i)` for i = from, from + step, ... below `to`, added to `sum` in this order; several reads are under way at
/// once. Bounds may differ between threads.
Value sumStrided(KernelBuilder &k, Value from, Value to, int64_t step, Value sum,
                 llvm::function_ref<Value(Value)> read);

/// The sums over the terms of chunk `chunk`, in block `columnBlock` of the columns: `read(term, column)` gives `width`
/// elements. Calls `store(column, sum)` in the thread that has them. All threads of the block take part; uses shared
/// memory from its start on.
void sumColumns(KernelBuilder &k, const ColumnTile &tile, Value columnBlock, Value chunk,
                llvm::function_ref<Value(Value term, Value column)> read,
                llvm::function_ref<void(Value column, Value sum)> store);

} // namespace vlp::cuda
