// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The report of a compilation, as JSON or as an HTML page.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "passes/Pipelines/PassReport.h"
#include "runtime/format/manifest.pb.h"
#include "llvm/Support/Error.h"

namespace vlp::tools {

struct CompileReport {
  std::string model;
  std::vector<std::string> targets;
  double seconds = 0;
  size_t fileBytes = 0;
  std::vector<PassRecord> passes;
  /// The first target's plan, for entries, arena sizes and kernels.
  mlir::ModuleOp plan;
  /// Of the compiled file: its GPU kernels.
  format::Manifest manifest = {};
};

/// Writes `report` to `path`; the ending .json or .html says in which form.
llvm::Error writeReport(const CompileReport &report, const std::string &path);

} // namespace vlp::tools
