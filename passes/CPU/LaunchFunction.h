// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The frame of a launch function on the CPU.
#pragma once

#include "passes/CPU/Expression.h"
#include "passes/Kernels/KernelBody.h"

namespace vlp::cpu {

/// The function of one launch: builder, pointers by role, expression.
class LaunchFunction {
public:
  LaunchFunction(const KernelBody &body, const LaunchPlan &launch, llvm::StringRef symbol, mlir::ModuleOp module);

  KernelBuilder k;
  Expression expression;

  Value input(unsigned index) const;
  Value result(unsigned index) const;
  Value partial(unsigned index) const;

  /// Evaluates the yields listed (all by default) at `point`, with `known` values of the anchor's results, and stores
  /// them densely. All are evaluated before any is stored, so that results may lie in place of inputs.
  void storeYields(Point point, llvm::ArrayRef<std::pair<Value, Value>> known, llvm::ArrayRef<unsigned> yields);
  /// Loops over the rows of the launch's tasks, `rowsPerTask` each, of `rows`.
  void forRows(int64_t rows, int64_t rowsPerTask, llvm::function_ref<void(Value)> each);

private:
  Value find(LaunchArgument::Kind kind, unsigned index) const;
  const KernelBody &body;
  const LaunchPlan &launch;
};

/// Dense access of a result of the given shape.
Value denseOffset(KernelBuilder &k, Point &point);

} // namespace vlp::cpu
