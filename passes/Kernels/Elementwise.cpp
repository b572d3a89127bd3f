// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Elementwise ops as arithmetic on registers.
#include "passes/Kernels/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Kernels/Access.h"
#include "passes/Kernels/VectorMath.h"
#include "runtime/format/Philox.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vlp;

static Value emitArithmetic(MathBuilder &k, Operation *op, Value x, Value y) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(x.getType()));
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](AddOp) { return isFloat ? k.addf(x, y) : arith::AddIOp::create(k.b, x, y).getResult(); })
      .Case([&](SubOp) { return isFloat ? k.subf(x, y) : arith::SubIOp::create(k.b, x, y).getResult(); })
      .Case([&](MulOp) { return isFloat ? k.mulf(x, y) : arith::MulIOp::create(k.b, x, y).getResult(); })
      .Case([&](DivOp) { return isFloat ? k.divf(x, y) : arith::DivSIOp::create(k.b, x, y).getResult(); });
}

static Value flag(MathBuilder &k, Value condition) {
  return arith::CmpIOp::create(k.b, arith::CmpIPredicate::ne, condition, k.intLike(condition, 0));
}

// A number is finite exactly if x - x = 0.
static Value emitAllFinite(MathBuilder &k, ArrayRef<Value> operands) {
  Value finite;
  for (Value x : operands) {
    Value one = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, k.subf(x, x), k.constantLike(x, 0));
    finite = finite ? arith::AndIOp::create(k.b, finite, one).getResult() : one;
  }
  return k.select(finite, k.intLike(operands[0], 1), k.intLike(operands[0], 0));
}

static Value emitWarmupCosine(MathBuilder &k, ArrayRef<Value> operands) {
  Value step = arith::SIToFPOp::create(k.b, k.typeLike(operands[0], k.f32Type()), operands[0]);
  Value peak = operands[1], warmup = operands[2], total = operands[3];
  Value one = k.constantLike(step, 1), zero = k.constantLike(step, 0);
  Value rising = k.divf(k.mulf(peak, k.addf(step, one)), warmup);
  // The span is at least one step, so that a schedule without decay does not divide zero by zero.
  Value span = k.maxf(k.subf(total, warmup), one);
  Value done = k.maxf(k.minf(k.divf(k.subf(step, warmup), span), one), zero);
  Value falling = k.mulf(k.mulf(peak, k.constantLike(step, 0.5)), k.addf(one, math::cosPi(k, done)));
  Value isRising = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OLT, step, warmup);
  return k.select(isRising, rising, falling);
}

static Value emitClipFactor(MathBuilder &k, Value norm, Value maxNorm) {
  Value one = k.constantLike(norm, 1);
  Value factor = k.minf(k.divf(maxNorm, k.addf(norm, k.constantLike(norm, 1e-6))), one);
  Value off = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, maxNorm, k.constantLike(norm, 0));
  return k.select(off, one, factor);
}

static Value emitQuickGelu(MathBuilder &k, Value x) {
  return k.mulf(x, math::sigmoid(k, k.mulf(x, k.constantLike(x, 1.702))));
}

static Value emitQuickGeluGrad(MathBuilder &k, Value x, Value dy) {
  Value scaled = k.mulf(x, k.constantLike(x, 1.702));
  Value s = math::sigmoid(k, scaled), one = k.constantLike(x, 1);
  return k.mulf(k.mulf(dy, s), k.fma(scaled, k.subf(one, s), one));
}

static Value emitSum(MathBuilder &k, ArrayRef<Value> operands) {
  Value sum = operands[0];
  for (Value x : operands.drop_front())
    sum = k.addf(sum, x);
  return sum;
}

static Value emitComparison(MathBuilder &k, Operation *op, Value x, Value y) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(x.getType())), isEqual = isa<EqualOp>(op);
  Value holds;
  if (isFloat)
    holds = arith::CmpFOp::create(k.b, isEqual ? arith::CmpFPredicate::OEQ : arith::CmpFPredicate::OLT, x, y);
  else
    holds = arith::CmpIOp::create(k.b, isEqual ? arith::CmpIPredicate::eq : arith::CmpIPredicate::slt, x, y);
  return k.select(holds, k.intLike(x, 1), k.intLike(x, 0));
}

