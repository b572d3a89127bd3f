// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of whole rows: softmax, L2 normalisation, cross entropies, their gradients, argmax. A row is read once
// where it fits the registers; a longer one (a vocabulary) once a sweep, with maximum and sum of exponentials in the
// same sweep (arXiv 1805.02867).
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/RowTile.h"
#include "passes/Kernels/Elementwise.h"
#include "passes/Kernels/VectorMath.h"
#include "llvm/ADT/TypeSwitch.h"
#include <limits>

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

/// The code of one row.
class RowCode {
  using Slot = RowThread::Slot;
  using Elements = RowThread::Elements;

public:
  RowCode(LaunchFunction &f, const KernelBody &body, const RowTile &tile, ArrayRef<int64_t> shape)
      : k(f.k), body(body), tile(tile), row(f, tile, shape) {}

  void emit() {
    row.start();
    llvm::TypeSwitch<Operation *>(body.anchor)
        .Case([&](SoftmaxOp op) { softmax(op); })
        .Case([&](SoftmaxGradOp op) { softmaxGrad(op); })
        .Case([&](L2NormalizeOp op) { l2Normalize(op); })
        .Case([&](L2NormalizeGradOp op) { l2NormalizeGrad(op); })
        .Case([&](CrossEntropyOp op) { crossEntropy(op); })
        .Case([&](CrossEntropyGradOp op) { crossEntropyGrad(op); })
        .Case([&](SoftCrossEntropyOp op) { softCrossEntropy(op); })
        .Case([&](SoftCrossEntropyGradOp op) { softCrossEntropyGrad(op); })
        .Case([&](ArgmaxOp op) { argmax(op); });
  }

private:
  /// e^(x - top) of a row, and their sum. `top` is the largest element, or the lowest finite number where all are
  /// -infinity: then the exponentials are 0, not NaN.
  struct Exponentials {
    Value top, total;
    Elements powers;
    SmallVector<Value> extras; // further sums of the same sweep
  };
  using Terms = llvm::function_ref<SmallVector<Value>(Slot)>;

  Exponentials exponentials(const Elements &x, unsigned extras = 0, Terms terms = {}) {
    return tile.resident ? exponentialsInRegisters(x, extras, terms) : exponentialsOnline(x, extras, terms);
  }

  Value lowest() { return k.constant(std::numeric_limits<float>::lowest()); }
  /// The larger of `best` and all elements of the vectors.
  Value largest(const Elements &x, ArrayRef<Slot> slots, Value best) {
    Value vector = x.at(slots[0]);
    for (Slot slot : slots.drop_front())
      vector = k.maxf(vector, x.at(slot));
    for (Value element : row.elements(vector))
      best = k.maxf(best, element);
    return best;
  }
  Value maxOfRow(Value own) {
    return row.combine({own},
                       [&](ArrayRef<Value> a, ArrayRef<Value> c) { return SmallVector<Value>{k.maxf(a[0], c[0])}; })[0];
  }

  // Lanes may disagree on the maximum of a row with a NaN; the sum is NaN for all of them then.
  Exponentials exponentialsInRegisters(const Elements &x, unsigned extras, Terms terms) {
    Exponentials e;
    Value own = row.fold({lowest()}, [&](ArrayRef<Slot> slots, ArrayRef<Value> in) {
      return SmallVector<Value>{largest(x, slots, in[0])};
    })[0];
    e.top = maxOfRow(own);
    Value top = row.splat(e.top);
    e.powers = row.map([&x, top, this](Slot slot) { return math::exp(k, k.subf(x.at(slot), top)); });
    e.extras = row.sums(1 + extras, [&](Slot slot) {
      SmallVector<Value> all = extras ? terms(slot) : SmallVector<Value>();
      all.push_back(e.powers.at(slot));
      return all;
    });
    e.total = e.extras.pop_back_val();
    return e;
  }

