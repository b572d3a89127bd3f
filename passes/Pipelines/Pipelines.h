// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiler's passes in their order, from a model's entries to a plan.
#pragma once

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace vlp {

/// In what products compute. State, inputs and outputs are f32 in any case.
enum class Precision { F32, BF16 };

struct PipelineOptions {
  /// Passes to leave out, by their command-line names, with or without "vlp-".
  std::vector<std::string> disabledPasses;
  /// Globs of names of parameters that do not learn.
  std::vector<std::string> freeze;
  Precision precision = Precision::F32;
  /// Whose emitters plan the kernels.
  std::string target = "cpu";
  std::string chip = "x86-64-v4";
  /// See TargetInfo::matmulTile.
  std::string matmulTile = {};
  /// Passes say what they declined, as remarks.
  bool remarks = false;
};

/// What a pipeline starts from and ends with.
enum class Stage {
  Graph,   ///< from entries that return a loss to training steps and gradients, on tensors
  Kernels, ///< to named vlp.kernel regions
  Target,  ///< to the kernels that the target's emitters take: some of them merged
  Plan     ///< to launches over placed buffers
};

struct PassDescription {
  std::string name;
  std::string summary;
  Stage stage;
  /// Whether the compiler can do without.
  bool optional;
};

/// All passes of all stages, in order, those included that run only with some options; a pass that runs several times
/// is listed several times.
std::vector<PassDescription> describePipeline();

/// Fails, with all reasons, if `options` disables a pass that does not exist or that nothing works without.
llvm::Error checkDisabledPasses(const PipelineOptions &options);

/// Adds the passes of one stage, without those that are disabled, to a pass manager of modules.
void buildPipeline(mlir::OpPassManager &manager, Stage stage, const PipelineOptions &options = {});

/// Makes the stages known as --vlp-graph-pipeline, --vlp-kernels-pipeline, --vlp-target-pipeline and
/// --vlp-plan-pipeline.
void registerPipelines();

} // namespace vlp
