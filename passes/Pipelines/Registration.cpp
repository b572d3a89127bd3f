// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The list of dialects, passes, pipelines and emitters.
#include "passes/Pipelines/Registration.h"

#include "dialect/Plan/Plan.h"
#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Autodiff/Passes.h"
#include "passes/CPU/CompileCPU.h"
#include "passes/CPU/Emitters.h"
#include "passes/CUDA/CompileCUDA.h"
#include "passes/CUDA/Emitters.h"
#include "passes/Kernels/Passes.h"
#include "passes/Package/Passes.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Plan/Passes.h"
#include "passes/Precision/Passes.h"
#include "passes/Train/Passes.h"

void vlp::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<VLPDialect, plan::PlanDialect, mlir::func::FuncDialect>();
  cpu::registerDialects(registry);
  cuda::registerDialects(registry);
}

void vlp::registerTargets() {
  registerEmitters("cpu", cpu::findEmitter, /*takesBF16=*/false);
  registerEmitters("cuda", cuda::findEmitter);
}

void vlp::registerPasses() {
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  registerAutodiffPasses();
  registerTrainPasses();
  registerPrecisionPasses();
  registerKernelsPasses();
  registerPlanPasses();
  registerPackagePasses();
  registerPipelines();
  registerTargets();
}