  // Each thread keeps the largest element so far and the sum of exponentials relative to it, which a larger one scales
  // down.
  Exponentials exponentialsOnline(const Elements &x, unsigned extras, Terms terms) {
    SmallVector<Value> state(1 + extras, row.splat(0.0));
    state.push_back(lowest());
    state = row.fold(state, [&](ArrayRef<Slot> slots, ArrayRef<Value> in) {
      SmallVector<Value> next(in);
      Value before = next.pop_back_val(), now = largest(x, slots, before), nowVector = row.splat(now);
      next[0] = k.mulf(next[0], row.splat(math::exp(k, k.subf(before, now))));
      for (Slot slot : slots) {
        next[0] = k.addf(next[0], math::exp(k, k.subf(x.at(slot), nowVector)));
        if (extras)
          for (auto [sum, term] : llvm::zip_equal(MutableArrayRef(next).drop_front(), terms(slot)))
            sum = k.addf(sum, term);
      }
      next.push_back(now);
      return next;
    });
    Exponentials e;
    Value own = state.pop_back_val();
    e.top = maxOfRow(own);
    state[0] = k.mulf(state[0], row.splat(math::exp(k, k.subf(own, e.top))));
    e.extras = row.sumVectors(state);
    e.total = e.extras.front();
    e.extras.erase(e.extras.begin());
    Value top = row.splat(e.top);
    e.powers = row.map([&x, top, this](Slot slot) { return math::exp(k, k.subf(x.at(slot), top)); });
    return e;
  }

  Value logSumExp(const Exponentials &e) { return k.addf(e.top, math::log(k, e.total)); }

