// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layer normalisation and its gradient: rows in L1, statistics in f32 by two passes.
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

/// Reads one operand of the anchor as vectors of one row.
struct RowReader {
  LaunchFunction &f;
  ArrayRef<int64_t> shape;
  Value row;
  Value operator()(Value operand, Value column, int64_t lanes) const {
    Point point{shape, row, column, lanes, {}};
    f.expression.start();
    return f.expression.evaluate(operand, point);
  }
};

/// A per-row statistic (shape without the last dimension) as a scalar.
Value readStatistic(LaunchFunction &f, Value operand, Value row) {
  FailureOr<Access> access = getAccess(operand);
  Value pointer = f.input(cast<BlockArgument>(access->source).getArgNumber());
  return f.k.loadF32(pointer, f.k.add(row, access->offset));
}

bool areContiguousAccesses(OperandRange operands) {
  return llvm::all_of(operands, [](Value operand) {
    std::optional<Access> access = inputAccess(operand);
    return access && access->isContiguous();
  });
}

class LayerNormEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<LayerNormOp>(body.anchor);
    if (!op || !llvm::all_of(op->getOperands(), [](Value operand) { return canEvaluate(operand, nullptr); })) {
      why = "expected 'vlp.layer_norm' of a strided access";
      return false;
    }
    return true;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    auto shape = body.shape(cast<LayerNormOp>(body.anchor).getResult());
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = ceilDiv(rowsOf(shape), rowsPerTask(columnsOf(shape)));
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    KernelBuilder &k = f.k;
    auto op = cast<LayerNormOp>(body.anchor);
    auto shape = body.shape(op.getResult());
    int64_t columns = columnsOf(shape);
    f.forRows(rowsOf(shape), rowsPerTask(columns), [&](Value row) {
      RowReader read{f, shape, row};
      Value sum = k.columns(columns, k.splat(0), [&](Value column, int64_t lanes, Value sum) {
        return k.addf(sum, k.keep(read(op.getInput(), column, lanes), lanes, k.splat(0)));
      });
      Value mean = k.mulf(k.sumLanes(sum), k.constant(1.0 / columns));
      Value meanVector = k.broadcast(mean);
      Value squares = k.columns(columns, k.splat(0), [&](Value column, int64_t lanes, Value sum) {
        Value centred = k.keep(k.subf(read(op.getInput(), column, lanes), meanVector), lanes, k.splat(0));
        return k.fma(centred, centred, sum);
      });
      Value variance = k.mulf(k.sumLanes(squares), k.constant(1.0 / columns));
      Value rstd = k.divf(k.constant(1), k.sqrt(k.addf(variance, k.constant(op.getEps().convertToDouble()))));
      Value rstdVector = k.broadcast(rstd);
      k.columns(columns, [&](Value column, int64_t lanes) {
        Value xhat = k.mulf(k.subf(read(op.getInput(), column, lanes), meanVector), rstdVector);
        Value y = k.fma(xhat, read(op.getGamma(), column, lanes), read(op.getBeta(), column, lanes));
        f.storeYields({shape, row, column, lanes, {}}, {{op.getResult(), y}}, body.yieldsOf(0));
      });
      for (unsigned i : body.yieldsOf(1))
        k.store(mean, f.result(i), row);
      for (unsigned i : body.yieldsOf(2))
        k.store(rstd, f.result(i), row);
    });
    k.finish();
    return success();
  }
};

/// One sweep writes dx and sums dgamma and dbeta of a block of rows; a second launch adds the blocks in order.
class LayerNormGradEmitter : public Emitter {
  static constexpr int64_t kMaxBlocks = 64;

  static int64_t blockRows(ArrayRef<int64_t> shape) {
    return std::max<int64_t>(16, ceilDiv(rowsOf(shape), kMaxBlocks));
  }
  static int64_t blocks(ArrayRef<int64_t> shape) { return ceilDiv(rowsOf(shape), blockRows(shape)); }
  static bool wantsSums(const KernelBody &body) { return !body.yieldsOf(1).empty() || !body.yieldsOf(2).empty(); }

public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<LayerNormGradOp>(body.anchor);
    bool fits = op && canEvaluate(op.getInput(), nullptr) && canEvaluate(op.getGradient(), nullptr) &&
                canEvaluate(op.getGamma(), nullptr) && areContiguousAccesses(op->getOperands().slice(2, 2));
    for (unsigned i = 1; fits && i < 3; ++i)
      for (unsigned y : body.yieldsOf(i))
        fits &= body.yields[y] == op->getResult(i);
    if (!fits)
      why = "expected 'vlp.layer_norm_grad' of strided accesses, with an epilogue on the input's gradient only";
    return fits;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    auto shape = body.shape(cast<LayerNormGradOp>(body.anchor).getInput());
    if (!wantsSums(body)) {
      plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
      plan.launches[0].tasks = blocks(shape);
      return plan;
    }
    plan.partials.push_back(blocks(shape) * 2 * columnsOf(shape) * 4);
    // Both launches name all results: the first writes the input's gradient, the second the two sums.
    plan.launches.push_back(makeLaunch(body, "", {}, {0}, /*results=*/true));
    plan.launches[0].tasks = blocks(shape);
    plan.launches.push_back(makeLaunch(body, "_sum", {0}, {}, /*results=*/true));
    plan.launches[1].tasks = ceilDiv(columnsOf(shape), kLanes);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    auto shape = body.shape(cast<LayerNormGradOp>(body.anchor).getInput());
    KernelBuilder &k = f.k;
    if (launch == 0)
      k.loop(k.begin, k.end, 1, [&](Value block) { emitBlock(f, body, shape, block); });
    else
      emitSums(f, body, shape, plan.launches[launch].tasks);
    k.finish();
    return success();
  }

