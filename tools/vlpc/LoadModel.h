// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A MODEL argument as a module: a preset, or a file of vlp ops.
#pragma once

#include "models/common/Architecture.h"

namespace vlp::tools {

struct ModelRequest {
  /// A preset ("clip/tiny") or a path that ends in .mlir.
  std::string model;
  /// Which entries; all that a file has, or those that a preset has by default, where empty.
  std::vector<models::EntryRequest> entries;
  models::Settings settings;
};

/// Builds or reads the model. In a file whose functions are not marked as entries, all public functions become entries.
/// What is wrong with a file's text is said by diagnostics besides.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> loadModel(mlir::MLIRContext *context, const ModelRequest &request);

} // namespace vlp::tools
