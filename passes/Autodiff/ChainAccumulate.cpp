// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-chain-accumulate.
#include "passes/Autodiff/Passes.h"

namespace vlp {
#define GEN_PASS_DEF_CHAINACCUMULATE
#include "passes/Autodiff/Passes.h.inc"
} // namespace vlp

using namespace mlir;
using namespace vlp;

/// The later of two definitions in one block; null counts as its begin.
static Operation *getLater(Operation *a, Operation *b) {
  if (!a || !b)
    return a ? a : b;
  return a->isBeforeInBlock(b) ? b : a;
}

static void chain(AccumulateOp op) {
  OperandRange inputs = op.getInputs();
  OpBuilder builder(op);
  Value sum = inputs.front();
  for (Value term : inputs.drop_front()) {
    if (Operation *last = getLater(sum.getDefiningOp(), term.getDefiningOp()))
      builder.setInsertionPointAfter(last);
    else
      builder.setInsertionPointToStart(op->getBlock());
    auto next = AccumulateOp::create(builder, op.getLoc(), op.getType(), ValueRange{sum, term});
    next->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    sum = next;
  }
  op.replaceAllUsesWith(sum);
  op.erase();
}

namespace {
struct ChainAccumulatePass : vlp::impl::ChainAccumulateBase<ChainAccumulatePass> {
  using ChainAccumulateBase::ChainAccumulateBase;

  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      for (AccumulateOp op : llvm::make_early_inc_range(block.getOps<AccumulateOp>()))
        if (static_cast<int64_t>(op.getInputs().size()) > most)
          chain(op);
  }
};
} // namespace
