// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The stages of one compilation.
#include "passes/Pipelines/Compile.h"

#include "dialect/Plan/Plan.h"
#include "passes/CPU/CompileCPU.h"
#include "passes/CPU/Emitters.h"
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

/// Fails unless the emitters have the stages of every planned kernel on `target` too.
static LogicalResult checkStages(ModuleOp plan, const TargetInfo &target) {
  for (auto op : plan.getOps<plan::KernelOp>()) {
    const Emitter *emitter = cpu::findEmitter(op.getAnchor());
    if (!emitter)
      return op.emitError() << "expected an anchor with a cpu emitter, got '" << op.getAnchor() << "'";
    KernelPlan kernelPlan = emitter->plan(op.getKernel(), target);
    bool matches = op.getStages().size() == kernelPlan.launches.size();
    for (size_t i = 0; matches && i < kernelPlan.launches.size(); ++i)
      matches = op.getStage(i).getSuffix() == kernelPlan.launches[i].suffix &&
                op.getStage(i).getArguments().size() == kernelPlan.launches[i].arguments.size();
    if (!matches)
      return op.emitError() << "expected targets that share one plan, got another plan for " << target.chip
                            << "; compile one file for each target";
  }
  return success();
}

FailureOr<OwningOpRef<ModuleOp>> vlp::emitPlan(ModuleOp plan, StringRef chip) {
  TargetInfo target;
  target.chip = chip.str();
  if (failed(checkStages(plan, target)))
    return failure();
  // Emitters build ops of dialects that no plan needs.
  DialectRegistry registry;
  cpu::registerDialects(registry);
  plan.getContext()->appendDialectRegistry(registry);
  plan.getContext()->loadAllAvailableDialects();
  return cpu::emitPlan(plan, target);
}

static FailureOr<CodeBlob> compileFor(ModuleOp plan, StringRef chip) {
  FailureOr<OwningOpRef<ModuleOp>> code = emitPlan(plan, chip);
  if (failed(code))
    return failure();
  TargetInfo target;
  target.chip = chip.str();
  FailureOr<std::string> object = cpu::compileModule(**code, target);
  if (failed(object))
    return failure();
  llvm::SmallVector<std::string> features = cpu::requiredFeatures(chip);
  return CodeBlob{"cpu", chip.str(), {features.begin(), features.end()}, std::move(*object)};
}

FailureOr<CompiledModel> vlp::compileModel(ModuleOp module, const CompileOptions &options, PassReport *report) {
  std::vector<std::string> chips = options.chips;
  if (chips.empty())
    chips.push_back(cpu::hostChip());
  PipelineOptions pipeline = options.pipeline;
  pipeline.chip = chips.front();

  CompiledModel result;
  OwningOpRef<ModuleOp> work = module.clone();
  if (failed(runStage(*work, Stage::Graph, pipeline, report)) ||
      failed(runStage(*work, Stage::Kernels, pipeline, report)))
    return failure();
  result.kernels = work->clone();
  if (failed(runStage(*work, Stage::Plan, pipeline, report)))
    return failure();
  std::vector<CodeBlob> code;
  for (const std::string &chip : chips) {
    FailureOr<CodeBlob> blob = compileFor(*work, chip);
    if (failed(blob))
      return failure();
    code.push_back(std::move(*blob));
  }
  FailureOr<std::string> bytes = packageModel(*work, code, {options.compilerVersion});
  if (failed(bytes))
    return failure();
  result.bytes = std::move(*bytes);
  result.plan = std::move(work);
  return result;
}
