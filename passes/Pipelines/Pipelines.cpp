// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiler's passes in their order.
#include "passes/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Autodiff/Passes.h"
#include "passes/Kernels/Passes.h"
#include "passes/Plan/Passes.h"
#include "passes/Precision/Passes.h"
#include "passes/Train/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vlp;

namespace {
struct StagePass {
  bool optional;
  std::unique_ptr<Pass> pass;
};
using StagePasses = std::vector<StagePass>;
} // namespace

static StagePasses makeGraphPasses(const PipelineOptions &options) {
  StagePasses passes;
  MarkTrainableOptions trainable;
  trainable.freeze.assign(options.freeze.begin(), options.freeze.end());
  passes.push_back({false, createMarkTrainable(trainable)});
  passes.push_back({true, createCSEPass()}); // what passes over one batch have in common is differentiated once
  passes.push_back({false, createAutodiff()});
  passes.push_back({true, createSimplifyGradients()});
  passes.push_back({false, createInsertOptimizer()});
  passes.push_back({false, createNameGradients()});
  passes.push_back({true, createCanonicalizerPass()});
  passes.push_back({true, createCSEPass()});
  passes.push_back({true, createChainAccumulate()}); // whose chains canonicalization would join again
  // After autodiff: gradients are those of the f32 function, and the rules see which activations the backward part
  // reads.
  if (options.precision == Precision::BF16) {
    LowerPrecisionOptions lower;
    lower.remarks = options.remarks;
    passes.push_back({false, createLowerPrecision(lower)});
  }
  passes.push_back({true, createVerifyState()});
  return passes;
}

static StagePasses makeKernelPasses(const PipelineOptions &options) {
  StagePasses passes;
  FormKernelsOptions form;
  form.remarks = options.remarks;
  passes.push_back({false, createDecomposePatchEmbed()});
  passes.push_back({true, createCSEPass()});
  passes.push_back({false, createFormKernels(form)});
  passes.push_back({false, createDeduplicateKernels()});
  return passes;
}

static StagePasses makeTargetPasses(const PipelineOptions &options) {
  StagePasses passes;
  if (options.target != "cuda") // where launches are cheap and operands are read from the cache
    return passes;
  MergeBiasGradientsOptions merge;
  merge.remarks = options.remarks;
  passes.push_back({true, createMergeBiasGradients(merge)});
  passes.push_back({true, createBatchUpdates()});
  passes.push_back({false, createDeduplicateKernels()});
  return passes;
}

static StagePasses makePlanPasses(const PipelineOptions &options) {
  StagePasses passes;
  PlanOptions plan;
  plan.target = options.target;
  plan.chip = options.chip;
  plan.matmulTile = options.matmulTile;
  plan.report = options.remarks;
  passes.push_back({false, createPlan(plan)});
  passes.push_back({true, createVerifyPlan()});
  return passes;
}

static StagePasses makePasses(Stage stage, const PipelineOptions &options) {
  switch (stage) {
  case Stage::Graph: return makeGraphPasses(options);
  case Stage::Kernels: return makeKernelPasses(options);
  case Stage::Target: return makeTargetPasses(options);
  case Stage::Plan: return makePlanPasses(options);
  }
  llvm_unreachable("unknown stage");
}

std::vector<PassDescription> vlp::describePipeline() {
  std::vector<PassDescription> descriptions;
  PipelineOptions options;
  options.precision = Precision::BF16;
  options.target = "cuda";
  for (Stage stage : {Stage::Graph, Stage::Kernels, Stage::Target, Stage::Plan})
    for (StagePass &item : makePasses(stage, options))
      descriptions.push_back({item.pass->getArgument().str(), item.pass->getDescription().str(), stage, item.optional});
  return descriptions;
}

static bool isNamed(StringRef argument, StringRef name) {
  return argument == name || (argument.consume_front("vlp-") && argument == name);
}

