// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which values of a function a gradient passes through.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace vlp {

/// Unit attribute of functions that are to be differentiated.
inline constexpr llvm::StringLiteral kDifferentiateAttr = "vlp.differentiate";
/// Unit attribute of ops that depend on a cotangent.
inline constexpr llvm::StringLiteral kBackwardAttr = "vlp.backward";
/// Result attribute: the parameter whose gradient a result is, a flat symbol reference.
inline constexpr llvm::StringLiteral kGradientAttr = "vlp.gradient";

/// Whether operand `i` of `op` can carry a gradient. An op without a rule that does not say that it needs none may
/// carry one in every float operand.
bool carriesGradient(mlir::Operation *op, unsigned i);

/// Activity of the values of one single-block function: active = depends on a trainable parameter, and the loss
/// (operand #0 of the return) depends on it.
class Activity {
public:
  explicit Activity(mlir::func::FuncOp function);

  bool isActive(mlir::Value value) const { return varied.contains(value) && useful.contains(value); }
  /// Some result is active.
  bool isActive(mlir::Operation *op) const;
  /// The parameters that the function reads, in order of the module, with all reads of each.
  struct Parameter {
    ParameterOp symbol;
    llvm::SmallVector<ReadOp, 1> reads;
  };
  llvm::ArrayRef<Parameter> getParameters() const { return parameters; }
  bool isActive(const Parameter &parameter) const;
  /// Names of the trainable parameters that `op` depends on, in order of the module.
  llvm::SmallVector<llvm::StringRef> getParametersBehind(mlir::Operation *op) const;

private:
  void collectParameters(mlir::func::FuncOp function);

  llvm::SmallVector<Parameter> parameters;
  llvm::DenseSet<mlir::Value> varied, useful;
};

} // namespace vlp
