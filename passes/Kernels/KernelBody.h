// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What every emitter asks of a kernel body: its anchor, its results, the launches they need.
#pragma once

#include "passes/Kernels/Access.h"
#include "passes/Kernels/Emitter.h"

namespace vlp {

/// A kernel body taken apart.
struct KernelBody {
  explicit KernelBody(KernelOp kernel);

  mutable KernelOp kernel;
  mlir::Operation *anchor = nullptr;     // null where the body is elementwise only
  llvm::SmallVector<mlir::Value> yields; // one per result

  llvm::ArrayRef<int64_t> shape(mlir::Value value) const {
    return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
  }
  unsigned numInputs() const { return kernel.getInputs().size(); }
  unsigned numResults() const { return yields.size(); }
  /// Yields that are computed from the anchor's result number `index` (or from inputs alone, without an anchor).
  llvm::SmallVector<unsigned> yieldsOf(unsigned index) const;
  /// Those that are computed from `value`.
  llvm::SmallVector<unsigned> yieldsFrom(mlir::Value value) const;
};

/// Whether `value` is `source` or computed from it.
bool dependsOn(mlir::Value value, mlir::Value source);

/// The access of `value`, if it is one of an input: not of a constant or of a value computed inside the kernel.
std::optional<Access> inputAccess(mlir::Value value);

/// Rows (all leading dimensions, flattened) and columns (the last dimension) of a shape; 1 x 1 for rank 0.
int64_t rowsOf(llvm::ArrayRef<int64_t> shape);
int64_t columnsOf(llvm::ArrayRef<int64_t> shape);
int64_t ceilDiv(int64_t x, int64_t y);

/// A launch that reads all inputs and `partialsRead`, and writes `partialsWritten` and, if `results`, all results.
LaunchPlan makeLaunch(const KernelBody &body, llvm::StringRef suffix, llvm::ArrayRef<unsigned> partialsRead,
                      llvm::ArrayRef<unsigned> partialsWritten, bool results);
/// Pairs of results and inputs of one type where the input is only read elementwise, outside the anchor's own operands.
llvm::SmallVector<std::pair<unsigned, unsigned>> elementwiseInPlace(const KernelBody &body);

/// Rows per task such that a task handles about `elements` elements.
int64_t rowsPerTask(int64_t columns, int64_t elements = 8192);

} // namespace vlp
