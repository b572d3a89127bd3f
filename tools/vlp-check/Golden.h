// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Golden files: what an official model computed, as tensors `param/NAME`, `in/NAME`, `out/NAME`, `grad/NAME`.
#pragma once

#include "dialect/Interpreter/Interpreter.h"
#include "models/clip/ClipConfig.h"
#include "runtime/checkpoint/Safetensors.h"

namespace vlp::tools {

/// A golden file of CLIP, converted to f64 (integers to i32), and the module that computes what it holds.
struct ClipGolden {
  models::ClipConfig config;
  /// With the entry `gradients`, not differentiated yet.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// By name without the prefix.
  State<double> parameters;
  std::map<std::string, Array<double>> inputs;
  /// loss, logits_per_image, grad/NAME.
  std::map<std::string, Array<double>> expected;
};

/// Opens `path`, infers the model's sizes from its tensors and metadata, and builds it. All tensors that are missing,
/// misnamed or misshapen are listed in one error, a line each.
llvm::Expected<ClipGolden> readClipGolden(mlir::MLIRContext *context, const std::string &path);

} // namespace vlp::tools
