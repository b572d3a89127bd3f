// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a model's module to the bytes of a compiled file, in process.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Pipelines/PassReport.h"
#include "passes/Pipelines/Pipelines.h"

namespace vlp {

struct CompileOptions {
  PipelineOptions pipeline;
  /// Chips to emit code for; the best that this machine runs where empty. All share one plan.
  std::vector<std::string> chips;
  std::string compilerVersion = "0.1.0";
};

/// What the stages of one compilation left behind.
struct CompiledModel {
  /// As kernels, before planning.
  mlir::OwningOpRef<mlir::ModuleOp> kernels;
  mlir::OwningOpRef<mlir::ModuleOp> plan;
  /// The container (model.vlp).
  std::string bytes;
};

/// Runs one stage on `module` in place. Failures are diagnostics.
mlir::LogicalResult runStage(mlir::ModuleOp module, Stage stage, const PipelineOptions &options,
                             PassReport *report = nullptr);

/// Emits the functions of all kernels of a plan for `chip`, as MLIR.
llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitPlan(mlir::ModuleOp plan, llvm::StringRef chip);

/// All stages on a copy of `module`, code for each chip, and the container. Failures are diagnostics.
llvm::FailureOr<CompiledModel> compileModel(mlir::ModuleOp module, const CompileOptions &options,
                                            PassReport *report = nullptr);

} // namespace vlp
