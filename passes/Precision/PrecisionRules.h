// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of mixed precision: in what each op computes, and how its values are kept.
#pragma once

#include "dialect/VLP/VLP.h"

namespace vlp {

/// How an op takes an operand.
enum class Reads {
  F32,    ///< in f32
  BF16,   ///< in bf16: it computes on it
  Either, ///< as it is stored
  Widened ///< as it is stored, widened to f32 on the way into registers by a cast in its own kernel
};

/// How the results of an op that reads bf16 or is elementwise are kept.
enum class Gives {
  F32,     ///< in f32
  Rounded, ///< computed in f32; memory keeps it in bf16 where its readers take that
  BF16     ///< in bf16 by its own types; statistics in f32
};

/// What `op` does with operand `index`.
Reads getReads(mlir::Operation *op, unsigned index);
Gives getGives(mlir::Operation *op);
/// Whether `result` is one that only the op's gradient reads, and needs in f32.
bool isStatistic(mlir::OpResult result);

/// Whether `op` computes on bf16 operands by the table.
bool isProduct(mlir::Operation *op);

} // namespace vlp
