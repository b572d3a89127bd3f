// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Central differences against the gradients that autodiff builds, both in f64 through the reference interpreter.
#pragma once

#include "GradientCases.h"
#include "dialect/Interpreter/Interpreter.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Autodiff/Differentiate.h"

namespace vlp::test {

using Arrays = std::map<std::string, Array<double>>;

/// A context with the dialects of the cases.
std::unique_ptr<mlir::MLIRContext> makeContext();
mlir::OwningOpRef<mlir::ModuleOp> parseModule(const std::string &text, mlir::MLIRContext &context);
/// Numbers that depend on the seed text alone.
void fillUniform(Array<double> &array, const std::string &seed, double low, double high);
/// Values for the parameters of a case.
State<double> makeState(const GradientCase &gradientCase, mlir::ModuleOp module);
/// Runs `function`, which has been differentiated, and returns its gradients by parameter; nothing on failure.
std::optional<Arrays> runGradients(mlir::ModuleOp module, llvm::StringRef function,
                                   llvm::ArrayRef<Array<double>> inputs, State<double> state);
/// The first difference beyond tolerance, as text; empty if there is none.
std::string compare(const Arrays &actual, const Arrays &expected, double tolerance);

/// One case with its Jacobian by central differences, computed once.
class GradientCheck {
public:
  GradientCheck(const GradientCase &gradientCase, mlir::MLIRContext &context);

  /// Differentiates with `options` and compares every element of every gradient for several random projections of the
  /// result, and the derivative along a random direction. Empty if all agree, else what differs. With `simplify`, after
  /// vlp-simplify-gradients.
  std::string run(const DifferentiateOptions &options = {}, bool simplify = false) const;

private:
  std::vector<double> evaluate(const State<double> &at) const;
  void computeJacobian();
  Arrays project(const Array<double> &projection) const;

  GradientCase gradientCase;
  mlir::MLIRContext &context;
  std::string text;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  State<double> state;
  Array<double> result; // of the shape of %y
  /// For each trainable input and element, the derivative of %y.
  std::map<std::string, std::vector<std::vector<double>>> jacobian;
};

} // namespace vlp::test
