// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The AdamW update of one or many parameters and their moments, in one launch.
//
// Blocks are dealt to the parameters in ranges. A block finds its parameter's number by comparing its own number with
// the ranges, then jumps to where the pointers are: selected one by one they would all be in registers at once.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/LaunchFunction.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

constexpr int64_t kThreads = 256;
constexpr int64_t kWidth = 4;                            // elements that a thread handles at once
constexpr int64_t kRepeats = 4;                          // and how often: amortises the bias corrections
constexpr int64_t kBlock = kThreads * kWidth * kRepeats; // elements

/// Operands of vlp.adamw.
enum Operand : unsigned {
  Parameter,
  Gradient,
  First,
  Second,
  Step,
  Rate,
  Beta1,
  Beta2,
  Eps,
  Decay,
  Scale,
  Enabled,
  NumOperands
};

class AdamWEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    auto yields = kernel.getBody().front().getTerminator()->getOperands();
    SmallVector<AdamWOp> ops = opsOf(kernel);
    bool plain = !ops.empty() && yields.size() == 3 * ops.size();
    for (Operation &op : kernel.getBody().front().without_terminator())
      plain = plain && (isa<AdamWOp>(op) || op.hasTrait<View>());
    for (AdamWOp op : ops) {
      for (Value result : op->getResults())
        plain = plain && llvm::count(yields, result) == 1;
      for (unsigned i = 0; plain && i < NumOperands; ++i) {
        std::optional<Access> access = inputAccess(op->getOperand(i));
        plain = access && access->isContiguous() && access->offset == 0;
        plain = plain && (i < Step || access->source == getViewSource(ops[0]->getOperand(i)));
      }
      plain = plain && op.getDecay() == ops[0].getDecay() && elementOf(op) == elementOf(ops[0]);
    }
    if (!plain)
      why = "expected 'vlp.adamw' ops on dense operands with equal scalars and element types, and all of their results";
    return plain;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].threads = kThreads;
    plan.launches[0].shared = 2 * 4;
    plan.launches[0].tasks = 0;
    for (AdamWOp op : opsOf(kernel)) {
      plan.launches[0].tasks += blocksOf(op);
      for (auto [result, operand] : {std::pair(0u, Parameter), std::pair(1u, First), std::pair(2u, Second)})
        plan.inPlace.push_back({resultOf(body, op, result), inputOf(op, operand)});
    }
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    SmallVector<AdamWOp> ops = opsOf(kernel);
    Coefficients c = readCoefficients(f, ops[0]);
    update(f.k, pick(f, body, ops), c, elementOf(ops[0]));
    f.k.finish();
    return success();
  }