llvm::Error vlp::checkDisabledPasses(const PipelineOptions &options) {
  std::vector<PassDescription> passes = describePipeline();
  std::vector<std::string> problems, optional;
  for (const PassDescription &pass : passes)
    if (pass.optional && !llvm::is_contained(optional, pass.name))
      optional.push_back(pass.name);
  for (const std::string &name : options.disabledPasses) {
    auto found = llvm::find_if(passes, [&](const PassDescription &pass) { return isNamed(pass.name, name); });
    if (found == passes.end())
      problems.push_back("unknown pass '" + name + "'");
    else if (!found->optional)
      problems.push_back("pass '" + name + "' cannot be disabled, nothing compiles without it");
  }
  if (problems.empty())
    return llvm::Error::success();
  return llvm::createStringError(llvm::join(problems, "; ") +
                                 "; passes that can be disabled: " + llvm::join(optional, ", "));
}

void vlp::buildPipeline(OpPassManager &manager, Stage stage, const PipelineOptions &options) {
  for (StagePass &item : makePasses(stage, options)) {
    StringRef argument = item.pass->getArgument();
    if (item.optional && llvm::any_of(options.disabledPasses, [&](StringRef name) { return isNamed(argument, name); }))
      continue;
    if (item.pass->getOpName() == func::FuncOp::getOperationName())
      manager.addNestedPass<func::FuncOp>(std::move(item.pass));
    else
      manager.addPass(std::move(item.pass));
  }
}

namespace {
struct PipelineFlags : PassPipelineOptions<PipelineFlags> {
  ListOption<std::string> disable{*this, "disable", llvm::cl::desc("Passes to leave out")};
  ListOption<std::string> freeze{*this, "freeze", llvm::cl::desc("Globs of names of parameters that do not learn")};
  Option<Precision> precision{*this, "precision", llvm::cl::desc("In what products compute"),
                              llvm::cl::values(clEnumValN(Precision::F32, "f32", "f32"),
                                               clEnumValN(Precision::BF16, "bf16", "bf16, accumulated in f32")),
                              llvm::cl::init(Precision::F32)};
  Option<std::string> target{*this, "target", llvm::cl::desc("Whose emitters plan the kernels"), llvm::cl::init("cpu")};
  Option<std::string> chip{*this, "chip", llvm::cl::desc("Chip of the target"), llvm::cl::init("x86-64-v4")};
  Option<std::string> matmulTile{*this, "matmul-tile", llvm::cl::desc("How to cut up matrix products for a GPU")};
  Option<bool> remarks{*this, "remarks", llvm::cl::desc("Passes say what they declined"), llvm::cl::init(false)};

  PipelineOptions get() const {
    PipelineOptions options;
    options.disabledPasses.assign(disable.begin(), disable.end());
    options.freeze.assign(freeze.begin(), freeze.end());
    options.precision = precision;
    options.target = target;
    options.chip = chip;
    options.matmulTile = matmulTile;
    options.remarks = remarks;
    return options;
  }
};
} // namespace

static void registerStage(StringRef name, StringRef description, Stage stage) {
  PassPipelineRegistration<PipelineFlags>(name, description,
                                          [stage](OpPassManager &manager, const PipelineFlags &flags) {
                                            if (llvm::Error error = checkDisabledPasses(flags.get()))
                                              llvm::report_fatal_error(std::move(error), /*gen_crash_diag=*/false);
                                            buildPipeline(manager, stage, flags.get());
                                          });
}

void vlp::registerPipelines() {
  registerStage("vlp-graph-pipeline", "Differentiate entries and turn them into training steps", Stage::Graph);
  registerStage("vlp-kernels-pipeline", "Form named kernels from the ops of entries", Stage::Kernels);
  registerStage("vlp-target-pipeline", "Merge kernels as the target's emitters take them", Stage::Target);
  registerStage("vlp-plan-pipeline", "Turn kernels into launches over placed buffers, and check the plan", Stage::Plan);
}
