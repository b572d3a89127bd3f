// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Evaluates the elementwise part of a kernel region on vectors: the one routine behind every prologue and epilogue.
#pragma once

#include "passes/CPU/KernelBuilder.h"
#include "passes/Kernels/Access.h"
#include "llvm/ADT/DenseMap.h"

namespace vlp::cpu {

/// A place in an iteration space: up to kLanes consecutive elements of the last dimension.
struct Point {
  llvm::ArrayRef<int64_t> shape; // of the iteration space
  Value row;                     // index over all leading dimensions, flattened row-major (0 where there are none)
  Value column;                  // first element in the last dimension (0 for rank 0)
  int64_t lanes = kLanes;
  llvm::SmallVector<Value> leading; // indices of the leading dimensions; filled on demand from `row`
};

/// Where the element of `access` at `point` lies in its source, in elements. `access` has the space's rank.
Value offsetAt(KernelBuilder &k, const Access &access, Point &point);

/// The elements of `access` at `point`, whatever its last stride: consecutive, repeated or gathered. Lanes from
/// point.lanes on are zero, or repeats.
Value readStrided(KernelBuilder &k, Value pointer, const Access &access, Point &point, mlir::Type element = {});

/// Reads the values of a kernel body at points of an iteration space.
class Expression {
public:
  /// `pointers[i]` is the base pointer of block argument i of `kernel`.
  Expression(KernelBuilder &k, KernelOp kernel, llvm::ArrayRef<Value> pointers);

  /// The elements of `value` (an argument, a view of one, a constant, or an elementwise op of such; broadcast to the
  /// space) at `point` as a vector.
  Value evaluate(Value value, Point &point);
  /// Says what the anchor's result is at the point that is evaluated next; forgets everything computed before.
  void start(llvm::ArrayRef<std::pair<Value, Value>> known = {});

private:
  Value compute(Value value, Point &point);

  KernelBuilder &k;
  llvm::DenseMap<Value, Value> bases; // block argument -> pointer
  llvm::DenseMap<Value, Value> memo;  // at the current point
};

} // namespace vlp::cpu
