// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows picked by index: embedding, gather_rows, scatter_rows.
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/LaunchFunction.h"
#include "passes/Kernels/AccessOffset.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

/// Embedding and gather_rows copy one, scatter_rows writes one row and zeros around it.
class EmbeddingEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    bool known = isa_and_nonnull<EmbeddingOp, GatherRowsOp, ScatterRowsOp>(body.anchor);
    for (unsigned i = 0; known && i < 2; ++i)
      known = inputAccess(body.anchor->getOperand(i)).has_value();
    if (!known) {
      why = "expected embedding, gather_rows or scatter_rows of strided accesses";
      return false;
    }
    auto shape = body.shape(body.anchor->getResult(0));
    bool fits = llvm::all_of(
        body.yields, [&](Value value) { return canEvaluate(value, body.anchor) && body.shape(value) == shape; });
    if (!fits)
      why = "expected an elementwise epilogue in the shape of the picked rows";
    return fits;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].threads = kElementThreads;
    plan.launches[0].tasks = elementBlocks(body.shape(body.anchor->getResult(0)), widthOf(body), 1);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    auto shape = body.shape(body.anchor->getResult(0));
    f.forElements(shape, widthOf(body), 1, [&](Point point) {
      Value row = read(f, body.anchor, point);
      f.storeAllYields(point, {{body.anchor->getResult(0), row}});
    });
    f.k.finish();
    return success();
  }

private:
  static int64_t widthOf(const KernelBody &body) {
    Value table = body.anchor->getOperand(0), result = body.anchor->getResult(0);
    int64_t width = Expression::widthOf(body.yields, body.shape(result), widestStore(body.yields));
    return vectorWidth(*getAccess(table), cast<RankedTensorType>(table.getType()).getElementType(), width);
  }

  /// The anchor's elements at `point`.
  static Value read(LaunchFunction &f, Operation *op, Point point) {
    KernelBuilder &k = f.k;
    FailureOr<Access> table = getAccess(op->getOperand(0)), ids = getAccess(op->getOperand(1));
    Type element = cast<RankedTensorType>(op->getOperand(0).getType()).getElementType();
    auto idAt = [&](Value row) { return k.loadI32(f.source(*ids), emitElementOffset(k, *ids, row)); };
    Value start, isPicked;
    if (isa<EmbeddingOp>(op)) {
      start = k.mul(idAt(point.row), table->strides[0]);
    } else if (isa<GatherRowsOp>(op)) {
      start = k.add(k.mul(point.row, table->strides[0]), k.mul(idAt(point.row), table->strides[1]));
    } else {
      Value batch = k.div(point.row, point.shape[1]);
      isPicked = k.equal(k.rem(point.row, point.shape[1]), idAt(batch));
      start = k.mul(batch, table->strides[0]);
    }
    Access line{Value(), 0, {columnsOf(point.shape)}, {table->strides.back()}};
    Point place{line.shape, k.index(0), point.column, point.width, {}};
    auto load = [&] {
      Value base = k.address(f.source(*table), k.add(start, table->offset), element);
      return SmallVector<Value>{readStrided(k, base, line, place, element)};
    };
    auto zero = [&] { return SmallVector<Value>{k.splat(k.constant(0), point.width)}; };
    return isPicked ? k.choose(isPicked, load, zero)[0] : load()[0];
  }
};

} // namespace

const Emitter &cuda::embeddingEmitter() {
  static const EmbeddingEmitter emitter;
  return emitter;
}
