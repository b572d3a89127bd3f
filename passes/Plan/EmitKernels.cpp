// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Asks each kernel's emitter for its functions.
#include "passes/Plan/EmitKernels.h"
#include "dialect/Plan/Plan.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace vlp;

static FailureOr<const Emitter *> findEmitter(KernelOp kernel, const TargetInfo &target, EmitterLookup lookup) {
  const Emitter *emitter = lookup(kernel.getAnchor());
  if (!emitter)
    return kernel.emitError() << "kernel of anchor '" << kernel.getAnchor() << "' has no " << target.target
                              << " emitter";
  return emitter;
}

FailureOr<OwningOpRef<ModuleOp>> vlp::emitKernels(MLIRContext *context, ArrayRef<KernelToEmit> kernels,
                                                  const TargetInfo &target, EmitterLookup lookup) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  for (const KernelToEmit &item : kernels) {
    FailureOr<const Emitter *> emitter = findEmitter(item.kernel, target, lookup);
    if (failed(emitter) || failed((*emitter)->emit(item.kernel, target, *item.plan, item.launch, item.symbol, *module)))
      return failure();
  }
  return module;
}

FailureOr<OwningOpRef<ModuleOp>> vlp::emitKernels(ModuleOp plan, const TargetInfo &target, EmitterLookup lookup) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(plan.getContext()));
  for (auto op : plan.getOps<plan::KernelOp>()) {
    KernelOp kernel = op.getKernel();
    FailureOr<const Emitter *> emitter = findEmitter(kernel, target, lookup);
    if (failed(emitter))
      return failure();
    KernelPlan stages = (*emitter)->plan(kernel, target);
    llvm::StringSet<> suffixes; // stages of equal suffix share one function
    for (auto [i, launch] : llvm::enumerate(stages.launches))
      if (suffixes.insert(launch.suffix).second &&
          failed((*emitter)->emit(kernel, target, stages, i, op.getSymName().str() + launch.suffix, *module)))
        return failure();
  }
  return module;
}
