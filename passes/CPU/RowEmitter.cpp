// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of whole rows: softmax, L2 normalisation, cross entropies, their gradients, argmax. Each row stays in L1
// over the passes.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/Kernels/Elementwise.h"
#include "passes/Kernels/VectorMath.h"
#include "llvm/ADT/TypeSwitch.h"
#include <limits>

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

/// The code of one row: reads operands, reduces over columns, stores results.
class RowCode {
public:
  RowCode(LaunchFunction &f, const KernelBody &body, ArrayRef<int64_t> shape, Value row)
      : f(f), k(f.k), body(body), shape(shape), row(row) {}

  void emit() {
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
  using Term = llvm::function_ref<Value(Value, int64_t)>;

  int64_t columns() const { return columnsOf(shape); }
  Value read(Value operand, Value column, int64_t lanes) {
    Point point{shape, row, column, lanes, {}};
    f.expression.start();
    return f.expression.evaluate(operand, point);
  }
  /// The element of a rank-1 (per row) operand that belongs to this row.
  Value readScalar(Value operand, Type type) {
    FailureOr<Access> access = getAccess(operand);
    if (auto constant = access->source.getDefiningOp<ConstantOp>()) // a splat: kernels get other constants as operands
      return splat(cast<DenseElementsAttr>(constant.getValue()));
    Value pointer = f.input(cast<BlockArgument>(access->source).getArgNumber());
    Point point{access->shape, k.index(0), row, 1, {}};
    if (access->rank() != 1)
      return k.load(pointer, k.add(row, access->offset), type);
    return k.load(pointer, offsetAt(k, *access, point), type);
  }
  Value splat(DenseElementsAttr value) {
    if (isa<FloatType>(value.getElementType()))
      return k.constant(value.getSplatValue<APFloat>().convertToDouble());
    return i32(value.getSplatValue<APInt>().getSExtValue());
  }
  Value sum(Term term) {
    return k.sumLanes(k.columns(columns(), k.splat(0), [&](Value column, int64_t lanes, Value sum) {
      return k.addf(sum, k.keep(term(column, lanes), lanes, k.splat(0)));
    }));
  }
  Value max(Value operand) {
    Value lowest = k.splat(-std::numeric_limits<double>::infinity());
    return k.maxLanes(k.columns(columns(), lowest, [&](Value column, int64_t lanes, Value best) {
      return k.maxf(best, k.keep(read(operand, column, lanes), lanes, lowest));
    }));
  }
  /// Log-sum-exp of the row.
  Value logSumExp(Value operand) {
    Value top = max(operand), topVector = k.broadcast(top);
    Value total =
        sum([&](Value column, int64_t lanes) { return math::exp(k, k.subf(read(operand, column, lanes), topVector)); });
    return k.addf(top, math::log(k, total));
  }
  void storeRow(Value result, unsigned index, Term term) {
    k.columns(columns(), [&](Value column, int64_t lanes) {
      Value value = term(column, lanes);
      f.storeYields({shape, row, column, lanes, {}}, {{result, value}}, body.yieldsOf(index));
    });
  }
  /// A result with one element a row, and its epilogue.
  void storeScalar(Value result, unsigned index, Value scalar) {
    auto resultShape = body.shape(result);
    Point point{resultShape, k.index(0), row, 1, {}};
    if (resultShape.empty()) {
      point.column = k.index(0);
    } else if (resultShape.size() > 1) {
      point.row = k.div(row, resultShape.back());
      point.column = k.rem(row, resultShape.back());
    }
    f.storeYields(point, {{result, k.broadcast(scalar)}}, body.yieldsOf(index));
  }
  /// 1 in the lane of class `label`, else 0.
  Value oneHot(Value label, Value column) {
    Value position = arith::AddIOp::create(k.b, k.broadcast(k.toI32(column)), k.iota());
    Value same = arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, position, k.broadcast(label));
    return k.select(same, k.splat(1), k.splat(0));
  }
  Value i32(int64_t value) { return arith::ConstantOp::create(k.b, k.b.getI32IntegerAttr(value)); }

