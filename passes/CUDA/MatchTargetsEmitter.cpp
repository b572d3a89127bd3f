// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Soft targets of a contrastive loss: equal ids share the probability. A warp a row.
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/LaunchFunction.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

class MatchTargetsEmitter : public Emitter {
  static constexpr int64_t kThreads = 128, kRows = kThreads / kWarp;

public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<MatchTargetsOp>(body.anchor);
    std::optional<Access> rows = op ? inputAccess(op.getLhs()) : std::nullopt;
    std::optional<Access> columns = op ? inputAccess(op.getRhs()) : std::nullopt;
    bool fits = rows && columns && columns->isContiguous();
    for (Value value : body.yields)
      fits = fits && canEvaluate(value, body.anchor) && body.shape(value) == body.shape(op.getResult());
    if (!fits)
      why = "expected 'vlp.match_targets' of strided row ids and contiguous column ids";
    return fits;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].threads = kThreads;
    plan.launches[0].tasks = ceilDiv(body.shape(body.yields[0])[0], kRows);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    KernelBuilder &k = f.k;
    Value row = k.add(k.mul(k.block, kRows), k.warp());
    // Whole warps are left out: all lanes of the others take part in the sum.
    k.when(k.less(row, body.shape(body.yields[0])[0]), [&] { emitRow(f, body, row); });
    k.finish();
    return success();
  }

private:
  static void emitRow(LaunchFunction &f, const KernelBody &body, Value row) {
    KernelBuilder &k = f.k;
    auto op = cast<MatchTargetsOp>(body.anchor);
    auto shape = body.shape(op.getResult());
    FailureOr<Access> rowIds = getAccess(op.getLhs()), columnIds = getAccess(op.getRhs());
    int64_t width = Expression::widthOf(body.yields, shape, widestStore(body.yields));
    width = vectorWidth(*columnIds, k.i32Type(), width);
    Value own = k.loadI32(f.source(*rowIds), k.add(k.mul(row, rowIds->strides[0]), rowIds->offset));
    own = k.splat(own, width);
    auto matches = [&](Value column) -> Value {
      Value other = k.load(f.source(*columnIds), k.add(column, columnIds->offset), k.i32Type(), width, width * 4);
      Value isEqual = k.equal(own, other);
      return k.select(isEqual, k.constantLike(own, 1), k.constantLike(own, 0));
    };
    Value from = k.mul(k.lane(), width);
    Value counted =
        k.loop(from, k.index(shape[1]), kWarp * width, k.constantLike(own, 0),
               [&](Value column, ValueRange sum) { return SmallVector<Value>{k.addf(sum[0], matches(column))}; })[0];
    Value count = counted;
    for (int64_t i = 0; width > 1 && i < width; ++i) {
      Value lane = vector::ExtractOp::create(k.b, counted, i);
      count = i == 0 ? lane : k.addf(count, lane);
    }
    count = k.sumLanes(count);
    Value share = k.divf(k.constant(1), k.maxf(count, k.constant(1)));
    share = k.splat(share, width);
    k.loop(from, k.index(shape[1]), kWarp * width, [&](Value column) {
      f.storeAllYields({shape, row, column, width, {}}, {{op.getResult(), k.mulf(matches(column), share)}});
    });
  }
};

} // namespace

const Emitter &cuda::matchTargetsEmitter() {
  static const MatchTargetsEmitter emitter;
  return emitter;
}
