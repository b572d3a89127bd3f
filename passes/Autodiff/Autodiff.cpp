// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-autodiff and the pipeline around it.
#include "mlir/Transforms/Passes.h"
#include "passes/Autodiff/Activity.h"
#include "passes/Autodiff/Differentiate.h"
#include "passes/Autodiff/Passes.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_AUTODIFF
#include "passes/Autodiff/Passes.h.inc"
} // namespace vlp

void vlp::buildAutodiffPipeline(OpPassManager &manager, const MarkTrainableOptions &options) {
  manager.addPass(createMarkTrainable(options));
  manager.addPass(createAutodiff());
  manager.addNestedPass<func::FuncOp>(createSimplifyGradients());
  manager.addNestedPass<func::FuncOp>(createCSEPass());
}

/// A caller would not know of the results that are appended.
static LogicalResult checkNoCallers(func::FuncOp function, ModuleOp module) {
  auto uses = SymbolTable::getSymbolUses(function, module);
  if (uses && uses->empty())
    return success();
  InFlightDiagnostic error = mlir::emitError(function.getLoc())
                             << "'" << function.getSymName()
                             << "' cannot be differentiated: expected an entry, got a function with users";
  if (uses)
    error.attachNote(uses->begin()->getUser()->getLoc()) << "used here";
  return error;
}

namespace {
struct AutodiffPass : vlp::impl::AutodiffBase<AutodiffPass> {
  void runOnOperation() override {
    bool complete = true;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(kDifferentiateAttr))
        complete &= succeeded(checkNoCallers(function, getOperation())) && succeeded(differentiate(function));
    if (!complete)
      signalPassFailure();
  }
};
} // namespace
