// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Regions that move elements: concat, pad, patchify, unpatchify. Concat takes an epilogue. One launch each.
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/LaunchFunction.h"
#include "passes/Kernels/Elementwise.h"
#include "passes/Kernels/PatchAccess.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

/// The largest power of two up to `width`, itself one, that divides x.
int64_t commonWidth(int64_t width, int64_t x) {
  while (x % width != 0)
    width /= 2;
  return width;
}

/// Indices of the leading dimensions of the point.
SmallVector<Value> leadingOf(KernelBuilder &k, const Point &point) {
  SmallVector<Value> leading(point.shape.empty() ? 0 : point.shape.size() - 1);
  Value rest = point.row;
  for (int64_t d = static_cast<int64_t>(leading.size()) - 1; d >= 0; --d) {
    leading[d] = d == 0 ? rest : k.rem(rest, point.shape[d]);
    rest = k.div(rest, point.shape[d]);
  }
  return leading;
}

/// The point of `shape` that is `offsets` away from `point`.
Point shifted(KernelBuilder &k, const Point &point, ArrayRef<int64_t> shape, ArrayRef<int64_t> offsets) {
  Point target{shape, Value(), point.column, point.width, leadingOf(k, point)};
  for (auto [index, offset] : llvm::zip(target.leading, offsets))
    index = k.add(index, offset);
  if (target.leading.empty())
    target.row = k.index(0);
  if (!offsets.empty())
    target.column = k.add(point.column, offsets.back());
  return target;
}

class CopyEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    if (!isa_and_nonnull<ConcatOp, PadOp, PatchifyOp, UnpatchifyOp>(body.anchor)) {
      why = "expected one of concat, pad, patchify, unpatchify";
      return false;
    }
    Value moved = body.anchor->getResult(0);
    bool strided = llvm::all_of(body.anchor->getOperands(), [&](Value operand) {
      return isa<ConcatOp, PadOp>(body.anchor) ? canEvaluate(operand, nullptr) : inputAccess(operand).has_value();
    });
    bool plain = llvm::all_of(body.yields, [&](Value value) {
      return isa<ConcatOp>(body.anchor) ? canEvaluate(value, body.anchor) && body.shape(value) == body.shape(moved)
                                        : value == moved;
    });
    if (!strided || !plain)
      why = "expected strided operands, and an elementwise epilogue only after concat";
    return strided && plain;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].threads = kElementThreads;
    int64_t blocks = 0;
    if (auto concat = dyn_cast<ConcatOp>(body.anchor)) {
      for (unsigned i = 0; i < concat.getInputs().size(); ++i)
        blocks += pieceBlocks(body, concat, i);
    } else if (auto pad = dyn_cast<PadOp>(body.anchor)) {
      blocks = elementBlocks(body.shape(pad.getResult()), padWidth(body, pad), 1);
    } else {
      PatchAccess gather = getPatchAccess(body.anchor);
      blocks = elementBlocks(gather.space, gatherWidth(body, gather), 1);
    }
    plan.launches[0].tasks = blocks;
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    if (auto concat = dyn_cast<ConcatOp>(body.anchor))
      emitConcat(f, body, concat);
    else if (auto pad = dyn_cast<PadOp>(body.anchor))
      emitPad(f, body, pad);
    else
      emitGather(f, body);
    f.k.finish();
    return success();
  }

