// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Elementwise ops on vectors, read through access maps.
#include "passes/CPU/Expression.h"
#include "passes/CPU/VectorMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

/// The one stride that walks all leading dimensions of `access` in row-major order, if there is one.
static std::optional<int64_t> rowStride(const Access &access) {
  std::optional<int64_t> stride;
  int64_t expected = 0;
  for (int64_t d = access.rank() - 2; d >= 0; --d) {
    if (access.shape[d] == 1)
      continue;
    if (!stride)
      stride = access.strides[d];
    else if (access.strides[d] != expected)
      return std::nullopt;
    expected = access.strides[d] * access.shape[d];
  }
  return stride.value_or(0);
}

static void fillLeading(KernelBuilder &k, Point &point) {
  if (!point.leading.empty() || point.shape.size() < 2)
    return;
  point.leading.resize(point.shape.size() - 1);
  Value rest = point.row;
  for (int64_t d = static_cast<int64_t>(point.shape.size()) - 2; d > 0; --d) {
    point.leading[d] = k.rem(rest, point.shape[d]);
    rest = k.div(rest, point.shape[d]);
  }
  point.leading[0] = rest;
}

Value cpu::offsetAt(KernelBuilder &k, const Access &access, Point &point) {
  assert(access.shape == point.shape && "expected an access of the iteration space");
  Value offset = k.index(access.offset);
  if (access.rank() == 0)
    return offset;
  if (access.strides.back() != 0)
    offset = k.add(offset, k.mul(point.column, access.strides.back()));
  std::optional<int64_t> stride = point.row ? rowStride(access) : std::nullopt;
  if (stride)
    return *stride == 0 ? offset : k.add(offset, k.mul(point.row, *stride));
  fillLeading(k, point);
  for (int64_t d = 0; d + 1 < access.rank(); ++d)
    if (access.strides[d] != 0 && access.shape[d] != 1)
      offset = k.add(offset, k.mul(point.leading[d], access.strides[d]));
  return offset;
}

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

Value Expression::compute(Value value, Point &point) {
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast_or_null<ConstantOp>(op))
    return emitSplat(k, constant);
  if (op && op->hasTrait<Elementwise>()) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(evaluate(operand, point));
    return emitElementwise(k, op, operands);
  }
  FailureOr<Access> access = getAccess(value);
  assert(succeeded(access) && "kernel formation left a view that is no strided access");
  // Repeating by the trailing-dimension rule commutes with elementwise ops, so a view of a computed value that only repeats it,
  // or only adds or drops dimensions of one, is the value itself.
  if (!bases.count(access->source))
    return evaluate(access->source, point);
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return readStrided(k, bases.lookup(access->source), broadcastAccess(*access, point.shape), point, element);
}

bool Expression::canEvaluate(Value value, Operation *anchor) {
  Operation *op = value.getDefiningOp();
  if (!op || op == anchor)
    return true;
  if (auto constant = dyn_cast<ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue());
  if (op->hasTrait<Elementwise>())
    return llvm::all_of(op->getOperands(), [&](Value operand) { return canEvaluate(operand, anchor); });
  if (!op->hasTrait<View>())
    return false;
  Value source = getViewSource(value);
  if (isa<BlockArgument>(source))
    return succeeded(getAccess(value));
  bool repeatsOnly = isa<BroadcastOp, StopGradientOp>(op) || cast<RankedTensorType>(source.getType()).getNumElements() == 1;
  return repeatsOnly && canEvaluate(source, anchor);
}

//===----------------------------------------------------------------------===//
// Elementwise ops
//===----------------------------------------------------------------------===//

static Value emitArithmetic(KernelBuilder &k, Operation *op, Value x, Value y) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(x.getType()));
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](AddOp) { return isFloat ? k.addf(x, y) : arith::AddIOp::create(k.b, x, y).getResult(); })
      .Case([&](SubOp) { return isFloat ? k.subf(x, y) : arith::SubIOp::create(k.b, x, y).getResult(); })
      .Case([&](MulOp) { return isFloat ? k.mulf(x, y) : arith::MulIOp::create(k.b, x, y).getResult(); })
      .Case([&](DivOp) { return isFloat ? k.divf(x, y) : arith::DivSIOp::create(k.b, x, y).getResult(); });
}

