// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-batch-updates: optimizer updates of many parameters as one kernel.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Kernels/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_BATCHUPDATES
#include "passes/Kernels/Passes.h.inc"
} // namespace vlp

/// The update that `kernel` is, if it is a plain one: one vlp.adamw whose scalars are the kernel's operands as they
/// are.
static AdamWOp getUpdate(KernelOp kernel) {
  if (kernel.getAnchor() != "adamw")
    return {};
  auto updates = kernel.getBody().front().getOps<AdamWOp>();
  if (!llvm::hasSingleElement(updates))
    return {};
  AdamWOp update = *updates.begin();
  bool plain =
      llvm::all_of(update->getOperands().drop_front(4), [](Value scalar) { return isa<BlockArgument>(scalar); });
  return plain ? update : AdamWOp();
}

/// What the updates of one batch have in common: the scalars, the element type, and whether weights decay.
static SmallVector<const void *> getKey(KernelOp kernel, AdamWOp update) {
  SmallVector<const void *> key;
  for (Value scalar : update->getOperands().drop_front(4))
    key.push_back(kernel.getInputs()[cast<BlockArgument>(scalar).getArgNumber()].getAsOpaquePointer());
  key.push_back(update.getParameter().getType().getElementType().getAsOpaquePointer());
  key.push_back(update.getDecayAttr().getAsOpaquePointer());
  return key;
}

/// One kernel, in front of the last member, that does what `members` do.
static void merge(ArrayRef<KernelOp> members) {
  if (members.size() < 2)
    return;
  OpBuilder builder(members.back());
  Region region;
  Block &body = region.emplaceBlock();
  OpBuilder inner(builder.getContext());
  inner.setInsertionPointToStart(&body);
  llvm::MapVector<Value, Value> arguments;
  SmallVector<Value> yields;
  SmallVector<Location> locations;
  for (KernelOp member : members) {
    IRMapping mapping;
    Block &source = member.getBody().front();
    for (auto [argument, operand] : llvm::zip_equal(source.getArguments(), member.getInputs())) {
      Value &merged = arguments[operand];
      if (!merged)
        merged = body.addArgument(operand.getType(), argument.getLoc());
      mapping.map(argument, merged);
    }
    for (Operation &op : source.without_terminator())
      inner.clone(op, mapping);
    for (Value value : source.getTerminator()->getOperands())
      yields.push_back(mapping.lookup(value));
    locations.push_back(member.getLoc());
  }
  Location loc = NameLoc::get(builder.getStringAttr("optimizer"));
  YieldOp::create(inner, loc, yields);
  auto operands = llvm::to_vector(llvm::make_first_range(arguments));
  auto batch = KernelOp::create(builder, loc, ValueRange(yields).getTypes(), "adamw", operands);
  batch.getBody().takeBody(region);
  unsigned next = 0;
  for (KernelOp member : members) {
    for (Value result : member.getResults())
      result.replaceAllUsesWith(batch.getResult(next++));
    member.erase();
  }
}

namespace {
struct BatchUpdatesPass : vlp::impl::BatchUpdatesBase<BatchUpdatesPass> {
  using BatchUpdatesBase::BatchUpdatesBase;

  void runOnOperation() override {
    llvm::MapVector<ArrayRef<const void *>, SmallVector<KernelOp>> open;
    std::vector<SmallVector<const void *>> keys; // what the map's keys point to
    keys.reserve(getOperation().getBody().front().getOperations().size());
    auto close = [&](SmallVector<KernelOp> &members) {
      merge(members);
      members.clear();
    };
    for (Operation &op : llvm::make_early_inc_range(getOperation().getBody().front())) {
      // A result that is used before the batch is complete would come too late.
      for (auto &[key, members] : open)
        if (llvm::any_of(op.getOperands(),
                         [&](Value value) { return llvm::is_contained(members, value.getDefiningOp<KernelOp>()); }))
          close(members);
      auto kernel = dyn_cast<KernelOp>(op);
      AdamWOp update = kernel ? getUpdate(kernel) : AdamWOp();
      if (!update)
        continue;
      keys.push_back(getKey(kernel, update));
      SmallVector<KernelOp> &members = open[keys.back()];
      members.push_back(kernel);
      if (static_cast<int64_t>(members.size()) == most)
        close(members);
    }
    for (auto &[key, members] : open)
      close(members);
  }
};
} // namespace
