// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernel regions are clones: the original ops are erased by the pass afterwards.
#include "passes/Kernels/BuildKernel.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Kernels/Access.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace vlp;

bool vlp::isSplatConstant(Operation *op) {
  auto constant = dyn_cast_or_null<ConstantOp>(op);
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  return dense && dense.isSplat();
}

namespace {
/// Fills the body of one kernel.
class BodyBuilder {
public:
  BodyBuilder(OpBuilder &builder, Block &body) : builder(builder), body(body) {}

  Value map(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *producer = value.getDefiningOp();
    if (producer && producer->hasTrait<View>()) {
      map(producer->getOperand(0));
      builder.clone(*producer, mapping);
      return mapping.lookup(value);
    }
    if (isSplatConstant(producer)) {
      builder.clone(*producer, mapping);
      return mapping.lookup(value);
    }
    inputs.push_back(value);
    mapping.map(value, body.addArgument(value.getType(), value.getLoc()));
    return mapping.lookup(value);
  }

  void clone(Operation *op) {
    for (Value operand : op->getOperands())
      map(operand);
    builder.clone(*op, mapping);
  }

  SmallVector<Value> inputs;

private:
  OpBuilder &builder;
  Block &body;
  IRMapping mapping;
};
} // namespace

KernelOp vlp::buildKernel(OpBuilder &builder, Location loc, StringRef kind, ArrayRef<Operation *> ops,
                          ArrayRef<Value> yields) {
  OpBuilder::InsertionGuard guard(builder);
  Region region;
  Block &body = region.emplaceBlock();
  OpBuilder inner(builder.getContext());
  inner.setInsertionPointToStart(&body);
  BodyBuilder bodyBuilder(inner, body);
  for (Operation *op : ops)
    bodyBuilder.clone(op);
  SmallVector<Value> results;
  for (Value value : yields)
    results.push_back(bodyBuilder.map(value));
  YieldOp::create(inner, loc, results);
  auto kernel = KernelOp::create(builder, loc, ValueRange(results).getTypes(), kind, bodyBuilder.inputs);
  kernel.getBody().takeBody(region);
  return kernel;
}

void vlp::eraseUnusedOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (op.use_empty() && (isMemoryEffectFree(&op) || isa<ReadOp>(op)) && !op.hasTrait<OpTrait::IsTerminator>())
      op.erase();
}

/// A dense copy of `value`, made where `before` stands.
static Value materialize(Value value, Operation *before) {
  OpBuilder builder(before);
  return buildKernel(builder, value.getLoc(), "elementwise", {}, {value}).getResult(0);
}

/// Copies of the operands of reshapes that are no strided access of what lies in memory; one copy for all reshapes of
/// one value.
static void materializeReshapes(Block &block) {
  llvm::DenseMap<Value, Value> copies;
  for (Operation &op : block) {
    if (!op.hasTrait<View>() || succeeded(getAccess(op.getResult(0))))
      continue;
    Value operand = op.getOperand(0);
    Value &copy = copies[operand];
    if (!copy)
      copy = materialize(operand, &op);
    op.setOperand(0, copy);
  }
}

/// Copies of attention's masks whose rows are no neighbours in memory (one head's of a table of all heads' biases):
/// every query would gather them.
static void materializeMasks(Block &block) {
  llvm::DenseMap<Value, Value> copies;
  for (Operation &op : block) {
    OpOperand *mask = nullptr;
    if (auto attention = dyn_cast<AttentionOp>(op); attention && attention.getMask())
      mask = &*attention.getMaskMutable().begin();
    if (auto attention = dyn_cast<AttentionGradOp>(op); attention && attention.getMask())
      mask = &*attention.getMaskMutable().begin();
    if (!mask)
      continue;
    Value value = mask->get();
    FailureOr<Access> access = getAccess(value);
    if (failed(access) || access->strides.back() == 1 || access->shape.back() == 1)
      continue;
    Value &copy = copies[value];
    if (!copy)
      copy = materialize(value, &op);
    mask->set(copy);
  }
}

/// `value` as a whole dense tensor in memory: itself, a reshape of one, or a copy.
static Value makeDense(Value value, Operation *user) {
  Value source = getViewSource(value);
  if (isSplatConstant(source.getDefiningOp()))
    return materialize(value, user);
  FailureOr<Access> access = getAccess(value);
  assert(succeeded(access) && "expected reshapes to be materialised");
  bool whole = cast<RankedTensorType>(source.getType()).getNumElements() ==
               cast<RankedTensorType>(value.getType()).getNumElements();
  if (!whole || access->offset != 0 || !access->isContiguous())
    return materialize(value, user);
  if (source.getType() == value.getType())
    return source;
  OpBuilder builder(user);
  return ReshapeOp::create(builder, value.getLoc(), value.getType(), source);
}

/// Copies of gradients that are parts of others (of biases that were joined): norms and updates walk whole tensors.
static void materializeGradients(Block &block) {
  llvm::DenseMap<Value, Value> copies;
  for (Operation &op : block) {
    if (!isa<GlobalNormOp, AdamWOp>(op))
      continue;
    for (OpOperand &operand : op.getOpOperands()) {
      if (getViewSource(operand.get()) == operand.get())
        continue;
      Value value = operand.get();
      Value &copy = copies[value];
      if (!copy)
        copy = makeDense(value, &op);
      operand.set(copy);
    }
  }
}

void vlp::materializeViews(Block &block) {
  for (auto op : llvm::make_early_inc_range(block.getOps<StopGradientOp>())) {
    op.getResult().replaceAllUsesWith(op.getInput());
    op.erase();
  }
  materializeReshapes(block);
  materializeMasks(block);
  materializeGradients(block);
  for (Operation &user : llvm::make_early_inc_range(block)) {
    if (!isa<WriteOp>(user) && !user.hasTrait<OpTrait::IsTerminator>())
      continue;
    for (OpOperand &operand : user.getOpOperands())
      operand.set(makeDense(operand.get(), &user));
  }
  eraseUnusedOps(block);
}
