// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The list of dialects, passes, pipelines and emitters.
#include "passes/Pipelines/Registration.h"

#include "dialect/Plan/Plan.h"
#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"
#ifdef VLP_HAVE_AUTODIFF
#include "passes/Autodiff/Passes.h"
#endif
#ifdef VLP_HAVE_TRAIN
#include "passes/Train/Passes.h"
#endif
#ifdef VLP_HAVE_KERNELS
#include "passes/Kernels/Passes.h"
#endif
#ifdef VLP_HAVE_PLAN
#include "passes/Plan/Passes.h"
#endif
#ifdef VLP_HAVE_PACKAGE
#include "passes/Package/Passes.h"
#endif
#ifdef VLP_HAVE_CPU
#include "passes/CPU/CompileCPU.h"
#include "passes/CPU/Emitters.h"
#endif

void vlp::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<VLPDialect, plan::PlanDialect, mlir::func::FuncDialect>();
#ifdef VLP_HAVE_CPU
  cpu::registerDialects(registry);
#endif
}

void vlp::registerPasses() {
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
#ifdef VLP_HAVE_AUTODIFF
  registerAutodiffPasses();
#endif
#ifdef VLP_HAVE_TRAIN
  registerTrainPasses();
#endif
#ifdef VLP_HAVE_KERNELS
  registerKernelsPasses();
#endif
#ifdef VLP_HAVE_PLAN
  registerPlanPasses();
#endif
#ifdef VLP_HAVE_PACKAGE
  registerPackagePasses();
#endif
#if defined(VLP_HAVE_CPU) && defined(VLP_HAVE_PLAN)
  registerEmitters("cpu", cpu::findEmitter);
#endif
}
