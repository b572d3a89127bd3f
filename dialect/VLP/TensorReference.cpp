// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of tensor ops.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

/// Applies `move(from, to)` to the vector of the element kind in use.
template <typename T, typename Move>
static LogicalResult moveElements(const Array<T> &in, Array<T> &out, Move move) {
  move(in.values, out.values);
  move(in.ints, out.ints);
  return success();
}

/// Reads `in` with strides at the result's positions.
template <typename T>
static LogicalResult readStrided(Evaluation<T> &e, ArrayRef<int64_t> strides, int64_t start) {
  return moveElements(e.in(0), e.out(), [&](const auto &from, auto &to) {
    if (!to.empty())
      forEachStrided(e.out().shape, strides, start,
                     [&](int64_t position, int64_t offset) { to[position] = from[offset]; });
  });
}

template <typename T>
static LogicalResult copy(Evaluation<T> &e) {
  return moveElements(e.in(0), e.out(), [](const auto &from, auto &to) { to = from; });
}

template <typename T>
static LogicalResult evaluate(ConstantOp op, Evaluation<T> &e) {
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements)
    return op.emitOpError() << "expects dense elements to execute, got " << op.getValue();
  if (isa<IntegerType>(elements.getElementType())) {
    for (auto [to, value] : llvm::zip_equal(e.out().ints, elements.template getValues<APInt>()))
      to = static_cast<int32_t>(value.getSExtValue());
    return success();
  }
  for (auto [to, value] : llvm::zip_equal(e.out().values, elements.template getValues<APFloat>()))
    to = static_cast<T>(value.convertToDouble());
  return success();
}

template <typename T>
static LogicalResult evaluate(ReshapeOp, Evaluation<T> &e) {
  return copy(e);
}

template <typename T>
static LogicalResult evaluate(StopGradientOp, Evaluation<T> &e) {
  return copy(e);
}

template <typename T>
static LogicalResult evaluate(TransposeOp op, Evaluation<T> &e) {
  SmallVector<int64_t> own = stridesOf(e.in(0).shape), strides;
  for (int64_t d : op.getPermutation())
    strides.push_back(own[d]);
  return readStrided(e, strides, 0);
}

template <typename T>
static LogicalResult evaluate(BroadcastOp, Evaluation<T> &e) {
  return readStrided(e, broadcastStrides(e.in(0).shape, e.out().shape), 0);
}

template <typename T>
static LogicalResult evaluate(SliceOp op, Evaluation<T> &e) {
  SmallVector<int64_t> strides = stridesOf(e.in(0).shape);
  int64_t start = 0;
  for (auto [offset, stride] : llvm::zip_equal(op.getOffsets(), strides))
    start += offset * stride;
  return readStrided(e, strides, start);
}

template <typename T>
static LogicalResult evaluate(PadOp op, Evaluation<T> &e) {
  const Array<T> &in = e.in(0);
  SmallVector<int64_t> strides = stridesOf(e.out().shape);
  int64_t start = 0;
  for (auto [low, stride] : llvm::zip_equal(op.getLow(), strides))
    start += low * stride;
  forEachStrided(in.shape, strides, start, [&](int64_t position, int64_t offset) { e.out()[offset] = in[position]; });
  return success();
}

template <typename T>
static LogicalResult evaluate(ConcatOp op, Evaluation<T> &e) {
  SmallVector<int64_t> strides = stridesOf(e.out().shape);
  int64_t axis = op.getAxis(), start = 0;
  for (const Array<T> *in : e.operands) {
    (void)moveElements(*in, e.out(), [&](const auto &from, auto &to) {
      if (!from.empty())
        forEachStrided(in->shape, strides, start,
                       [&](int64_t position, int64_t offset) { to[offset] = from[position]; });
    });
    start += in->shape[axis] * strides[axis];
  }
  return success();
}

/// Fails unless `index` is a row of the op's matrices.
static LogicalResult checkRow(Operation *op, int64_t batch, int32_t index, int64_t rows) {
  if (index >= 0 && index < rows)
    return success();
  return op->emitOpError() << "expects an index below " << rows << ", got " << index << " at position " << batch;
}

