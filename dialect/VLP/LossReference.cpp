// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of losses.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

/// Fails unless every label is a class or the one to ignore.
static LogicalResult checkLabels(Operation *op, ArrayRef<int32_t> labels, int64_t classes, int64_t ignored) {
  for (auto [row, label] : llvm::enumerate(labels))
    if (label != ignored && (label < 0 || label >= classes))
      return op->emitOpError() << "expects labels below the " << classes << " classes or " << ignored
                               << " to ignore, got " << label << " in row " << row;
  return success();
}

template <typename T>
static LogicalResult evaluate(CrossEntropyOp op, Evaluation<T> &e) {
  int64_t rows = e.in(0).shape[0], classes = e.in(0).shape[1], ignored = op.getIgnoreIndex();
  double smoothing = op.getSmoothing().convertToDouble();
  if (failed(checkLabels(op, e.in(1).ints, classes, ignored)))
    return failure();
  for (int64_t n = 0; n < rows; ++n) {
    const T *x = e.in(0).values.data() + n * classes;
    double lse = logSumExp(x, classes);
    e.out(1)[n] = static_cast<T>(lse);
    int32_t label = e.in(1).ints[n];
    if (label == ignored)
      continue;
    // Terms of weight 0 are left out: a masked logit of -inf is no contribution.
    double expected = smoothing < 1 ? (1 - smoothing) * x[label] : 0;
    for (int64_t c = 0; c < classes && smoothing > 0; ++c)
      expected += smoothing / classes * x[c];
    e.out()[n] = static_cast<T>(lse - expected);
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(CrossEntropyGradOp op, Evaluation<T> &e) {
  int64_t rows = e.in(0).shape[0], classes = e.in(0).shape[1], ignored = op.getIgnoreIndex();
  double smoothing = op.getSmoothing().convertToDouble();
  if (failed(checkLabels(op, e.in(1).ints, classes, ignored)))
    return failure();
  for (int64_t n = 0; n < rows; ++n) {
    int32_t label = e.in(1).ints[n];
    for (int64_t c = 0; c < classes && label != ignored; ++c) {
      double target = (c == label ? 1 - smoothing : 0) + smoothing / classes;
      double probability = std::exp(static_cast<double>(e.in(0)[n * classes + c]) - e.in(2)[n]);
      e.out()[n * classes + c] = static_cast<T>(e.in(3)[n] * (probability - target));
    }
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(SoftCrossEntropyOp, Evaluation<T> &e) {
  int64_t rows = e.in(0).shape[0], classes = e.in(0).shape[1];
  for (int64_t n = 0; n < rows; ++n) {
    const T *x = e.in(0).values.data() + n * classes, *targets = e.in(1).values.data() + n * classes;
    double lse = logSumExp(x, classes), loss = 0;
    for (int64_t c = 0; c < classes; ++c)
      loss += targets[c] * (lse - x[c]);
    e.out()[n] = static_cast<T>(loss);
    e.out(1)[n] = static_cast<T>(lse);
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(SoftCrossEntropyGradOp, Evaluation<T> &e) {
  int64_t rows = e.in(0).shape[0], classes = e.in(0).shape[1];
  for (int64_t n = 0; n < rows; ++n) {
    const T *x = e.in(0).values.data() + n * classes, *targets = e.in(1).values.data() + n * classes;
    double mass = 0;
    for (int64_t c = 0; c < classes; ++c)
      mass += targets[c];
    for (int64_t c = 0; c < classes; ++c)
      e.out()[n * classes + c] =
          static_cast<T>(e.in(3)[n] * (std::exp(static_cast<double>(x[c]) - e.in(2)[n]) * mass - targets[c]));
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(MatchTargetsOp, Evaluation<T> &e) {
  const std::vector<int32_t> &lhs = e.in(0).ints, &rhs = e.in(1).ints;
  for (size_t n = 0; n < lhs.size(); ++n) {
    auto matches = llvm::count(rhs, lhs[n]);
    for (size_t m = 0; m < rhs.size(); ++m)
      e.out()[n * rhs.size() + m] = lhs[n] == rhs[m] ? T(1) / T(matches) : T(0);
  }
  return success();
}

VLP_REFERENCE(CrossEntropyOp)
VLP_REFERENCE(CrossEntropyGradOp)
VLP_REFERENCE(SoftCrossEntropyOp)
VLP_REFERENCE(SoftCrossEntropyGradOp)
VLP_REFERENCE(MatchTargetsOp)
