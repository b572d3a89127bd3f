// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Evaluates the elementwise part of a kernel region on registers of one thread: the one routine behind every prologue
// and epilogue.
#pragma once

#include "passes/CUDA/KernelBuilder.h"
#include "passes/Kernels/Access.h"
#include "llvm/ADT/DenseMap.h"

namespace vlp::cuda {

/// A place in an iteration space: `width` consecutive elements of the last dimension, all inside of it.
struct Point {
  llvm::ArrayRef<int64_t> shape;    // of the iteration space
  Value row;                        // i32 over all leading dimensions, flattened row-major (0 where there are none)
  Value column;                     // first element in the last dimension (0 for rank 0)
  int64_t width = 1;                // 1, 2, 4 or 8; a multiple of it divides `column` and the last dimension
  llvm::SmallVector<Value> leading; // indices of the leading dimensions; filled on demand from `row`
};

/// Where the element of `access` at `point` lies in its source, in elements. `access` has the space's rank.
Value offsetAt(KernelBuilder &k, const Access &access, Point &point);

/// The largest width (a power of two up to `most`) at which `access` can be read as aligned vectors: its last stride is
/// 1 (or 0) and all other strides, its offset and its last extent are multiples.
int64_t vectorWidth(const Access &access, mlir::Type element, int64_t most = 4);

/// The elements of `access` at `point`, whatever its last stride: a scalar for width 1, else a vector.
Value readStrided(KernelBuilder &k, Value pointer, const Access &access, Point &point, mlir::Type element);

/// Reads the values of a kernel body at points of an iteration space.
class Expression {
public:
  /// `pointers[i]` is the base pointer of block argument i of `kernel`.
  Expression(KernelBuilder &k, KernelOp kernel, llvm::ArrayRef<Value> pointers);

  /// The elements of `value` (an argument, a view of one, a constant, or an elementwise op of such; broadcast to the
  /// space) at `point`: f32 or i32 in registers.
  Value evaluate(Value value, Point &point);
  /// Says what the anchor's result is at the point that is evaluated next; forgets everything computed before.
  void start(llvm::ArrayRef<std::pair<Value, Value>> known = {});

  /// The largest width at which all inputs behind `values` are read as vectors, several of 16 bytes where the width
  /// asks for them; broadcast ones and constants allow any.
  static int64_t widthOf(llvm::ArrayRef<Value> values, llvm::ArrayRef<int64_t> shape, int64_t most = 4);

private:
  Value compute(Value value, Point &point);

  KernelBuilder &k;
  llvm::DenseMap<Value, Value> bases; // block argument -> pointer
  llvm::DenseMap<Value, Value> memo;  // at the current point
};

} // namespace vlp::cuda
