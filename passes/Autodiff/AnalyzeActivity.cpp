// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-analyze-activity.
#include "passes/Autodiff/Activity.h"
#include "passes/Autodiff/Differentiate.h"
#include "passes/Autodiff/Passes.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_ANALYZEACTIVITY
#include "passes/Autodiff/Passes.h.inc"
} // namespace vlp

static void report(func::FuncOp function) {
  Activity activity(function);
  SmallVector<Operation *> active;
  for (Operation &op : function.getBody().front())
    if (!isa<ReadOp>(op) && activity.isActive(&op))
      active.push_back(&op);
  size_t learning = llvm::count_if(activity.getParameters(), [&](const auto &p) { return activity.isActive(p); });
  mlir::emitRemark(function.getLoc()) << "the gradient passes through " << active.size() << " ops and reaches "
                                      << learning << " of " << activity.getParameters().size() << " parameters";
  for (Activity::Parameter parameter : activity.getParameters())
    if (!activity.isActive(parameter))
      mlir::emitRemark(parameter.reads.front().getLoc())
          << "parameter '" << parameter.symbol.getSymName() << "' gets no gradient: "
          << (parameter.symbol.getTrainable() ? "the loss does not depend on it" : "it is frozen");
  for (Operation *op : active)
    mlir::emitRemark(op->getLoc()) << "'" << op->getName() << "' is active";
}

namespace {
struct AnalyzeActivityPass : vlp::impl::AnalyzeActivityBase<AnalyzeActivityPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function->hasAttr(kDifferentiateAttr))
        continue;
      if (failed(checkDifferentiable(function)))
        return signalPassFailure();
      report(function);
    }
    markAllAnalysesPreserved();
  }
};
} // namespace
