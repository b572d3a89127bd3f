// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One entry a target.
#include "passes/Pipelines/CodeGenerators.h"

#include "passes/CPU/CompileCPU.h"
#include "passes/Plan/EmitKernels.h"
#include "passes/Plan/Passes.h"

using namespace mlir;
using namespace vlp;

llvm::ArrayRef<llvm::StringRef> vlp::getTargetNames() {
  static const StringRef names[] = {"cpu"};
  return names;
}

llvm::ArrayRef<llvm::StringRef> vlp::getChips(StringRef target) {
  return target == "cpu" ? cpu::supportedChips() : ArrayRef<StringRef>();
}

std::string vlp::getDefaultChip(StringRef target) { return target == "cpu" ? cpu::hostChip() : getChips(target).front().str(); }

llvm::StringRef vlp::getEmitterTarget(StringRef target) { return target == "sim" ? "cuda" : target; }

/// Emitters build ops of dialects that no plan needs.
static void loadDialects(MLIRContext *context) {
  DialectRegistry registry;
  cpu::registerDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadAllAvailableDialects();
}

FailureOr<OwningOpRef<ModuleOp>> vlp::emitPlan(ModuleOp plan, const TargetInfo &target) {
  loadDialects(plan.getContext());
  return emitKernels(plan, target, findEmitters(getEmitterTarget(target.target)));
}

static FailureOr<CodeBlob> generateCpuCode(ModuleOp plan, const TargetInfo &target) {
  FailureOr<OwningOpRef<ModuleOp>> code = emitPlan(plan, target);
  if (failed(code))
    return failure();
  FailureOr<std::string> object = cpu::compileModule(**code, target);
  if (failed(object))
    return failure();
  llvm::SmallVector<std::string> features = cpu::requiredFeatures(target.chip);
  return CodeBlob{target.target, target.chip, {features.begin(), features.end()}, std::move(*object)};
}

FailureOr<CodeBlob> vlp::generateCode(ModuleOp plan, const TargetInfo &target) { return generateCpuCode(plan, target); }
