// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Regions that move elements: concat, pad, patchify, unpatchify. Concat takes an epilogue.
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/Kernels/Elementwise.h"
#include "passes/Kernels/PatchAccess.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

class CopyEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    if (!isa_and_nonnull<ConcatOp, PadOp, PatchifyOp, UnpatchifyOp>(body.anchor)) {
      why = "expected one of concat, pad, patchify, unpatchify";
      return false;
    }
    bool strided = llvm::all_of(body.anchor->getOperands(), [&](Value operand) {
      return isa<ConcatOp, PadOp>(body.anchor) ? canEvaluate(operand, nullptr) : inputAccess(operand).has_value();
    });
    bool plain = isa<ConcatOp>(body.anchor) ||
                 llvm::all_equal(llvm::concat<Value>(body.yields, SmallVector<Value>{body.anchor->getResult(0)}));
    if (!strided || !plain)
      why = "expected strided operands, and an epilogue only after concat";
    return strided && plain;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    auto launch = [&](StringRef suffix, ArrayRef<int64_t> space) {
      plan.launches.push_back(makeLaunch(body, suffix, {}, {}, /*results=*/true));
      plan.launches.back().tasks = ceilDiv(rowsOf(space), rowsPerTask(columnsOf(space)));
    };
    if (auto concat = dyn_cast<ConcatOp>(body.anchor)) {
      for (auto [i, piece] : llvm::enumerate(concat.getInputs()))
        launch("_" + std::to_string(i), body.shape(piece));
    } else if (auto pad = dyn_cast<PadOp>(body.anchor)) {
      launch("_zero", body.shape(pad.getResult()));
      launch("", body.shape(pad.getInput()));
    } else {
      launch("", getPatchAccess(body.anchor).space);
    }
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    if (auto concat = dyn_cast<ConcatOp>(body.anchor))
      emitPiece(f, body, concat, launch);
    else if (auto pad = dyn_cast<PadOp>(body.anchor))
      launch == 0 ? emitZero(f, body) : emitBox(f, body, pad);
    else
      emitGather(f, body);
    f.k.finish();
    return success();
  }

private:
  static Value pointerOf(LaunchFunction &f, const Access &access) {
    return f.input(cast<BlockArgument>(access.source).getArgNumber());
  }

  /// The place of a source point in a destination of `shape` that is shifted by `offsets`.
  static Point shifted(KernelBuilder &k, Point source, ArrayRef<int64_t> shape, ArrayRef<int64_t> offsets) {
    Point target{shape, Value(), source.column, source.lanes, {}};
    Value rest = source.row;
    SmallVector<Value> leading(source.shape.empty() ? 0 : source.shape.size() - 1);
    for (int64_t d = static_cast<int64_t>(leading.size()) - 1; d >= 0; --d) {
      leading[d] = k.add(d == 0 ? rest : k.rem(rest, source.shape[d]), offsets[d]);
      rest = k.div(rest, source.shape[d]);
    }
    target.leading = leading;
    if (leading.empty())
      target.row = k.index(0);
    target.column = k.add(source.column, offsets.empty() ? 0 : offsets.back());
    return target;
  }

  static void emitPiece(LaunchFunction &f, const KernelBody &body, ConcatOp concat, unsigned piece) {
    KernelBuilder &k = f.k;
    Value input = concat.getInputs()[piece];
    auto shape = body.shape(input), result = body.shape(concat.getResult());
    SmallVector<int64_t> offsets(result.size(), 0);
    for (Value before : concat.getInputs().take_front(piece))
      offsets[concat.getAxis()] += body.shape(before)[concat.getAxis()];
    f.forRows(rowsOf(shape), rowsPerTask(columnsOf(shape)), [&](Value row) {
      k.columns(columnsOf(shape), [&](Value column, int64_t lanes) {
        Point source{shape, row, column, lanes, {}};
        f.expression.start();
        Value vector = f.expression.evaluate(input, source);
        f.storeYields(shifted(k, source, result, offsets), {{concat.getResult(), vector}}, body.yieldsOf(0));
      });
    });
  }

  static void emitZero(LaunchFunction &f, const KernelBody &body) {
    auto shape = body.shape(body.yields[0]);
    f.forRows(rowsOf(shape), rowsPerTask(columnsOf(shape)), [&](Value row) {
      f.k.columns(columnsOf(shape), [&](Value column, int64_t lanes) {
        f.storeYields({shape, row, column, lanes, {}}, {{body.anchor->getResult(0), f.k.splat(0)}}, {0});
      });
    });
  }

  static void emitBox(LaunchFunction &f, const KernelBody &body, PadOp pad) {
    KernelBuilder &k = f.k;
    auto shape = body.shape(pad.getInput()), result = body.shape(pad.getResult());
    f.forRows(rowsOf(shape), rowsPerTask(columnsOf(shape)), [&](Value row) {
      k.columns(columnsOf(shape), [&](Value column, int64_t lanes) {
        Point source{shape, row, column, lanes, {}};
        f.expression.start();
        Value vector = f.expression.evaluate(pad.getInput(), source);
        f.storeYields(shifted(k, source, result, pad.getLow()), {{pad.getResult(), vector}}, {0});
      });
    });
  }

  static void emitGather(LaunchFunction &f, const KernelBody &body) {
    KernelBuilder &k = f.k;
    PatchAccess gather = getPatchAccess(body.anchor);
    int64_t columns = columnsOf(gather.space);
    f.forRows(rowsOf(gather.space), rowsPerTask(columns), [&](Value row) {
      k.columns(columns, [&](Value column, int64_t lanes) {
        Point point{gather.space, row, column, lanes, {}};
        Value vector = readStrided(k, pointerOf(f, gather.source), gather.source, point);
        Value target = k.add(k.mul(row, columns), column);
        for (unsigned i : body.yieldsOf(0))
          k.store(vector, f.result(i), target, lanes);
      });
    });
  }
};

} // namespace

const Emitter &cpu::copyEmitter() {
  static const CopyEmitter emitter;
  return emitter;
}
