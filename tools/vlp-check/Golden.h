// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Golden files: what an official model computed, as tensors `param/NAME`, `buffer/NAME`, `in/NAME`, `out/NAME`,
// `grad/NAME`; `rng/NAME` is what it drew, `after/NAME` state that the step changed (`param_before/`,
// `buffer_before/`).
#pragma once

#include "dialect/Interpreter/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/checkpoint/Safetensors.h"

namespace vlp::tools {

/// A golden file, converted to f64 (integers to i32), and the module that computes what it holds.
struct Golden {
  /// With the entry `gradients`, not differentiated yet.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// By name without the prefix.
  State<double> state;
  std::map<std::string, Array<double>> inputs;
  /// Losses and what else the file has of the entry's results, by name, grad/NAME and after/NAME.
  std::map<std::string, Array<double>> expected;
};

/// clip, coca, ...
std::vector<std::string> getGoldenArchitectures();

/// Opens `path`, infers the model's sizes from its tensors and metadata, and builds it. All tensors that are missing,
/// misnamed or misshapen are listed in one error, a line each.
llvm::Expected<Golden> readGolden(mlir::MLIRContext *context, llvm::StringRef architecture, const std::string &path);

} // namespace vlp::tools
