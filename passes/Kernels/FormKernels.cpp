// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-form-kernels: group, build, replace, reorder.
#include "passes/Kernels/AnchorKind.h"
#include "passes/Kernels/BuildKernel.h"
#include "passes/Kernels/KernelGroups.h"
#include "passes/Kernels/Passes.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_FORMKERNELS
#include "passes/Kernels/Passes.h.inc"
} // namespace vlp

/// Ops that neither become kernels nor are understood as anything else would silently never run: report them all.
static LogicalResult checkOps(Block &block) {
  bool ok = true;
  for (Operation &op : block) {
    bool known =
        op.hasTrait<View>() || op.hasTrait<OpTrait::IsTerminator>() || isa<KernelOp, ConstantOp, ReadOp, WriteOp>(op);
    if (known || !getAnchorKind(&op).empty())
      continue;
    op.emitError() << "expected an op that has a kernel kind, got '" << op.getName() << "'"
                   << (isa<PatchEmbedOp>(op) ? "; run vlp-decompose-patch-embed first" : "");
    ok = false;
  }
  return success(ok);
}

/// Gives every reader of a widened value a cast of its own, which joins the reader's kernel.
static void separateWideningCasts(Block &block) {
  SmallVector<CastOp> casts;
  for (auto cast : block.getOps<CastOp>())
    if (isWideningCast(cast))
      casts.push_back(cast);
  for (CastOp cast : casts) {
    for (OpOperand &use : llvm::make_early_inc_range(cast->getUses()))
      use.set(OpBuilder(use.getOwner()).clone(*cast)->getResult(0));
    cast.erase();
  }
}

/// The group's values that are used outside of it, in order of definition.
static SmallVector<Value> getYields(const KernelGroup &group) {
  llvm::SmallPtrSet<Operation *, 8> inside(group.ops.begin(), group.ops.end());
  SmallVector<Value> yields;
  for (Operation *op : group.ops)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !inside.contains(user); }))
        yields.push_back(result);
  return yields;
}

static void replaceByKernel(const KernelGroup &group, Operation *before) {
  if (isa<KernelOp>(group.ops.front())) {
    group.ops.front()->moveBefore(before);
    return;
  }
  OpBuilder builder(before);
  Location loc = (group.anchor ? group.anchor : group.ops.front())->getLoc();
  SmallVector<Value> yields = getYields(group);
  KernelOp kernel = buildKernel(builder, loc, group.kind, group.ops, yields);
  llvm::SmallPtrSet<Operation *, 8> inside(group.ops.begin(), group.ops.end());
  for (auto [value, result] : llvm::zip_equal(yields, kernel.getResults()))
    value.replaceUsesWithIf(result, [&](OpOperand &use) { return !inside.contains(use.getOwner()); });
}

/// Moves reads and constants to the front, and what only serves the return to the back.
static void reorder(Block &block) {
  SmallVector<Operation *> front, back;
  for (Operation &op : block.without_terminator()) {
    if (isa<ReadOp, ConstantOp>(op))
      front.push_back(&op);
    else if (isa<ReshapeOp, WriteOp>(op))
      back.push_back(&op);
  }
  for (Operation *op : llvm::reverse(front))
    op->moveBefore(&block, block.begin());
  for (Operation *op : back)
    op->moveBefore(block.getTerminator());
}

namespace {
struct FormKernelsPass : vlp::impl::FormKernelsBase<FormKernelsPass> {
  using FormKernelsBase::FormKernelsBase;

  void runOnOperation() override {
    if (getOperation().isDeclaration())
      return;
    Block &block = getOperation().getBody().front();
    eraseUnusedOps(block);
    if (failed(checkOps(block)))
      return signalPassFailure();
    materializeViews(block);
    separateWideningCasts(block);
    SmallVector<KernelGroup> schedule =
        KernelGroups(block, {fuseEpilogues, fusePrologues, fuseAttentionConcat, epilogueDistance, remarks})
            .getSchedule();
    for (const KernelGroup &group : schedule)
      replaceByKernel(group, block.getTerminator());
    eraseUnusedOps(block);
    reorder(block);
  }
};
} // namespace
