// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The stages of one compilation.
#include "passes/Pipelines/Compile.h"

#include "passes/Package/Package.h"

using namespace mlir;
using namespace vlp;

LogicalResult vlp::runStage(ModuleOp module, Stage stage, const PipelineOptions &options, PassReport *report) {
  PassManager manager(module.getContext());
  buildPipeline(manager, stage, options);
  if (report)
    report->attach(manager);
  return manager.run(module);
}

/// Runs the target's own stages on copies of `kernels`, and adds both to `result`.
static LogicalResult planFor(ModuleOp kernels, const TargetInfo &target, PipelineOptions options, PassReport *report,
                             CompiledModel &result) {
  options.target = getEmitterTarget(target.target);
  options.chip = target.chip;
  options.matmulTile = target.matmulTile;
  result.kernels.push_back(kernels.clone());
  if (failed(runStage(*result.kernels.back(), Stage::Target, options, report)))
    return failure();
  result.plans.push_back(result.kernels.back()->clone());
  return runStage(*result.plans.back(), Stage::Plan, options, report);
}

FailureOr<CompiledModel> vlp::compileModel(ModuleOp module, const CompileOptions &options, PassReport *report) {
  std::vector<TargetInfo> targets = options.targets;
  if (targets.empty())
    targets.push_back({"cpu", getDefaultChip("cpu")});
  CompiledModel result;
  OwningOpRef<ModuleOp> kernels = module.clone();
  for (Stage stage : {Stage::Graph, Stage::Kernels})
    if (failed(runStage(*kernels, stage, options.pipeline, report)))
      return failure();
  std::vector<PlannedTarget> planned;
  for (const TargetInfo &target : targets) {
    if (failed(planFor(*kernels, target, options.pipeline, report, result)))
      return failure();
    planned.push_back({*result.plans.back(), target});
  }
  FailureOr<std::vector<CodeBlob>> code = generateCode(planned, options.codegen, &result.statistics);
  if (failed(code))
    return failure();
  std::vector<TargetProgram> programs;
  for (auto [plan, blob] : llvm::zip_equal(planned, *code))
    programs.push_back({plan.plan, std::move(blob)});
  FailureOr<std::string> bytes = packageModel(programs, {options.compilerVersion});
  if (failed(bytes))
    return failure();
  result.bytes = std::move(*bytes);
  return result;
}
