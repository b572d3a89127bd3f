// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The gradient of an embedding table: rows of the gradient added up by id.
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/Kernels/AccessOffset.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

/// Each task owns a block of columns of the whole table and adds the rows in order of position: deterministic without
/// sorting.
class EmbeddingGradEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<EmbeddingGradOp>(body.anchor);
    bool fits = op && body.numResults() == 1 && body.yields[0] == op.getResult();
    if (fits) {
      std::optional<Access> gradient = inputAccess(op.getGradient()), ids = inputAccess(op.getIds());
      fits = gradient && ids;
    }
    if (!fits)
      why = "expected 'vlp.embedding_grad' alone, on strided accesses";
    return fits;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = ceilDiv(columnsOf(body.shape(body.yields[0])), kLanes);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    KernelBuilder &k = f.k;
    auto op = cast<EmbeddingGradOp>(body.anchor);
    int64_t columns = columnsOf(body.shape(op.getResult())), full = columns / kLanes;
    k.loop(k.begin, k.min(k.end, k.index(full)), 1, [&](Value task) { emitBlock(f, op, k.mul(task, kLanes), kLanes); });
    if (columns % kLanes)
      k.when(k.equal(k.end, k.index(plan.launches[launch].tasks)),
             [&] { emitBlock(f, op, k.index(full * kLanes), columns % kLanes); });
    k.finish();
    return success();
  }

private:
  static void emitBlock(LaunchFunction &f, EmbeddingGradOp op, Value column, int64_t lanes) {
    KernelBuilder &k = f.k;
    auto table = op.getResult().getType().getShape();
    FailureOr<Access> gradient = getAccess(op.getGradient()), ids = getAccess(op.getIds());
    Value gradientPointer = f.input(cast<BlockArgument>(gradient->source).getArgNumber());
    Value idPointer = f.input(cast<BlockArgument>(ids->source).getArgNumber());
    k.loop(0, table[0], 1,
           [&](Value row) { k.store(k.splat(0), f.result(0), k.add(k.mul(row, table[1]), column), lanes); });
    k.loop(0, op.getIds().getType().getNumElements(), 1, [&](Value position) {
      Value id = k.toIndex(k.loadI32(idPointer, emitElementOffset(k, *ids, position)));
      Point point{gradient->shape, position, column, lanes, {}};
      Value addend = readStrided(k, gradientPointer, *gradient, point);
      Value target = k.add(k.mul(id, table[1]), column);
      k.store(k.addf(k.loadVector(f.result(0), target, lanes), addend), f.result(0), target, lanes);
    });
  }
};

} // namespace

const Emitter &cpu::embeddingGradEmitter() {
  static const EmbeddingGradEmitter emitter;
  return emitter;
}
