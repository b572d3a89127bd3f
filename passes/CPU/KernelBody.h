// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What every CPU emitter asks of a kernel body: its anchor, its results, the launches they need.
#pragma once

#include "passes/CPU/Expression.h"

namespace vlp::cpu {

/// A kernel body taken apart.
struct KernelBody {
  explicit KernelBody(KernelOp kernel);

  mutable KernelOp kernel;
  mlir::Operation *anchor = nullptr; // null where the body is elementwise only
  llvm::SmallVector<Value> yields;   // one per result

  llvm::ArrayRef<int64_t> shape(Value value) const {
    return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
  }
  unsigned numInputs() const { return kernel.getInputs().size(); }
  unsigned numResults() const { return yields.size(); }
  /// Yields that are computed from the anchor's result number `index` (or from inputs alone, without an anchor).
  llvm::SmallVector<unsigned> yieldsOf(unsigned index) const;
};

/// The access of `value`, if it is one of an input: not of a constant or of a value computed inside the kernel.
std::optional<Access> inputAccess(Value value);

/// Rows (all leading dimensions, flattened) and columns (the last dimension) of a shape; 1 x 1 for rank 0.
int64_t rowsOf(llvm::ArrayRef<int64_t> shape);
int64_t columnsOf(llvm::ArrayRef<int64_t> shape);
int64_t ceilDiv(int64_t x, int64_t y);

/// A launch that reads all inputs and `partialsRead`, and writes `partialsWritten` and, if `results`, all results.
LaunchPlan makeLaunch(const KernelBody &body, llvm::StringRef suffix, llvm::ArrayRef<unsigned> partialsRead,
                      llvm::ArrayRef<unsigned> partialsWritten, bool results);
/// Pairs of results and inputs of one type where the input is only read elementwise, outside the anchor's own operands.
llvm::SmallVector<std::pair<unsigned, unsigned>> elementwiseInPlace(const KernelBody &body);

/// The function of one launch: builder, pointers by role, expression.
class LaunchFunction {
public:
  LaunchFunction(const KernelBody &body, const LaunchPlan &launch, llvm::StringRef symbol, mlir::ModuleOp module);

  KernelBuilder k;
  Expression expression;

  Value input(unsigned index) const;
  Value result(unsigned index) const;
  Value partial(unsigned index) const;

  /// Evaluates the yields listed (all by default) at `point`, with `known` values of the anchor's results, and stores them densely.
  /// All are evaluated before any is stored, so that results may lie in place of inputs.
  void storeYields(Point point, llvm::ArrayRef<std::pair<Value, Value>> known, llvm::ArrayRef<unsigned> yields);
  /// Loops over the rows of the launch's tasks, `rowsPerTask` each, of `rows`.
  void forRows(int64_t rows, int64_t rowsPerTask, llvm::function_ref<void(Value)> each);

private:
  Value find(LaunchArgument::Kind kind, unsigned index) const;
  const KernelBody &body;
  const LaunchPlan &launch;
};

/// Rows per task such that a task handles about `elements` elements.
int64_t rowsPerTask(int64_t columns, int64_t elements = 8192);

/// Dense access of a result of the given shape.
Value denseOffset(KernelBuilder &k, Point &point);

} // namespace vlp::cpu