template <typename T>
static LogicalResult evaluate(GatherRowsOp op, Evaluation<T> &e) {
  int64_t batch = e.in(0).shape[0], rows = e.in(0).shape[1], width = e.in(0).shape[2];
  for (int64_t b = 0; b < batch; ++b) {
    int32_t row = e.in(1).ints[b];
    if (failed(checkRow(op, b, row, rows)))
      return failure();
    for (int64_t d = 0; d < width; ++d)
      e.out()[b * width + d] = e.in(0)[(b * rows + row) * width + d];
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(ScatterRowsOp op, Evaluation<T> &e) {
  int64_t batch = e.out().shape[0], rows = e.out().shape[1], width = e.out().shape[2];
  for (int64_t b = 0; b < batch; ++b) {
    int32_t row = e.in(1).ints[b];
    if (failed(checkRow(op, b, row, rows)))
      return failure();
    for (int64_t d = 0; d < width; ++d)
      e.out()[(b * rows + row) * width + d] = e.in(0)[b * width + d];
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(ArgmaxOp, Evaluation<T> &e) {
  auto [rows, columns] = rowsOf(e.in(0));
  auto search = [&, columns = columns](const auto &elements) {
    for (size_t r = 0; r < e.out().ints.size() && !elements.empty(); ++r) {
      auto row = elements.begin() + r * columns;
      e.out().ints[r] = static_cast<int32_t>(std::max_element(row, row + columns) - row);
    }
  };
  search(e.in(0).values);
  search(e.in(0).ints);
  return success();
}

/// `function` of both operands at each position of the result.
template <typename T, typename Function>
static LogicalResult evaluateBroadcasted(Evaluation<T> &e, Function function) {
  const Array<T> &lhs = e.in(0), &rhs = e.in(1);
  SmallVector<int64_t> shape(e.out().shape);
  std::vector<int64_t> rhsOffsets(e.out().size());
  forEachStrided(shape, broadcastStrides(rhs.shape, shape), 0,
                 [&](int64_t position, int64_t offset) { rhsOffsets[position] = offset; });
  forEachStrided(shape, broadcastStrides(lhs.shape, shape), 0, [&](int64_t position, int64_t offset) {
    if (e.out().isInteger())
      e.out().ints[position] = function(lhs.ints[offset], rhs.ints[rhsOffsets[position]]);
    else
      e.out()[position] = function(lhs[offset], rhs[rhsOffsets[position]]);
  });
  return success();
}

template <typename T>
static LogicalResult evaluate(AddOp, Evaluation<T> &e) {
  return evaluateBroadcasted(e, [](auto a, auto b) { return a + b; });
}

template <typename T>
static LogicalResult evaluate(SubOp, Evaluation<T> &e) {
  return evaluateBroadcasted(e, [](auto a, auto b) { return a - b; });
}

template <typename T>
static LogicalResult evaluate(MulOp, Evaluation<T> &e) {
  return evaluateBroadcasted(e, [](auto a, auto b) { return a * b; });
}

template <typename T>
static LogicalResult evaluate(DivOp op, Evaluation<T> &e) {
  if (llvm::is_contained(e.in(1).ints, 0))
    return op.emitOpError() << "expects integer divisors other than 0, got 0";
  return evaluateBroadcasted(e, [](auto a, auto b) { return a / b; });
}

template <typename T, typename Function>
static LogicalResult evaluateUnary(Evaluation<T> &e, Function function) {
  llvm::transform(e.in(0).values, e.out().values.begin(), function);
  return success();
}

template <typename T>
static LogicalResult evaluate(NegOp, Evaluation<T> &e) {
  return evaluateUnary(e, [](T x) { return -x; });
}

template <typename T>
static LogicalResult evaluate(ExpOp, Evaluation<T> &e) {
  return evaluateUnary(e, [](T x) { return std::exp(x); });
}

template <typename T>
static LogicalResult evaluate(LogOp, Evaluation<T> &e) {
  return evaluateUnary(e, [](T x) { return std::log(x); });
}

template <typename T>
static LogicalResult evaluate(TanhOp, Evaluation<T> &e) {
  return evaluateUnary(e, [](T x) { return std::tanh(x); });
}

template <typename T>
static T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}

template <typename T>
static LogicalResult evaluate(SigmoidOp, Evaluation<T> &e) {
  return evaluateUnary(e, [](T x) { return sigmoid(x); });
}

/// Distribution function of the standard normal; erfc keeps its small values exact on the far left.
template <typename T>
static T normalCdf(T x) {
  return std::erfc(-x * T(M_SQRT1_2)) / 2;
}

template <typename T>
static LogicalResult evaluate(GeluOp, Evaluation<T> &e) {
  return evaluateUnary(e, [](T x) { return x * normalCdf(x); });
}

template <typename T>
static LogicalResult evaluate(QuickGeluOp, Evaluation<T> &e) {
  return evaluateUnary(e, [](T x) { return x * sigmoid(T(1.702) * x); });
}

template <typename T>
static LogicalResult evaluate(GeluGradOp, Evaluation<T> &e) {
  for (int64_t i = 0; i < e.out().size(); ++i) {
    T x = e.in(0)[i], density = std::exp(-x * x / 2) * T(M_2_SQRTPI * M_SQRT1_2 / 2);
    e.out()[i] = e.in(1)[i] * (normalCdf(x) + x * density);
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(QuickGeluGradOp, Evaluation<T> &e) {
  for (int64_t i = 0; i < e.out().size(); ++i) {
    T x = e.in(0)[i], s = sigmoid(T(1.702) * x);
    e.out()[i] = e.in(1)[i] * (s * (1 + T(1.702) * x * (1 - s)));
  }
  return success();
}

/// Rounded to a type narrower than f32 in f32 mode; the f64 mode is the exact meaning and never rounds.
static double roundTo(Type type, double value) {
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  return rounded.convertToDouble();
}

template <typename T>
static LogicalResult evaluate(CastOp op, Evaluation<T> &e) {
  Type element = op.getType().getElementType();
  bool narrows = std::is_same_v<T, float> && element.getIntOrFloatBitWidth() < 32;
  bool isInteger = op.getInput().getType().getElementType().isInteger();
  for (int64_t i = 0; i < e.out().size(); ++i) {
    T value = isInteger ? static_cast<T>(e.in(0).ints[i]) : e.in(0)[i];
    e.out()[i] = narrows ? static_cast<T>(roundTo(element, value)) : value;
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(SelectOp, Evaluation<T> &e) {
  SmallVector<int64_t> strides = broadcastStrides(e.in(0).shape, e.out().shape);
  auto choose = [&](const auto &lhs, const auto &rhs, auto &to) {
    if (!to.empty())
      forEachStrided(e.out().shape, strides, 0, [&](int64_t position, int64_t offset) {
        to[position] = e.in(0).ints[offset] != 0 ? lhs[position] : rhs[position];
      });
  };
  choose(e.in(1).values, e.in(2).values, e.out().values);
  choose(e.in(1).ints, e.in(2).ints, e.out().ints);
  return success();
}

/// `compare` of elements of one kind, whichever the operands hold.
template <typename T, typename Compare>
static LogicalResult evaluateComparison(Evaluation<T> &e, Compare compare) {
  SmallVector<int64_t> lhs = broadcastStrides(e.in(0).shape, e.out().shape),
                       rhs = broadcastStrides(e.in(1).shape, e.out().shape);
  std::vector<int64_t> offsets(e.out().ints.size());
  forEachStrided(e.out().shape, lhs, 0, [&](int64_t position, int64_t offset) { offsets[position] = offset; });
  bool isFloat = !e.in(0).values.empty();
  forEachStrided(e.out().shape, rhs, 0, [&](int64_t position, int64_t offset) {
    int64_t other = offsets[position];
    e.out().ints[position] = isFloat ? compare(e.in(0).values[other], e.in(1).values[offset])
                                     : compare(e.in(0).ints[other], e.in(1).ints[offset]);
  });
  return success();
}

template <typename T>
static LogicalResult evaluate(EqualOp, Evaluation<T> &e) {
  return evaluateComparison(e, [](auto x, auto y) { return x == y; });
}

template <typename T>
static LogicalResult evaluate(LessOp, Evaluation<T> &e) {
  return evaluateComparison(e, [](auto x, auto y) { return x < y; });
}

template <typename T>
static LogicalResult evaluate(ReduceSumOp op, Evaluation<T> &e) {
  // Read at an input position, a result stride of 0 along the reduced dimensions names the element to add to.
  SmallVector<int64_t> strides(e.in(0).shape.size(), 0), own = stridesOf(e.out().shape);
  for (size_t d = 0, kept = 0; d < strides.size(); ++d)
    if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(d)))
      strides[d] = own[kept++];
  std::vector<double> sums(e.out().size(), 0);
  forEachStrided(e.in(0).shape, strides, 0,
                 [&](int64_t position, int64_t offset) { sums[offset] += e.in(0)[position]; });
  llvm::transform(sums, e.out().values.begin(), [](double sum) { return static_cast<T>(sum); });
  return success();
}

template <typename T>
static LogicalResult evaluate(AccumulateOp, Evaluation<T> &e) {
  e.out().values = e.in(0).values;
  for (const Array<T> *in : ArrayRef(e.operands).drop_front())
    for (int64_t i = 0; i < in->size(); ++i)
      e.out()[i] += (*in)[i];
  return success();
}

VLP_REFERENCE(ConstantOp)
VLP_REFERENCE(ReshapeOp)
VLP_REFERENCE(StopGradientOp)
VLP_REFERENCE(TransposeOp)
VLP_REFERENCE(BroadcastOp)
VLP_REFERENCE(SliceOp)
VLP_REFERENCE(PadOp)
VLP_REFERENCE(ConcatOp)
VLP_REFERENCE(GatherRowsOp)
VLP_REFERENCE(ScatterRowsOp)
VLP_REFERENCE(ArgmaxOp)
VLP_REFERENCE(AddOp)
VLP_REFERENCE(SubOp)
VLP_REFERENCE(MulOp)
VLP_REFERENCE(DivOp)
VLP_REFERENCE(NegOp)
VLP_REFERENCE(ExpOp)
VLP_REFERENCE(LogOp)
VLP_REFERENCE(TanhOp)
VLP_REFERENCE(SigmoidOp)
VLP_REFERENCE(GeluOp)
VLP_REFERENCE(QuickGeluOp)
VLP_REFERENCE(GeluGradOp)
VLP_REFERENCE(QuickGeluGradOp)
VLP_REFERENCE(CastOp)
VLP_REFERENCE(EqualOp)
VLP_REFERENCE(LessOp)
VLP_REFERENCE(SelectOp)
VLP_REFERENCE(ReduceSumOp)
VLP_REFERENCE(AccumulateOp)
