// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The frame of a launch function on a GPU.
#pragma once

#include "passes/CUDA/Expression.h"
#include "passes/Kernels/KernelBody.h"

namespace vlp::cuda {

/// The kernel of one launch: builder, pointers by role, expression. A block of the grid is a task.
class LaunchFunction {
public:
  LaunchFunction(const KernelBody &body, const LaunchPlan &launch, llvm::StringRef symbol, mlir::ModuleOp module);

  KernelBuilder k;
  Expression expression;

  Value input(unsigned index) const;
  Value result(unsigned index) const;
  Value partial(unsigned index) const;
  /// Pointer to the source of `access`, which must be an input.
  Value source(const Access &access) const;

  /// Evaluates the yields listed at `point`, with `known` values of the anchor's results, and stores them densely. All
  /// are evaluated before any is stored, so that results may lie in place of inputs.
  void storeYields(Point point, llvm::ArrayRef<std::pair<Value, Value>> known, llvm::ArrayRef<unsigned> yields);
  /// The two halves of storeYields, for emitters that evaluate several points before they store any: loads that follow
  /// a store wait for it.
  llvm::SmallVector<Value> evaluateYields(Point &point, llvm::ArrayRef<std::pair<Value, Value>> known,
                                          llvm::ArrayRef<unsigned> yields);
  void storeValues(Point &point, llvm::ArrayRef<Value> values, llvm::ArrayRef<unsigned> yields);
  /// storeYields of all.
  void storeAllYields(Point point, llvm::ArrayRef<std::pair<Value, Value>> known);
  /// Runs `each` for the elements of a space of `shape` that belong to this block and thread, `width` at a time: block
  /// b has the elements [b, b + 1) * threads * width * repeats in row-major order, threads side by side.
  void forElements(llvm::ArrayRef<int64_t> shape, int64_t width, int64_t repeats, llvm::function_ref<void(Point)> each);

private:
  Value find(LaunchArgument::Kind kind, unsigned index) const;
  const KernelBody &body;
  const LaunchPlan &launch;
};

/// Threads of a block in kernels without shared memory, and blocks of forElements.
inline constexpr int64_t kElementThreads = 256;
int64_t elementBlocks(llvm::ArrayRef<int64_t> shape, int64_t width, int64_t repeats);

/// How many elements of the widest type among `values` make a store of 16 bytes.
int64_t widestStore(llvm::ArrayRef<Value> values);

/// Dense access of a result of the point's shape.
Value denseOffset(KernelBuilder &k, Point &point);

} // namespace vlp::cuda