private:
  static void emitBlock(LaunchFunction &f, const KernelBody &body, ArrayRef<int64_t> shape, Value block) {
    KernelBuilder &k = f.k;
    int64_t columns = columnsOf(shape);
    Value sums;
    if (wantsSums(body)) {
      sums = k.address(f.partial(0), k.mul(block, 2 * columns));
      k.columns(2 * columns, [&](Value at, int64_t lanes) { k.store(k.splat(0), sums, at, lanes); });
    }
    Value from = k.mul(block, blockRows(shape));
    Value to = k.min(k.add(from, blockRows(shape)), k.index(rowsOf(shape)));
    k.loop(from, to, 1, [&](Value row) { emitRow(f, body, shape, row, sums); });
  }

  static void emitRow(LaunchFunction &f, const KernelBody &body, ArrayRef<int64_t> shape, Value row, Value sums) {
    KernelBuilder &k = f.k;
    auto op = cast<LayerNormGradOp>(body.anchor);
    int64_t columns = columnsOf(shape);
    RowReader read{f, shape, row};
    Value mean = k.broadcast(readStatistic(f, op.getMean(), row));
    Value rstd = k.broadcast(readStatistic(f, op.getRstd(), row));
    auto normalised = [&](Value column, int64_t lanes) {
      return k.mulf(k.subf(read(op.getInput(), column, lanes), mean), rstd);
    };
    auto scaled = [&](Value column, int64_t lanes) {
      return k.mulf(read(op.getGradient(), column, lanes), read(op.getGamma(), column, lanes));
    };
    auto total = [&](llvm::function_ref<Value(Value, int64_t)> term) {
      Value sum = k.columns(columns, k.splat(0), [&](Value column, int64_t lanes, Value sum) {
        return k.addf(sum, k.keep(term(column, lanes), lanes, k.splat(0)));
      });
      return k.broadcast(k.mulf(k.sumLanes(sum), k.constant(1.0 / columns)));
    };
    Value meanG = total(scaled);
    Value meanGX =
        total([&](Value column, int64_t lanes) { return k.mulf(scaled(column, lanes), normalised(column, lanes)); });
    k.columns(columns, [&](Value column, int64_t lanes) {
      Value xhat = normalised(column, lanes);
      if (sums) {
        Value dy = read(op.getGradient(), column, lanes);
        Value beta = k.add(column, columns);
        k.store(k.fma(dy, xhat, k.loadVector(sums, column, lanes)), sums, column, lanes);
        k.store(k.addf(dy, k.loadVector(sums, beta, lanes)), sums, beta, lanes);
      }
      Value centred = k.subf(k.subf(scaled(column, lanes), meanG), k.mulf(xhat, meanGX));
      f.storeYields({shape, row, column, lanes, {}}, {{op.getInputGradient(), k.mulf(rstd, centred)}},
                    body.yieldsOf(0));
    });
  }

  static void emitSums(LaunchFunction &f, const KernelBody &body, ArrayRef<int64_t> shape, int64_t tasks) {
    KernelBuilder &k = f.k;
    int64_t columns = columnsOf(shape), full = columns / kLanes;
    auto emitColumns = [&](Value column, int64_t lanes) {
      for (unsigned part = 0; part < 2; ++part) {
        Value sum = k.loop(k.index(0), k.index(blocks(shape)), 1, k.splat(0), [&](Value block, ValueRange in) {
          Value at = k.add(k.add(k.mul(block, 2 * columns), part * columns), column);
          return SmallVector<Value>{k.addf(in[0], k.loadVector(f.partial(0), at, lanes))};
        })[0];
        for (unsigned i : body.yieldsOf(1 + part))
          k.store(sum, f.result(i), column, lanes);
      }
    };
    k.loop(k.begin, k.min(k.end, k.index(full)), 1, [&](Value task) { emitColumns(k.mul(task, kLanes), kLanes); });
    if (columns % kLanes)
      k.when(k.equal(k.end, k.index(tasks)), [&] { emitColumns(k.index(full * kLanes), columns % kLanes); });
  }
};

} // namespace

const Emitter &cpu::layerNormEmitter() {
  static const LayerNormEmitter emitter;
  return emitter;
}
const Emitter &cpu::layerNormGradEmitter() {
  static const LayerNormGradEmitter emitter;
  return emitter;
}
