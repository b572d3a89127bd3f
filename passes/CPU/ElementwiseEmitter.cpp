// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Elementwise regions: every result element from the operands' elements at its place.
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

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
    auto shape = body.shape(body.yields[0]);
    plan.launches[0].tasks = ceilDiv(rowsOf(shape), rowsPerTask(columnsOf(shape)));
    plan.inPlace = elementwiseInPlace(body);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    auto shape = body.shape(body.yields[0]);
    f.forRows(rowsOf(shape), rowsPerTask(columnsOf(shape)), [&](Value row) {
      f.k.columns(columnsOf(shape), [&](Value column, int64_t lanes) {
        f.storeYields({shape, row, column, lanes, {}}, {}, body.yieldsOf(0));
      });
    });
    f.k.finish();
    return success();
  }
};

} // namespace

const Emitter &cpu::elementwiseEmitter() {
  static const ElementwiseEmitter emitter;
  return emitter;
}
