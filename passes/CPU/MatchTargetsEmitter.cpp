// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Soft targets of a contrastive loss: equal ids share the probability.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

class MatchTargetsEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<MatchTargetsOp>(body.anchor);
    std::optional<Access> rows = op ? inputAccess(op.getLhs()) : std::nullopt;
    std::optional<Access> columns = op ? inputAccess(op.getRhs()) : std::nullopt;
    if (rows && columns && columns->isContiguous())
      return true;
    why = "expected 'vlp.match_targets' of strided row ids and contiguous column ids";
    return false;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    auto shape = body.shape(body.yields[0]);
    plan.launches[0].tasks = ceilDiv(shape[0], rowsPerTask(shape[1]));
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    KernelBuilder &k = f.k;
    auto op = cast<MatchTargetsOp>(body.anchor);
    auto shape = body.shape(op.getResult());
    FailureOr<Access> rowIds = getAccess(op.getLhs()), columnIds = getAccess(op.getRhs());
    auto pointerOf = [&](const Access &access) { return f.input(cast<BlockArgument>(access.source).getArgNumber()); };
    f.forRows(shape[0], rowsPerTask(shape[1]), [&](Value row) {
      Value own = k.broadcast(k.loadI32(pointerOf(*rowIds), k.add(k.mul(row, rowIds->strides[0]), rowIds->offset)));
      auto matches = [&](Value column, int64_t lanes) {
        Value other = k.loadVector(pointerOf(*columnIds), k.add(column, columnIds->offset), lanes, k.i32Type());
        Value same = arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, own, other);
        return k.keep(k.select(same, k.splat(1), k.splat(0)), lanes, k.splat(0));
      };
      Value count = k.sumLanes(k.columns(shape[1], k.splat(0), [&](Value column, int64_t lanes, Value sum) {
        return k.addf(sum, matches(column, lanes));
      }));
      Value share = k.broadcast(k.divf(k.constant(1), k.maxf(count, k.constant(1))));
      k.columns(shape[1], [&](Value column, int64_t lanes) {
        Value known = k.mulf(matches(column, lanes), share);
        f.storeYields({shape, row, column, lanes, {}}, {{op.getResult(), known}}, body.yieldsOf(0));
      });
    });
    k.finish();
    return success();
  }
};

} // namespace

const Emitter &cpu::matchTargetsEmitter() {
  static const MatchTargetsEmitter emitter;
  return emitter;
}
