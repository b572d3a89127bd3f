// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Elementwise ops on vectors, read through access maps.
#include "passes/CPU/Expression.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Kernels/AccessOffset.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

Value cpu::offsetAt(KernelBuilder &k, const Access &access, Point &point) { return emitOffset(k, access, point); }

Value cpu::readStrided(KernelBuilder &k, Value pointer, const Access &access, Point &point, Type element) {
  element = element ? element : k.f32Type();
  Value offset = offsetAt(k, access, point);
  int64_t stride = access.rank() ? access.strides.back() : 0;
  if (stride == 0 || point.lanes == 1)
    return k.broadcast(k.load(pointer, offset, element));
  if (stride == 1)
    return k.loadVector(pointer, offset, point.lanes, element);
  Value vector = arith::ConstantOp::create(k.b, k.b.getZeroAttr(k.vectorOf(element)));
  for (int64_t lane = 0; lane < point.lanes; ++lane)
    vector = vector::InsertOp::create(k.b, k.load(pointer, k.add(offset, lane * stride), element), vector, lane);
  return vector;
}

Expression::Expression(KernelBuilder &k, KernelOp kernel, ArrayRef<Value> pointers) : k(k) {
  for (auto [argument, pointer] : llvm::zip(kernel.getBody().front().getArguments(), pointers))
    bases[argument] = pointer;
}

void Expression::start(ArrayRef<std::pair<Value, Value>> known) {
  memo.clear();
  for (auto [value, vector] : known)
    memo[value] = vector;
}

Value Expression::evaluate(Value value, Point &point) {
  if (Value known = memo.lookup(value))
    return known;
  Value result = compute(value, point);
  memo[value] = result;
  return result;
}

static Value emitSplat(KernelBuilder &k, ConstantOp constant) {
  auto elements = cast<DenseElementsAttr>(constant.getValue());
  if (isa<FloatType>(elements.getElementType()))
    return k.splat(elements.getSplatValue<APFloat>().convertToFloat());
  return k.splatInt(static_cast<int32_t>(elements.getSplatValue<APInt>().getSExtValue()));
}

/// Which elements of `value`, row-major, stand at `point` of a space that it broadcasts to.
static Value elementNumbers(KernelBuilder &k, Value value, Point &point) {
  Access access = broadcastAccess(getDenseAccess(value), point.shape);
  Value first = k.broadcast(k.toI32(offsetAt(k, access, point)));
  bool repeats = access.rank() == 0 || access.strides.back() == 0;
  return repeats ? first : arith::AddIOp::create(k.b, first, k.iota()).getResult();
}

Value Expression::compute(Value value, Point &point) {
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast_or_null<ConstantOp>(op))
    return emitSplat(k, constant);
  if (auto random = dyn_cast_or_null<RandomUniformOp>(op))
    return emitUniform(k, random, evaluate(random.getSeed(), point), evaluate(random.getStep(), point),
                       elementNumbers(k, value, point));
  if (op && op->hasTrait<Elementwise>()) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(evaluate(operand, point));
    return emitElementwise(k, op, operands);
  }
  FailureOr<Access> access = getAccess(value);
  assert(succeeded(access) && "kernel formation left a view that is no strided access");
  // Repeating by the trailing-dimension rule commutes with elementwise ops, so a view of a computed value that only
  // repeats it, or only adds or drops dimensions of one, is the value itself.
  if (!bases.count(access->source))
    return evaluate(access->source, point);
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return readStrided(k, bases.lookup(access->source), broadcastAccess(*access, point.shape), point, element);
}