Value vlp::emitUniform(MathBuilder &k, RandomUniformOp op, Value seed, Value step, Value element) {
  auto constant = [&](uint32_t value) { return k.intLike(element, static_cast<int32_t>(value)); };
  auto product = [&](uint32_t factor, Value x) { return arith::MulUIExtendedOp::create(k.b, constant(factor), x); };
  auto combine = [&](Value x, Value y, Value z) {
    return arith::XOrIOp::create(k.b, arith::XOrIOp::create(k.b, x, y), z).getResult();
  };
  auto add = [&](Value x, uint32_t y) { return arith::AddIOp::create(k.b, x, constant(y)).getResult(); };
  SmallVector<Value> c = {element, step, constant(static_cast<uint32_t>(op.getStream())), constant(0)};
  SmallVector<Value> key = {seed, constant(kStepKey)};
  for (unsigned round = 0; round < 10; ++round) {
    auto p0 = product(0xD2511F53, c[0]), p1 = product(0xCD9E8D57, c[2]);
    c = {combine(p1.getHigh(), c[1], key[0]), p1.getLow(), combine(p0.getHigh(), c[3], key[1]), p0.getLow()};
    key = {add(key[0], 0x9E3779B9), add(key[1], 0xBB67AE85)};
  }
  Value bits = arith::ShRUIOp::create(k.b, c[0], k.intLike(element, 9));
  Value number = arith::SIToFPOp::create(k.b, k.typeLike(element, k.f32Type()), bits);
  return k.mulf(k.addf(number, k.constantLike(number, 0.5)), k.constantLike(number, 0x1p-23));
}

static Value emitCast(MathBuilder &k, Value x) {
  bool fromInt = getElementTypeOrSelf(x.getType()).isInteger(32);
  return fromInt ? arith::SIToFPOp::create(k.b, k.typeLike(x, k.f32Type()), x).getResult() : x;
}

static Value emitInF32(MathBuilder &k, Operation *op, ArrayRef<Value> in) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<AddOp, SubOp, MulOp, DivOp>([&](auto) { return emitArithmetic(k, op, in[0], in[1]); })
      .Case([&](NegOp) { return k.negf(in[0]); })
      .Case([&](ExpOp) { return math::exp(k, in[0]); })
      .Case([&](LogOp) { return math::log(k, in[0]); })
      .Case([&](TanhOp) { return math::tanh(k, in[0]); })
      .Case([&](SigmoidOp) { return math::sigmoid(k, in[0]); })
      .Case([&](GeluOp) { return math::gelu(k, in[0]); })
      .Case([&](QuickGeluOp) { return emitQuickGelu(k, in[0]); })
      .Case([&](GeluGradOp) { return math::geluGrad(k, in[0], in[1]); })
      .Case([&](QuickGeluGradOp) { return emitQuickGeluGrad(k, in[0], in[1]); })
      .Case([&](CastOp) { return emitCast(k, in[0]); })
      .Case<EqualOp, LessOp>([&](auto) { return emitComparison(k, op, in[0], in[1]); })
      .Case([&](SelectOp) { return k.select(flag(k, in[0]), in[1], in[2]); })
      .Case([&](AccumulateOp) { return emitSum(k, in); })
      .Case([&](ClipFactorOp) { return emitClipFactor(k, in[0], in[1]); })
      .Case([&](AllFiniteOp) { return emitAllFinite(k, in); })
      .Case([&](WarmupCosineOp) { return emitWarmupCosine(k, in); })
      .Case([&](ClampOp) { return k.minf(k.maxf(in[0], in[1]), in[2]); })
      .Default([](Operation *op) -> Value {
        op->emitError() << "'" << op->getName() << "' has no code";
        llvm_unreachable("elementwise op without arithmetic");
      });
}

Value vlp::emitElementwise(MathBuilder &k, Operation *op, ArrayRef<Value> operands) {
  Value result = emitInF32(k, op, operands);
  if (!cast<RankedTensorType>(op->getResult(0).getType()).getElementType().isBF16())
    return result;
  Value rounded = arith::TruncFOp::create(k.b, k.typeLike(result, k.b.getBF16Type()), result);
  return arith::ExtFOp::create(k.b, result.getType(), rounded);
}

bool vlp::canEvaluate(Value value, Operation *anchor) {
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
  bool repeatsOnly =
      isa<BroadcastOp, StopGradientOp>(op) || cast<RankedTensorType>(source.getType()).getNumElements() == 1;
  return repeatsOnly && canEvaluate(source, anchor);
}

bool vlp::isElementwiseRegion(const KernelBody &body, std::string &why) {
  bool fits = !body.anchor && llvm::all_of(body.yields, [&](Value value) {
    return canEvaluate(value, nullptr) && body.shape(value) == body.shape(body.yields[0]);
  });
  if (!fits)
    why = "expected elementwise ops on strided accesses with results of one shape";
  return fits;
}
