// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a model's module to the bytes of a compiled file, in process.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Pipelines/CodeGenerators.h"
#include "passes/Pipelines/PassReport.h"
#include "passes/Pipelines/Pipelines.h"

namespace vlp {

struct CompileOptions {
  PipelineOptions pipeline;
  /// What to compile for; the best cpu chip that this machine runs where empty. Each gets a plan of its own.
  std::vector<TargetInfo> targets;
  CodegenOptions codegen;
  std::string compilerVersion = "0.1.0";
};

/// What the stages of one compilation left behind.
struct CompiledModel {
  /// As kernels, before planning; one for each target, in order.
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> kernels;
  /// The same, planned.
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> plans;
  CodegenStatistics statistics;
  /// The container (model.vlp).
  std::string bytes;
};

/// Runs one stage on `module` in place. Failures are diagnostics.
mlir::LogicalResult runStage(mlir::ModuleOp module, Stage stage, const PipelineOptions &options,
                             PassReport *report = nullptr);

/// All stages on a copy of `module`, code for each target, and the container. Failures are diagnostics.
llvm::FailureOr<CompiledModel> compileModel(mlir::ModuleOp module, const CompileOptions &options,
                                            PassReport *report = nullptr);

} // namespace vlp