static Value flag(KernelBuilder &k, Value condition) {
  return arith::CmpIOp::create(k.b, arith::CmpIPredicate::ne, condition, k.splatInt(0));
}

// A number is finite exactly if x - x = 0.
static Value emitAllFinite(KernelBuilder &k, ArrayRef<Value> operands) {
  Value finite;
  for (Value x : operands) {
    Value zero = k.subf(x, x);
    Value one = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, zero, k.splat(0));
    finite = finite ? arith::AndIOp::create(k.b, finite, one).getResult() : one;
  }
  return k.select(finite, k.splatInt(1), k.splatInt(0));
}

static Value emitWarmupCosine(KernelBuilder &k, ArrayRef<Value> operands) {
  Value step = arith::SIToFPOp::create(k.b, k.vectorOf(k.f32Type()), operands[0]);
  Value peak = operands[1], warmup = operands[2], total = operands[3];
  Value rising = k.divf(k.mulf(peak, k.addf(step, k.splat(1))), warmup);
  // The span is at least one step, so that a schedule without decay does not divide zero by zero.
  Value span = k.maxf(k.subf(total, warmup), k.splat(1));
  Value done = k.maxf(k.minf(k.divf(k.subf(step, warmup), span), k.splat(1)), k.splat(0));
  Value falling = k.mulf(k.mulf(peak, k.splat(0.5)), k.addf(k.splat(1), cosPi(k, done)));
  Value isRising = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OLT, step, warmup);
  return k.select(isRising, rising, falling);
}

static Value emitClipFactor(KernelBuilder &k, Value norm, Value maxNorm) {
  Value factor = k.minf(k.divf(maxNorm, k.addf(norm, k.splat(1e-6))), k.splat(1));
  Value off = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, maxNorm, k.splat(0));
  return k.select(off, k.splat(1), factor);
}

static Value emitQuickGeluGrad(KernelBuilder &k, Value x, Value dy) {
  Value scaled = k.mulf(x, k.splat(1.702));
  Value s = sigmoid(k, scaled);
  return k.mulf(k.mulf(dy, s), k.fma(scaled, k.subf(k.splat(1), s), k.splat(1)));
}

Value cpu::emitElementwise(KernelBuilder &k, Operation *op, ArrayRef<Value> in) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<AddOp, SubOp, MulOp, DivOp>([&](auto) { return emitArithmetic(k, op, in[0], in[1]); })
      .Case([&](NegOp) { return k.negf(in[0]); })
      .Case([&](ExpOp) { return exp(k, in[0]); })
      .Case([&](LogOp) { return log(k, in[0]); })
      .Case([&](TanhOp) { return tanh(k, in[0]); })
      .Case([&](SigmoidOp) { return sigmoid(k, in[0]); })
      .Case([&](GeluOp) { return gelu(k, in[0]); })
      .Case([&](QuickGeluOp) { return k.mulf(in[0], sigmoid(k, k.mulf(in[0], k.splat(1.702)))); })
      .Case([&](GeluGradOp) { return geluGrad(k, in[0], in[1]); })
      .Case([&](QuickGeluGradOp) { return emitQuickGeluGrad(k, in[0], in[1]); })
      .Case([&](CastOp) {
        bool fromInt = getElementTypeOrSelf(in[0].getType()).isInteger(32);
        return fromInt ? arith::SIToFPOp::create(k.b, k.vectorOf(k.f32Type()), in[0]).getResult() : in[0];
      })
      .Case([&](SelectOp) { return k.select(flag(k, in[0]), in[1], in[2]); })
      .Case([&](AccumulateOp) {
        Value sum = in[0];
        for (Value x : in.drop_front())
          sum = k.addf(sum, x);
        return sum;
      })
      .Case([&](ClipFactorOp) { return emitClipFactor(k, in[0], in[1]); })
      .Case([&](AllFiniteOp) { return emitAllFinite(k, in); })
      .Case([&](WarmupCosineOp) { return emitWarmupCosine(k, in); })
      .Case([&](ClampOp) { return k.minf(k.maxf(in[0], in[1]), in[2]); })
      .Default([](Operation *op) -> Value {
        op->emitError() << "'" << op->getName() << "' has no CPU code";
        llvm_unreachable("elementwise op without a vector form");
      });
}
