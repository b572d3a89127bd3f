// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows picked by index: embedding, gather_rows, scatter_rows.
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/Kernels/AccessOffset.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

/// Embedding and gather_rows copy one, scatter_rows writes one row and zeros around it.
class EmbeddingEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    bool known = isa_and_nonnull<EmbeddingOp, GatherRowsOp, ScatterRowsOp>(body.anchor);
    for (unsigned i = 0; known && i < 2; ++i)
      known = inputAccess(body.anchor->getOperand(i)).has_value();
    if (!known)
      why = "expected embedding, gather_rows or scatter_rows of strided accesses";
    return known;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    auto shape = body.shape(body.anchor->getResult(0));
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = ceilDiv(rowsOf(shape), rowsPerTask(columnsOf(shape)));
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    KernelBuilder &k = f.k;
    Operation *op = body.anchor;
    FailureOr<Access> table = getAccess(op->getOperand(0)), ids = getAccess(op->getOperand(1));
    Value tablePointer = f.input(cast<BlockArgument>(table->source).getArgNumber());
    Value idPointer = f.input(cast<BlockArgument>(ids->source).getArgNumber());
    auto shape = body.shape(op->getResult(0));
    auto idAt = [&](Value row) { return k.toIndex(k.loadI32(idPointer, emitElementOffset(k, *ids, row))); };
    f.forRows(rowsOf(shape), rowsPerTask(columnsOf(shape)), [&](Value row) {
      Value base, isPicked;
      if (isa<EmbeddingOp>(op)) {
        base = k.mul(idAt(row), table->strides[0]);
      } else if (isa<GatherRowsOp>(op)) {
        base = k.add(k.mul(row, table->strides[0]), k.mul(idAt(row), table->strides[1]));
      } else {
        Value batch = k.div(row, shape[1]);
        isPicked = k.equal(k.rem(row, shape[1]), idAt(batch));
        base = k.mul(batch, table->strides[0]);
      }
      base = k.add(base, table->offset);
      k.columns(columnsOf(shape), [&](Value column, int64_t lanes) {
        Access line{Value(), 0, {columnsOf(shape)}, {table->strides.back()}};
        Point point{line.shape, k.index(0), column, lanes, {}};
        Value vector = readStrided(k, k.address(tablePointer, base), line, point);
        if (isPicked)
          vector = k.select(isPicked, vector, k.splat(0));
        f.storeYields({shape, row, column, lanes, {}}, {{op->getResult(0), vector}}, body.yieldsOf(0));
      });
    });
    k.finish();
    return success();
  }
};

} // namespace

const Emitter &cpu::embeddingEmitter() {
  static const EmbeddingEmitter emitter;
  return emitter;
}
