// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Elementwise ops on registers, read through access maps.
#include "passes/CUDA/Expression.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Kernels/AccessOffset.h"
#include "passes/Kernels/Elementwise.h"
#include "passes/Kernels/KernelBody.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

Value cuda::offsetAt(KernelBuilder &k, const Access &access, Point &point) { return emitOffset(k, access, point); }

int64_t cuda::vectorWidth(const Access &access, Type element, int64_t most) {
  if (access.rank() == 0 || access.strides.back() == 0)
    return most;
  if (access.strides.back() != 1)
    return 1;
  int64_t width = std::min(most, kVectorBytes / bytesOf(element));
  auto divides = [&](int64_t value) { return value % width == 0; };
  while (width > 1) {
    bool fits = divides(access.offset) && divides(access.shape.back());
    for (int64_t d = 0; d + 1 < access.rank(); ++d)
      fits = fits && (access.shape[d] == 1 || divides(access.strides[d]));
    if (fits)
      break;
    width /= 2;
  }
  return width;
}

static Value broadcast(KernelBuilder &k, Value scalar, int64_t width) {
  if (width == 1)
    return scalar;
  return vector::BroadcastOp::create(k.b, VectorType::get({width}, scalar.getType()), scalar);
}

Value cuda::readStrided(KernelBuilder &k, Value pointer, const Access &access, Point &point, Type element) {
  Value offset = offsetAt(k, access, point);
  int64_t stride = access.rank() ? access.strides.back() : 0;
  if (stride == 0 || point.width == 1)
    return broadcast(k, k.load(pointer, offset, element), point.width);
  int64_t each = vectorWidth(access, element, point.width);
  if (each == point.width)
    return k.load(pointer, offset, element, point.width, point.width * bytesOf(element));
  SmallVector<Value> elements; // of as many accesses as it takes
  for (int64_t i = 0; i < point.width; i += each) {
    Value part = k.load(pointer, k.add(offset, i * stride), element, each, each * bytesOf(element));
    for (int64_t e = 0; e < each; ++e)
      elements.push_back(each == 1 ? part : vector::ExtractOp::create(k.b, part, e).getResult());
  }
  return vector::FromElementsOp::create(k.b, VectorType::get({point.width}, elements[0].getType()), elements);
}

Expression::Expression(KernelBuilder &k, KernelOp kernel, ArrayRef<Value> pointers) : k(k) {
  for (auto [argument, pointer] : llvm::zip(kernel.getBody().front().getArguments(), pointers))
    bases[argument] = pointer;
}

void Expression::start(ArrayRef<std::pair<Value, Value>> known) {
  memo.clear();
  for (auto [value, registers] : known)
    memo[value] = registers;
}

Value Expression::evaluate(Value value, Point &point) {
  if (Value known = memo.lookup(value))
    return known;
  Value result = compute(value, point);
  memo[value] = result;
  return result;
}

static Value emitSplat(KernelBuilder &k, ConstantOp constant, int64_t width) {
  auto elements = cast<DenseElementsAttr>(constant.getValue());
  if (!isa<FloatType>(elements.getElementType()))
    return broadcast(k, k.index(elements.getSplatValue<APInt>().getSExtValue()), width);
  APFloat value = elements.getSplatValue<APFloat>();
  bool losesInfo;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
  return broadcast(k, k.constant(value.convertToFloat()), width);
}

/// Which elements of `value`, row-major, stand at `point` of a space that it broadcasts to.
static Value elementNumbers(KernelBuilder &k, Value value, Point &point) {
  Access access = broadcastAccess(getDenseAccess(value), point.shape);
  Value first = broadcast(k, offsetAt(k, access, point), point.width);
  if (point.width == 1 || access.strides.back() == 0)
    return first;
  auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, point.width));
  auto type = VectorType::get({point.width}, k.i32Type());
  Value lanes = arith::ConstantOp::create(k.b, type, DenseIntElementsAttr::get(type, numbers));
  return arith::AddIOp::create(k.b, first, lanes);
}

Value Expression::compute(Value value, Point &point) {
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast_or_null<ConstantOp>(op))
    return emitSplat(k, constant, point.width);
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

/// The widths at which the inputs behind `value` are vectors, at most `width`.
static int64_t limitWidth(Value value, ArrayRef<int64_t> shape, int64_t width) {
  Operation *op = value.getDefiningOp();
  if (op && op->hasTrait<Elementwise>()) {
    for (Value operand : op->getOperands())
      width = limitWidth(operand, shape, width);
    return width;
  }
  std::optional<Access> access = inputAccess(value);
  if (!access)
    return width;
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  int64_t each = vectorWidth(broadcastAccess(*access, shape), element, width);
  // Where bf16 sets the width, f32 beside it takes two full accesses.
  return each * bytesOf(element) == kVectorBytes ? width : each;
}

int64_t Expression::widthOf(ArrayRef<Value> values, ArrayRef<int64_t> shape, int64_t most) {
  int64_t width = most;
  while (width > 1 && (shape.empty() || shape.back() % width != 0))
    width /= 2;
  for (Value value : values)
    width = limitWidth(value, shape, width);
  return width;
}
