// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reverse-mode differentiation of one function.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <functional>

namespace vlp {

struct DifferentiateOptions {
  /// Called with what the rule of `forward` returned, before it is used: `gradients` has one value (or null) an
  /// operand, `created` lists the ops that the rule built. For tests, which alter gradients to see whether they would
  /// notice.
  std::function<void(mlir::Operation *forward, llvm::ArrayRef<mlir::Operation *> created,
                     llvm::MutableArrayRef<mlir::Value> gradients, mlir::OpBuilder &builder)>
      hook;
};

/// Fails, with an error, unless `function` is a single block whose result #0 is a `tensor<f32>`.
mlir::LogicalResult checkDifferentiable(mlir::func::FuncOp function);

/// Appends the gradients of result #0 with respect to the trainable parameters that `function` reads, as vlp-autodiff
/// documents. On failure all errors have been reported and the function is invalid.
mlir::LogicalResult differentiate(mlir::func::FuncOp function, const DifferentiateOptions &options = {});

} // namespace vlp