private:
  struct Coefficients {
    Value enabled, beta1, beta2, rest1, rest2, eps, keep, scale, stepSize, inverseRootCorrection2;
  };

  static SmallVector<AdamWOp> opsOf(KernelOp kernel) {
    return llvm::to_vector(kernel.getBody().front().getOps<AdamWOp>());
  }
  static int64_t elementsOf(AdamWOp op) { return cast<RankedTensorType>(op->getResult(0).getType()).getNumElements(); }
  static Type elementOf(AdamWOp op) { return cast<RankedTensorType>(op->getResult(0).getType()).getElementType(); }
  static int64_t blocksOf(AdamWOp op) { return ceilDiv(elementsOf(op), kBlock); }
  static unsigned inputOf(AdamWOp op, unsigned operand) {
    return cast<BlockArgument>(getViewSource(op->getOperand(operand))).getArgNumber();
  }
  static unsigned resultOf(const KernelBody &body, AdamWOp op, unsigned result) {
    return llvm::find(body.yields, op->getResult(result)) - body.yields.begin();
  }

  /// 1 - beta^step by repeated squaring over the 31 bits of the exponent, in f64: in f32, 1 - 0.999^t cancels.
  static Value biasCorrection(KernelBuilder &k, Value beta, Value step) {
    Type f64 = k.b.getF64Type();
    Value one = arith::ConstantOp::create(k.b, k.b.getF64FloatAttr(1.0));
    Value base = arith::ExtFOp::create(k.b, f64, beta);
    auto power = k.loop(k.index(0), k.index(31), 1, {one, base, step}, [&](Value, ValueRange in) {
      Value isSet = k.differ(k.bitAnd(in[2], 1), k.index(0));
      Value product = k.select(isSet, arith::MulFOp::create(k.b, in[0], in[1]), in[0]);
      return SmallVector<Value>{product, arith::MulFOp::create(k.b, in[1], in[1]), k.shiftRight(in[2], 1)};
    });
    return arith::TruncFOp::create(k.b, k.f32Type(), arith::SubFOp::create(k.b, one, power[0]));
  }

  /// Two threads of the block compute what takes f64, which some chips do 64 times slower than f32, and share it.
  static Coefficients readCoefficients(LaunchFunction &f, AdamWOp op) {
    KernelBuilder &k = f.k;
    auto scalar = [&](unsigned operand) { return k.loadF32(f.input(inputOf(op, operand)), k.index(0)); };
    Coefficients c;
    Value rate = scalar(Rate);
    c.enabled = k.differ(k.loadI32(f.input(inputOf(op, Enabled)), k.index(0)), k.index(0));
    c.beta1 = scalar(Beta1);
    c.beta2 = scalar(Beta2);
    k.when(k.less(k.thread, 2), [&] {
      Value isFirst = k.equal(k.thread, k.index(0));
      Value correction =
          biasCorrection(k, k.select(isFirst, c.beta1, c.beta2), k.loadI32(f.input(inputOf(op, Step)), k.index(0)));
      Value inverseRoot = k.divf(k.constant(1), k.sqrt(correction));
      k.store(k.select(isFirst, k.divf(rate, correction), inverseRoot), k.shared(0), k.thread, k.f32Type());
    });
    k.barrier();
    c.stepSize = k.loadF32(k.shared(0), k.index(0));
    c.inverseRootCorrection2 = k.loadF32(k.shared(0), k.index(1));
    c.rest1 = k.subf(k.constant(1), c.beta1);
    c.rest2 = k.subf(k.constant(1), c.beta2);
    c.eps = scalar(Eps);
    c.keep = op.getDecay() ? k.subf(k.constant(1), k.mulf(rate, scalar(Decay))) : k.constant(1);
    c.scale = scalar(Scale);
    return c;
  }

  /// What a block works on: its first element, the number of elements of the tensors, and their pointers: parameter,
  /// gradient, moments, results.
  enum Target : unsigned { Start, Count, Pointers };

  static SmallVector<Value> pick(LaunchFunction &f, const KernelBody &body, ArrayRef<AdamWOp> ops) {
    KernelBuilder &k = f.k;
    SmallVector<int64_t> firstBlocks = {0};
    for (AdamWOp op : ops)
      firstBlocks.push_back(firstBlocks.back() + blocksOf(op));
    Value number = k.index(0);
    for (size_t i = 1; i < ops.size(); ++i)
      number = k.add(number, k.select(k.less(k.block, firstBlocks[i]), k.index(0), k.index(1)));
    auto targetOf = [&](int64_t i) {
      SmallVector<Value> target = {k.mul(k.sub(k.block, k.index(firstBlocks[i])), kBlock), k.index(elementsOf(ops[i]))};
      for (unsigned operand : {Parameter, Gradient, First, Second})
        target.push_back(f.input(inputOf(ops[i], operand)));
      for (unsigned result = 0; result < 3; ++result)
        target.push_back(f.result(resultOf(body, ops[i], result)));
      return target;
    };
    return ops.size() == 1 ? targetOf(0) : k.chooseCase(number, ops.size(), targetOf);
  }

  static void update(KernelBuilder &k, ArrayRef<Value> target, const Coefficients &c, Type element) {
    Value start = k.add(target[Start], k.mul(k.thread, kWidth)), count = target[Count];
    k.loop(0, kRepeats, 1, [&](Value repeat) {
      Value at = k.add(start, k.mul(repeat, kThreads * kWidth));
      Value end = k.min(k.add(at, kWidth), count);
      k.choose(
          k.equal(end, k.add(at, kWidth)),
          [&] {
            updateAt(k, target.drop_front(Pointers), c, element, at, kWidth);
            return SmallVector<Value>{};
          },
          [&] {
            k.loop(at, end, 1, [&](Value i) { updateAt(k, target.drop_front(Pointers), c, element, i, 1); });
            return SmallVector<Value>{};
          });
    });
  }

  static void updateAt(KernelBuilder &k, ArrayRef<Value> pointers, const Coefficients &c, Type element, Value at,
                       int64_t width) {
    int64_t alignment = width * bytesOf(element);
    auto read = [&](unsigned i) { return k.load(pointers[i], at, element, width, alignment); };
    auto all = [&](Value scalar) { return k.splat(scalar, width); };
    Value p = read(Parameter), m = read(First), v = read(Second);
    Value g = k.mulf(read(Gradient), all(c.scale));
    Value m1 = k.fma(all(c.rest1), g, k.mulf(all(c.beta1), m));
    Value v1 = k.fma(k.mulf(all(c.rest2), g), g, k.mulf(all(c.beta2), v));
    Value root = k.addf(k.mulf(k.sqrt(v1), all(c.inverseRootCorrection2)), all(c.eps));
    Value p1 = k.subf(k.mulf(p, all(c.keep)), k.mulf(all(c.stepSize), k.divf(m1, root)));
    for (auto [i, fresh, old] : {std::tuple(4u, p1, p), std::tuple(5u, m1, m), std::tuple(6u, v1, v)})
      k.store(k.select(c.enabled, fresh, old), pointers[i], at, element, alignment);
  }
};

} // namespace

const Emitter &cuda::adamwEmitter() {
  static const AdamWEmitter emitter;
  return emitter;
}
