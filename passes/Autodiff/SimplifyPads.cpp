// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The gradients of several slices of one tensor, each padded to its size and then summed, as one concat.
#include "dialect/VLP/OpSupport.h"
#include "passes/Autodiff/SimplifyGradients.h"

using namespace mlir;
using namespace vlp;

/// The only dimension along which `pad` pads, or nothing.
static std::optional<int64_t> getPaddedAxis(PadOp pad) {
  std::optional<int64_t> axis;
  for (auto [d, low, high] : llvm::enumerate(pad.getLow(), pad.getHigh())) {
    if (low == 0 && high == 0)
      continue;
    if (axis)
      return std::nullopt;
    axis = d;
  }
  return axis;
}

/// Terms of `sum` that are pads along `axis` only and serve nothing else, by offset.
static SmallVector<PadOp> getPadsAlong(AccumulateOp sum, int64_t axis) {
  SmallVector<PadOp> pads;
  for (Value term : sum.getInputs())
    if (auto pad = term.getDefiningOp<PadOp>(); pad && pad->hasOneUse() && getPaddedAxis(pad) == axis)
      pads.push_back(pad);
  llvm::sort(pads, [&](PadOp a, PadOp b) { return a.getLow()[axis] < b.getLow()[axis]; });
  return pads;
}

/// The first longest run of boxes that follow each other without gap or overlap.
static ArrayRef<PadOp> findRun(ArrayRef<PadOp> pads, int64_t axis) {
  ArrayRef<PadOp> best;
  for (size_t first = 0, end; first < pads.size(); first = end) {
    end = first + 1;
    auto boxEnd = [&](PadOp pad) { return pad.getLow()[axis] + shapeOf(pad.getInput())[axis]; };
    while (end < pads.size() && PadOp(pads[end]).getLow()[axis] == boxEnd(pads[end - 1]))
      ++end;
    if (end - first > best.size())
      best = pads.slice(first, end - first);
  }
  return best.size() > 1 ? best : ArrayRef<PadOp>();
}

namespace {
struct ConcatPads : OpRewritePattern<AccumulateOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AccumulateOp op, PatternRewriter &rewriter) const override {
    for (int64_t axis = 0; axis < op.getType().getRank(); ++axis) {
      SmallVector<PadOp> pads = getPadsAlong(op, axis);
      ArrayRef<PadOp> run = findRun(pads, axis);
      if (run.empty())
        continue;
      join(op, run, axis, rewriter);
      return success();
    }
    return failure();
  }

private:
  /// Puts the concat in place of the first of the joined terms.
  static void join(AccumulateOp op, ArrayRef<PadOp> run, int64_t axis, PatternRewriter &rewriter) {
    SmallVector<Value> boxes, terms;
    for (PadOp pad : run)
      boxes.push_back(pad.getInput());
    Value joined = mark(op, ConcatOp::create(rewriter, op.getLoc(), boxes, axis));
    if (joined.getType() != op.getType()) {
      PadOp first = run.front(), last = run.back();
      joined = mark(op, PadOp::create(rewriter, op.getLoc(), joined, first.getLow(), last.getHigh()));
    }
    bool placed = false;
    for (Value term : op.getInputs()) {
      if (!llvm::is_contained(run, term.getDefiningOp<PadOp>()))
        terms.push_back(term);
      else if (!std::exchange(placed, true))
        terms.push_back(joined);
    }
    rewriter.modifyOpInPlace(op, [&] { op.getInputsMutable().assign(terms); });
  }

  static Value mark(AccumulateOp like, Operation *op) {
    op->setDiscardableAttrs(like->getDiscardableAttrDictionary());
    return op->getResult(0);
  }
};
} // namespace

void vlp::populatePadPatterns(RewritePatternSet &patterns) { patterns.add<ConcatPads>(patterns.getContext()); }