private:
  /// Where piece number `piece` starts in the result.
  static SmallVector<int64_t> pieceOffsets(const KernelBody &body, ConcatOp concat, unsigned piece) {
    SmallVector<int64_t> offsets(body.shape(concat.getResult()).size(), 0);
    for (Value before : concat.getInputs().take_front(piece))
      offsets[concat.getAxis()] += body.shape(before)[concat.getAxis()];
    return offsets;
  }

  static int64_t pieceWidth(const KernelBody &body, ConcatOp concat, unsigned piece) {
    Value input = concat.getInputs()[piece];
    int64_t width = Expression::widthOf(body.yields, body.shape(concat.getResult()), widestStore(body.yields));
    width = Expression::widthOf(input, body.shape(input), width);
    return commonWidth(width, pieceOffsets(body, concat, piece).back());
  }

  static int64_t pieceBlocks(const KernelBody &body, ConcatOp concat, unsigned piece) {
    return elementBlocks(body.shape(concat.getInputs()[piece]), pieceWidth(body, concat, piece), 1);
  }

  /// Each piece has blocks of its own, one range after the other.
  static void emitConcat(LaunchFunction &f, const KernelBody &body, ConcatOp concat) {
    KernelBuilder &k = f.k;
    Value block = k.block;
    int64_t first = 0;
    for (unsigned i = 0; i < concat.getInputs().size(); ++i) {
      int64_t end = first + pieceBlocks(body, concat, i);
      Value isHere = k.both(k.less(block, end), k.less(k.index(first - 1), block));
      k.when(isHere, [&] {
        k.block = k.sub(block, k.index(first));
        emitPiece(f, body, concat, i);
      });
      first = end;
    }
    k.block = block;
  }

  static void emitPiece(LaunchFunction &f, const KernelBody &body, ConcatOp concat, unsigned piece) {
    Value input = concat.getInputs()[piece];
    SmallVector<int64_t> offsets = pieceOffsets(body, concat, piece);
    f.forElements(body.shape(input), pieceWidth(body, concat, piece), 1, [&](Point source) {
      f.expression.start();
      Value moved = f.expression.evaluate(input, source);
      Point target = shifted(f.k, source, body.shape(concat.getResult()), offsets);
      f.storeAllYields(target, {{concat.getResult(), moved}});
    });
  }

  static int64_t padWidth(const KernelBody &body, PadOp pad) {
    int64_t width = Expression::widthOf(pad.getInput(), body.shape(pad.getInput()), widestStore(body.yields));
    width = commonWidth(width, columnsOf(body.shape(pad.getResult())));
    return pad.getLow().empty() ? width : commonWidth(width, pad.getLow().back());
  }

  static void emitPad(LaunchFunction &f, const KernelBody &body, PadOp pad) {
    KernelBuilder &k = f.k;
    auto shape = body.shape(pad.getInput()), result = body.shape(pad.getResult());
    SmallVector<int64_t> back(pad.getLow());
    for (int64_t &offset : back)
      offset = -offset;
    f.forElements(result, padWidth(body, pad), 1, [&](Point point) {
      Point source = shifted(k, point, shape, back);
      Value isInside;
      for (auto [d, size] : llvm::enumerate(shape)) {
        Value index = d + 1 == shape.size() ? source.column : source.leading[d];
        if (size != result[d])
          isInside = k.both(k.below(index, size), isInside);
      }
      f.expression.start();
      auto read = [&] { return SmallVector<Value>{f.expression.evaluate(pad.getInput(), source)}; };
      auto zero = [&] { return SmallVector<Value>{k.splat(k.constant(0), point.width)}; };
      Value moved = isInside ? k.choose(isInside, read, zero)[0] : read()[0];
      f.storeAllYields(point, {{pad.getResult(), moved}});
    });
  }

  static int64_t gatherWidth(const KernelBody &body, const PatchAccess &gather) {
    return vectorWidth(gather.source, elementOf(gather.source.source), widestStore(body.yields));
  }

  static void emitGather(LaunchFunction &f, const KernelBody &body) {
    KernelBuilder &k = f.k;
    PatchAccess gather = getPatchAccess(body.anchor);
    Type element = elementOf(body.anchor->getResult(0));
    f.forElements(gather.space, gatherWidth(body, gather), 1, [&](Point point) {
      Value moved = readStrided(k, f.source(gather.source), gather.source, point, elementOf(gather.source.source));
      Value target = denseOffset(k, point);
      for (unsigned i = 0; i < body.numResults(); ++i)
        k.store(moved, f.result(i), target, element, point.width * bytesOf(element));
    });
  }
};

} // namespace

const Emitter &cuda::copyEmitter() {
  static const CopyEmitter emitter;
  return emitter;
}
