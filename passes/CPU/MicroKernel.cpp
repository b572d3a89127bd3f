// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The innermost loop of matrix products.
#include "passes/CPU/MicroKernel.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

SmallVector<Value> cpu::multiplyTile(KernelBuilder &k, const TileOperands &t, int64_t vectors, Value from, Value to,
                                     ArrayRef<Value> accumulators) {
  int64_t rows = t.aRows.size();
  return k.loop(from, to, 1, ValueRange(accumulators), [&](Value at, ValueRange in) {
    SmallVector<Value> b, next(in.begin(), in.end());
    Value bRow = k.add(t.bBase, k.mul(at, t.bStep));
    for (int64_t j = 0; j < vectors; ++j)
      b.push_back(k.loadVector(t.bPointer, k.add(bRow, j * kLanes), j + 1 == vectors ? t.lastLanes : kLanes));
    Value aColumn = k.mul(at, t.aStep);
    for (int64_t i = 0; i < rows; ++i) {
      Value a = k.broadcast(k.loadF32(t.aPointer, k.add(t.aRows[i], aColumn)));
      for (int64_t j = 0; j < vectors; ++j)
        next[i * vectors + j] = k.fma(a, b[j], next[i * vectors + j]);
    }
    return next;
  });
}
