// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The register tile of every matrix product on the CPU: C[rows x 16 vectors] += A[rows x K] B[K x 16 vectors],
// accumulators in registers, one broadcast of A and one vector of B an fma.
#pragma once

#include "passes/CPU/KernelBuilder.h"

namespace vlp::cpu {

/// Operands of a tile. A's element (i, k) is at aPointer[aRows[i] + k aStep]; B's vector j of row k at bPointer[bBase +
/// k bStep + 16 j].
struct TileOperands {
  Value aPointer;
  llvm::SmallVector<Value> aRows;
  int64_t aStep;
  Value bPointer;
  Value bBase;
  int64_t bStep;
  /// Lanes of the last vector of B that may be read; kLanes where B is padded.
  int64_t lastLanes = kLanes;
};

/// Returns accumulators plus products for k in [from, to), row-major over (rows, vectors).
llvm::SmallVector<Value> multiplyTile(KernelBuilder &k, const TileOperands &operands, int64_t vectors, Value from,
                                      Value to, llvm::ArrayRef<Value> accumulators);

} // namespace vlp::cpu
