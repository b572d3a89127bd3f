// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The AdamW update of one parameter and its moments.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

/// Chunks of elements; the bias corrections are powers computed in f64, since 1 - 0.999^t cancels.
class AdamWEmitter : public Emitter {
  static constexpr int64_t kChunk = 4096;

public:
  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = ceilDiv(elements(body), kChunk);
    plan.inPlace = {{0, inputOf(body, 0)}, {1, inputOf(body, 2)}, {2, inputOf(body, 3)}};
    return plan;
  }

  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<AdamWOp>(body.anchor);
    bool plain = op && body.numResults() == 3;
    for (unsigned i = 0; plain && i < 3; ++i)
      plain = body.yields[i] == op->getResult(i);
    for (unsigned i = 0; plain && i < op->getNumOperands(); ++i) {
      FailureOr<Access> access = getAccess(op->getOperand(i));
      plain = succeeded(access) && access->isContiguous() && access->offset == 0 && isa<BlockArgument>(access->source);
    }
    if (!plain)
      why = "expected 'vlp.adamw' on dense operands with all three results";
    return plain;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    auto op = cast<AdamWOp>(body.anchor);
    KernelBuilder &k = f.k;
    auto pointer = [&](unsigned operand) { return f.input(inputOf(body, operand)); };
    auto scalar = [&](unsigned operand) { return k.loadF32(pointer(operand), k.index(0)); };
    Value enabled = k.loadI32(pointer(11), k.index(0));
    Value isEnabled = arith::CmpIOp::create(k.b, arith::CmpIPredicate::ne, enabled,
                                            arith::ConstantOp::create(k.b, k.b.getI32IntegerAttr(0)));
    Coefficients c;
    Value step = k.loadI32(pointer(4), k.index(0));
    Value rate = scalar(5), beta1 = scalar(6), beta2 = scalar(7);
    c.enabled = isEnabled;
    c.beta1 = k.broadcast(beta1);
    c.beta2 = k.broadcast(beta2);
    c.rest1 = k.broadcast(k.subf(k.constant(1), beta1));
    c.rest2 = k.broadcast(k.subf(k.constant(1), beta2));
    c.eps = k.broadcast(scalar(8));
    Value keep = op.getDecay() ? k.subf(k.constant(1), k.mulf(rate, scalar(9))) : k.constant(1);
    c.keep = k.broadcast(keep);
    c.scale = k.broadcast(scalar(10));
    c.stepSize = k.broadcast(k.divf(rate, biasCorrection(k, beta1, step)));
    c.inverseRootCorrection2 = k.broadcast(k.divf(k.constant(1), k.sqrt(biasCorrection(k, beta2, step))));
    int64_t total = elements(body), full = total / kLanes * kLanes;
    Value from = k.mul(k.begin, kChunk);
    k.loop(from, k.min(k.mul(k.end, kChunk), k.index(full)), kLanes, [&](Value at) { update(f, body, c, at, kLanes); });
    if (full < total)
      k.when(k.equal(k.end, k.index(plan.launches[launch].tasks)),
             [&] { update(f, body, c, k.index(full), total - full); });
    k.finish();
    return success();
  }

private:
  struct Coefficients {
    Value enabled, beta1, beta2, rest1, rest2, eps, keep, scale, stepSize, inverseRootCorrection2;
  };

  static int64_t elements(const KernelBody &body) {
    return cast<RankedTensorType>(body.anchor->getOperand(0).getType()).getNumElements();
  }
  static unsigned inputOf(const KernelBody &body, unsigned operand) {
    return cast<BlockArgument>(getViewSource(body.anchor->getOperand(operand))).getArgNumber();
  }

  /// 1 - beta^step by repeated squaring over the 31 bits of the exponent, in f64.
  static Value biasCorrection(KernelBuilder &k, Value beta, Value step) {
    Type f64 = k.b.getF64Type();
    Value one = arith::ConstantOp::create(k.b, k.b.getF64FloatAttr(1.0));
    Value oneInt = arith::ConstantOp::create(k.b, k.b.getI32IntegerAttr(1));
    Value base = arith::ExtFOp::create(k.b, f64, beta);
    auto power = k.loop(k.index(0), k.index(31), 1, {one, base, step}, [&](Value, ValueRange in) {
      Value bit = arith::AndIOp::create(k.b, in[2], oneInt);
      Value isSet = arith::CmpIOp::create(k.b, arith::CmpIPredicate::ne, bit,
                                          arith::ConstantOp::create(k.b, k.b.getI32IntegerAttr(0)));
      Value product = k.select(isSet, arith::MulFOp::create(k.b, in[0], in[1]), in[0]);
      Value square = arith::MulFOp::create(k.b, in[1], in[1]);
      Value rest = arith::ShRUIOp::create(k.b, in[2], oneInt);
      return SmallVector<Value>{product, square, rest};
    });
    return arith::TruncFOp::create(k.b, k.f32Type(), arith::SubFOp::create(k.b, one, power[0]));
  }

  static void update(LaunchFunction &f, const KernelBody &body, const Coefficients &c, Value at, int64_t lanes) {
    KernelBuilder &k = f.k;
    auto read = [&](unsigned operand) { return k.loadVector(f.input(inputOf(body, operand)), at, lanes); };
    Value p = read(0), m = read(2), v = read(3);
    Value g = k.mulf(read(1), c.scale);
    Value m1 = k.fma(c.rest1, g, k.mulf(c.beta1, m));
    Value v1 = k.fma(k.mulf(c.rest2, g), g, k.mulf(c.beta2, v));
    Value root = k.addf(k.mulf(k.sqrt(v1), c.inverseRootCorrection2), c.eps);
    Value p1 = k.subf(k.mulf(p, c.keep), k.mulf(c.stepSize, k.divf(m1, root)));
    k.store(k.select(c.enabled, p1, p), f.result(0), at, lanes);
    k.store(k.select(c.enabled, m1, m), f.result(1), at, lanes);
    k.store(k.select(c.enabled, v1, v), f.result(2), at, lanes);
  }
};

} // namespace

const Emitter &cpu::adamwEmitter() {
  static const AdamWEmitter emitter;
  return emitter;
}
