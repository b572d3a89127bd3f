// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Elementwise regions: every result element from the operands' elements at its place, a vector a thread.
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/LaunchFunction.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

class ElementwiseEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    return isElementwiseRegion(KernelBody(kernel), why);
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].threads = kElementThreads;
    plan.launches[0].tasks = elementBlocks(body.shape(body.yields[0]), widthOf(body), 1);
    plan.inPlace = elementwiseInPlace(body);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    f.forElements(body.shape(body.yields[0]), widthOf(body), 1, [&](Point point) { f.storeAllYields(point, {}); });
    f.k.finish();
    return success();
  }

private:
  static int64_t widthOf(const KernelBody &body) {
    return Expression::widthOf(body.yields, body.shape(body.yields[0]), widestStore(body.yields));
  }
};

} // namespace

const Emitter &cuda::elementwiseEmitter() {
  static const ElementwiseEmitter emitter;
  return emitter;
}