  void softmax(SoftmaxOp op) {
    Value top = k.broadcast(max(op.getInput()));
    auto power = [&](Value column, int64_t lanes) {
      return math::exp(k, k.subf(read(op.getInput(), column, lanes), top));
    };
    Value inverse = k.broadcast(k.divf(k.constant(1), sum(power)));
    storeRow(op.getResult(), 0, [&](Value column, int64_t lanes) { return k.mulf(power(column, lanes), inverse); });
  }

  void softmaxGrad(SoftmaxGradOp op) {
    auto product = [&](Value column, int64_t lanes) {
      return k.mulf(read(op.getGradient(), column, lanes), read(op.getProbabilities(), column, lanes));
    };
    Value dot = k.broadcast(sum(product));
    storeRow(op.getResult(), 0, [&](Value column, int64_t lanes) {
      return k.mulf(read(op.getProbabilities(), column, lanes), k.subf(read(op.getGradient(), column, lanes), dot));
    });
  }

  void l2Normalize(L2NormalizeOp op) {
    Value norm = k.sqrt(sum([&](Value column, int64_t lanes) {
      Value x = read(op.getInput(), column, lanes);
      return k.mulf(x, x);
    }));
    Value bounded = k.maxf(norm, k.constant(op.getEps().convertToDouble()));
    Value divisor = k.broadcast(bounded);
    storeRow(op.getResult(), 0,
             [&](Value column, int64_t lanes) { return k.divf(read(op.getInput(), column, lanes), divisor); });
    storeScalar(op.getNorm(), 1, norm);
  }