  Value equal(Value x, Value y) { return arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, x, y); }
  Value isIgnored(Value label, int64_t ignored) {
    // A label is an i32: another number ignores nothing.
    if (ignored != static_cast<int32_t>(ignored))
      return arith::ConstantOp::create(k.b, k.b.getBoolAttr(false));
    return equal(label, k.index(ignored));
  }
  /// `hit` in the element of class `label`, `miss` in all others.
  Value oneHot(Value label, Value column, double hit, double miss) {
    Value position = row.splat(k.sub(label, column));
    if (tile.width == 1)
      return k.select(equal(position, k.index(0)), k.constant(hit), k.constant(miss));
    SmallVector<int32_t> counts = llvm::to_vector(llvm::seq<int32_t>(0, tile.width));
    Value iota =
        arith::ConstantOp::create(k.b, DenseElementsAttr::get(cast<VectorType>(position.getType()), ArrayRef(counts)));
    return k.select(equal(position, iota), row.splat(hit), row.splat(miss));
  }

  void softmax(SoftmaxOp op) {
    Elements x = row.read(op.getInput());
    Exponentials e = exponentials(x);
    Value inverse = row.splat(k.divf(k.constant(1), e.total));
    row.store(op.getResult(), body.yieldsOf(0), [&](Slot slot) { return k.mulf(e.powers.at(slot), inverse); });
  }

  void softmaxGrad(SoftmaxGradOp op) {
    Elements y = row.read(op.getProbabilities()), dy = row.read(op.getGradient());
    Value dot = row.splat(row.sum([&](Slot slot) { return k.mulf(dy.at(slot), y.at(slot)); }));
    row.store(op.getResult(), body.yieldsOf(0),
              [&](Slot slot) { return k.mulf(y.at(slot), k.subf(dy.at(slot), dot)); });
  }

  void l2Normalize(L2NormalizeOp op) {
    Elements x = row.read(op.getInput());
    Value norm = k.sqrt(row.sum([&](Slot slot) { return k.mulf(x.at(slot), x.at(slot)); }));
    Value divisor = row.splat(k.maxf(norm, k.constant(op.getEps().convertToDouble())));
    row.store(op.getResult(), body.yieldsOf(0), [&](Slot slot) { return k.divf(x.at(slot), divisor); });
    row.once([&] { row.storeScalar(op.getNorm(), body.yieldsOf(1), norm); });
  }

  void l2NormalizeGrad(L2NormalizeGradOp op) {
    double eps = op.getEps().convertToDouble();
    Elements y = row.read(op.getNormalized()), dy = row.read(op.getGradient());
    Value norm = row.evaluateScalar(op.getNorm()), divisor = norm;
    Value dot = row.sum([&](Slot slot) { return k.mulf(dy.at(slot), y.at(slot)); });
    if (eps > 0) { // the norm counts as constant where eps takes its place
      Value isSmall = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OLE, norm, k.constant(eps));
      dot = k.select(isSmall, k.constant(0), dot);
      divisor = k.select(isSmall, k.constant(eps), norm);
    }
    Value along = row.splat(dot), divisorVector = row.splat(divisor);
    row.store(op.getResult(), body.yieldsOf(0),
              [&](Slot slot) { return k.divf(k.subf(dy.at(slot), k.mulf(y.at(slot), along)), divisorVector); });
  }

  void crossEntropy(CrossEntropyOp op) {
    double smoothing = op.getSmoothing().convertToDouble();
    Elements x = row.read(op.getLogits());
    Exponentials e = exponentials(x, smoothing > 0, [&](Slot slot) { return SmallVector<Value>{x.at(slot)}; });
    Value lse = logSumExp(e);
    row.once([&] {
      Value label = row.evaluateScalar(op.getLabels());
      // Terms of weight 0 are left out: a masked logit of -infinity is no contribution.
      Value expected = k.constant(0);
      if (smoothing < 1) {
        Value isClass = arith::CmpIOp::create(k.b, arith::CmpIPredicate::ult, label, k.index(tile.columns));
        Value logit = k.choose(
            isClass, [&] { return SmallVector<Value>{row.evaluate(op.getLogits(), label, 1)}; },
            [&] { return SmallVector<Value>{k.constant(0)}; })[0];
        expected = k.mulf(k.constant(1 - smoothing), logit);
      }
      if (smoothing > 0)
        expected = k.fma(k.constant(smoothing / tile.columns), e.extras[0], expected);
      Value loss = k.select(isIgnored(label, op.getIgnoreIndex()), k.constant(0), k.subf(lse, expected));
      row.storeScalar(op.getLoss(), body.yieldsOf(0), loss);
      row.storeScalar(op.getLse(), body.yieldsOf(1), lse);
    });
  }

  void crossEntropyGrad(CrossEntropyGradOp op) {
    double smoothing = op.getSmoothing().convertToDouble(), miss = smoothing / tile.columns;
    Value label = row.evaluateScalar(op.getLabels());
    Value lse = row.splat(row.evaluateScalar(op.getLse())), scale = row.splat(row.evaluateScalar(op.getGradient()));
    Value ignored = isIgnored(label, op.getIgnoreIndex());
    row.store(op.getResult(), body.yieldsOf(0), [&](Slot slot) {
      Value target = oneHot(label, slot.column, 1 - smoothing + miss, miss);
      Value p = math::exp(k, k.subf(row.evaluate(op.getLogits(), slot), lse));
      return k.select(ignored, row.splat(0.0), k.mulf(scale, k.subf(p, target)));
    });
  }

  void softCrossEntropy(SoftCrossEntropyOp op) {
    Elements x = row.read(op.getLogits()), targets = row.read(op.getTargets());
    Exponentials e = exponentials(x, 2, [&](Slot slot) {
      return SmallVector<Value>{targets.at(slot), k.mulf(targets.at(slot), x.at(slot))};
    });
    Value lse = logSumExp(e), loss = k.subf(k.mulf(e.extras[0], lse), e.extras[1]);
    row.once([&] {
      row.storeScalar(op.getLoss(), body.yieldsOf(0), loss);
      row.storeScalar(op.getLse(), body.yieldsOf(1), lse);
    });
  }

  void softCrossEntropyGrad(SoftCrossEntropyGradOp op) {
    Elements x = row.read(op.getLogits()), targets = row.read(op.getTargets());
    Value lse = row.splat(row.evaluateScalar(op.getLse())), scale = row.splat(row.evaluateScalar(op.getGradient()));
    Value mass = row.splat(row.sum([&](Slot slot) { return targets.at(slot); }));
    row.store(op.getResult(), body.yieldsOf(0), [&](Slot slot) {
      Value p = math::exp(k, k.subf(x.at(slot), lse));
      return k.mulf(scale, k.subf(k.mulf(p, mass), targets.at(slot)));
    });
  }

  // The first one of several that are equal. A NaN is never larger, and nothing is larger than a NaN in the first
  // column.
  void argmax(ArgmaxOp op) {
    bool isFloat = isa<FloatType>(op.getInput().getType().getElementType());
    auto isGreater = [&](Value x, Value y) -> Value {
      if (isFloat)
        return arith::CmpFOp::create(k.b, arith::CmpFPredicate::OGT, x, y);
      return arith::CmpIOp::create(k.b, arith::CmpIPredicate::sgt, x, y);
    };
    auto isSame = [&](Value x, Value y) -> Value {
      if (isFloat)
        return arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, x, y);
      return equal(x, y);
    };
    auto better = [&](ArrayRef<Value> a, ArrayRef<Value> c) { // largest element, its column
      Value takesOther = k.either(isGreater(c[0], a[0]), k.both(isSame(c[0], a[0]), k.less(c[1], a[1])));
      return SmallVector<Value>{k.select(takesOther, c[0], a[0]), k.select(takesOther, c[1], a[1])};
    };
    Elements x = row.read(op.getInput());
    Value least = isFloat ? k.constant(-std::numeric_limits<double>::infinity()) : k.index(INT32_MIN);
    SmallVector<Value> best = row.fold({least, k.index(INT32_MAX)}, [&](ArrayRef<Slot> slots, ArrayRef<Value> in) {
      SmallVector<Value> state(in);
      for (Slot slot : slots)
        for (auto [i, element] : llvm::enumerate(row.elements(x.at(slot))))
          state = better(state, {element, k.add(slot.column, static_cast<int64_t>(i))});
      return state;
    });
    best = row.combine(best, better);
    row.once([&] {
      Value column = best[1];
      if (isFloat) {
        Value first = row.evaluate(op.getInput(), k.index(0), 1);
        Value isNaN = arith::CmpFOp::create(k.b, arith::CmpFPredicate::UNO, first, first);
        column = k.select(isNaN, k.index(0), column);
      }
      row.storeScalar(op.getResult(), body.yieldsOf(0), column);
    });
  }

  KernelBuilder &k;
  const KernelBody &body;
  const RowTile &tile;
  RowThread row;
};

class RowEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    bool known = isa_and_nonnull<SoftmaxOp, SoftmaxGradOp, L2NormalizeOp, L2NormalizeGradOp, CrossEntropyOp,
                                 CrossEntropyGradOp, SoftCrossEntropyOp, SoftCrossEntropyGradOp, ArgmaxOp>(body.anchor);
    known = known &&
            llvm::all_of(body.anchor->getOperands(), [](Value operand) { return canEvaluate(operand, nullptr); }) &&
            llvm::all_of(body.yields, [&](Value value) { return canEvaluate(value, body.anchor); });
    if (!known)
      why = "expected a row function of strided accesses";
    return known;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    RowTile tile = tileOf(body);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = tile.blocks();
    plan.launches[0].threads = tile.threads;
    plan.launches[0].shared = tile.scratchBytes();
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    RowTile tile = tileOf(body);
    RowCode(f, body, tile, rowShape(body)).emit();
    f.k.finish();
    return success();
  }

private:
  static ArrayRef<int64_t> rowShape(const KernelBody &body) { return body.shape(body.anchor->getOperand(0)); }

  static RowTile tileOf(const KernelBody &body) {
    auto shape = rowShape(body);
    SmallVector<Value> values, read; // of one element a column
    for (Value operand : body.anchor->getOperands())
      if (body.shape(operand) == shape)
        read.push_back(operand);
    values = read;
    for (Value yielded : body.yields)
      if (body.shape(yielded) == shape)
        values.push_back(yielded);
    RowBudget budget = read.size() == 1 ? RowBudget{56, 48, 512} : RowBudget{32, 24, 512};
    bool strided = llvm::any_of(read, [&](Value operand) { return isStrided(operand, shape); });
    return chooseRowTile(rowsOf(shape), columnsOf(shape), rowWidth(values, shape), budget, strided);
  }
};

} // namespace

const Emitter &cuda::rowEmitter() {
  static const RowEmitter emitter;
  return emitter;
}
