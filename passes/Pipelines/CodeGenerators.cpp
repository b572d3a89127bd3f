// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One entry a target.
#include "passes/Pipelines/CodeGenerators.h"

#include "passes/CPU/CompileCPU.h"
#include "passes/CUDA/CompileCUDA.h"
#include "passes/Plan/EmitKernels.h"
#include "passes/Plan/Passes.h"

using namespace mlir;
using namespace vlp;

llvm::ArrayRef<llvm::StringRef> vlp::getTargetNames() {
  static const StringRef names[] = {"cpu", "cuda", "sim"};
  return names;
}

llvm::ArrayRef<llvm::StringRef> vlp::getChips(StringRef target) {
  if (target == "cpu")
    return cpu::supportedChips();
  return target == "cuda" || target == "sim" ? cuda::supportedChips() : ArrayRef<StringRef>();
}

std::string vlp::getDefaultChip(StringRef target) {
  return target == "cpu" ? cpu::hostChip() : getChips(target).front().str();
}

llvm::StringRef vlp::getEmitterTarget(StringRef target) { return target == "sim" ? "cuda" : target; }

/// Emitters build ops of dialects that no plan needs.
static void loadDialects(MLIRContext *context) {
  DialectRegistry registry;
  cpu::registerDialects(registry);
  cuda::registerDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadAllAvailableDialects();
}

FailureOr<OwningOpRef<ModuleOp>> vlp::emitPlan(ModuleOp plan, const TargetInfo &target) {
  loadDialects(plan.getContext());
  TargetInfo emitter = target;
  emitter.target = getEmitterTarget(target.target);
  return emitKernels(plan, emitter, findEmitters(emitter.target));
}