  void l2NormalizeGrad(L2NormalizeGradOp op) {
    Value norm = readScalar(op.getNorm(), k.f32Type()), eps = k.constant(op.getEps().convertToDouble());
    Value isPlain = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OGT, norm, eps);
    Value dot = sum([&](Value column, int64_t lanes) {
      return k.mulf(read(op.getGradient(), column, lanes), read(op.getNormalized(), column, lanes));
    });
    Value along = k.broadcast(k.select(isPlain, dot, k.constant(0)));
    Value divisor = k.broadcast(k.maxf(norm, eps));
    storeRow(op.getResult(), 0, [&](Value column, int64_t lanes) {
      Value projected = k.mulf(read(op.getNormalized(), column, lanes), along);
      return k.divf(k.subf(read(op.getGradient(), column, lanes), projected), divisor);
    });
  }

  void crossEntropy(CrossEntropyOp op) {
    Value label = readScalar(op.getLabels(), k.i32Type());
    Value lse = logSumExp(op.getLogits());
    double smoothing = op.getSmoothing().convertToDouble();
    Value target = sum([&](Value column, int64_t lanes) {
      Value weight = k.fma(oneHot(label, column), k.splat(1 - smoothing), k.splat(smoothing / columns()));
      return k.mulf(weight, read(op.getLogits(), column, lanes));
    });
    Value isIgnored = arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, label, i32(op.getIgnoreIndex()));
    storeScalar(op.getLoss(), 0, k.select(isIgnored, k.constant(0), k.subf(lse, target)));
    storeScalar(op.getLse(), 1, lse);
  }

  void crossEntropyGrad(CrossEntropyGradOp op) {
    Value label = readScalar(op.getLabels(), k.i32Type());
    Value lse = k.broadcast(readScalar(op.getLse(), k.f32Type()));
    double smoothing = op.getSmoothing().convertToDouble();
    Value isIgnored = arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, label, i32(op.getIgnoreIndex()));
    Value scale = k.broadcast(readScalar(op.getGradient(), k.f32Type()));
    storeRow(op.getResult(), 0, [&](Value column, int64_t lanes) {
      Value weight = k.fma(oneHot(label, column), k.splat(1 - smoothing), k.splat(smoothing / columns()));
      Value p = math::exp(k, k.subf(read(op.getLogits(), column, lanes), lse));
      return k.select(isIgnored, k.splat(0), k.mulf(scale, k.subf(p, weight)));
    });
  }

  void softCrossEntropy(SoftCrossEntropyOp op) {
    Value lse = logSumExp(op.getLogits()), lseVector = k.broadcast(lse);
    storeScalar(op.getLoss(), 0, sum([&](Value column, int64_t lanes) {
                  return k.mulf(read(op.getTargets(), column, lanes),
                                k.subf(lseVector, read(op.getLogits(), column, lanes)));
                }));
    storeScalar(op.getLse(), 1, lse);
  }

  void softCrossEntropyGrad(SoftCrossEntropyGradOp op) {
    Value lse = k.broadcast(readScalar(op.getLse(), k.f32Type()));
    Value scale = k.broadcast(readScalar(op.getGradient(), k.f32Type()));
    Value mass = k.broadcast(sum([&](Value column, int64_t lanes) { return read(op.getTargets(), column, lanes); }));
    storeRow(op.getResult(), 0, [&](Value column, int64_t lanes) {
      Value p = math::exp(k, k.subf(read(op.getLogits(), column, lanes), lse));
      return k.mulf(scale, k.subf(k.mulf(p, mass), read(op.getTargets(), column, lanes)));
    });
  }

  // Scalar: rows are short (token ids).
  void argmax(ArgmaxOp op) {
    FailureOr<Access> access = getAccess(op.getInput());
    Value pointer = f.input(cast<BlockArgument>(access->source).getArgNumber());
    Type element = op.getInput().getType().getElementType();
    auto at = [&](Value column) {
      Point point{access->shape, row, column, 1, {}};
      return k.load(pointer, offsetAt(k, *access, point), element);
    };
    auto best =
        k.loop(k.index(1), k.index(columns()), 1, {at(k.index(0)), k.index(0)}, [&](Value column, ValueRange in) {
          Value x = at(column), isBetter;
          if (isa<FloatType>(element))
            isBetter = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OGT, x, in[0]);
          else
            isBetter = arith::CmpIOp::create(k.b, arith::CmpIPredicate::sgt, x, in[0]);
          return SmallVector<Value>{k.select(isBetter, x, in[0]), k.select(isBetter, column, in[1])};
        });
    for (unsigned i : body.yieldsOf(0))
      k.store(k.toI32(best[1]), f.result(i), row);
  }

  LaunchFunction &f;
  KernelBuilder &k;
  const KernelBody &body;
  ArrayRef<int64_t> shape;
  Value row;
};

class RowEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    bool known = isa_and_nonnull<SoftmaxOp, SoftmaxGradOp, L2NormalizeOp, L2NormalizeGradOp, CrossEntropyOp,
                                 CrossEntropyGradOp, SoftCrossEntropyOp, SoftCrossEntropyGradOp, ArgmaxOp>(body.anchor);
    known = known && llvm::all_of(body.anchor->getOperands(), [&](Value operand) {
              return body.shape(operand).size() >= rowShape(body).size() ? canEvaluate(operand, nullptr)
                                                                         : succeeded(getAccess(operand));
            });
    if (!known)
      why = "expected a row function of strided accesses";
    return known;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    KernelPlan plan;
    auto shape = rowShape(body);
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = ceilDiv(rowsOf(shape), rowsPerTask(columnsOf(shape)));
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    auto shape = rowShape(body);
    f.forRows(rowsOf(shape), rowsPerTask(columnsOf(shape)), [&](Value row) { RowCode(f, body, shape, row).emit(); });
    f.k.finish();
    return success();
  }

private:
  static ArrayRef<int64_t> rowShape(const KernelBody &body) { return body.shape(body.anchor->getOperand(0)); }
};

} // namespace

const Emitter &cpu::rowEmitter() {
  static const RowEmitter emitter;
  return emitter;
}
