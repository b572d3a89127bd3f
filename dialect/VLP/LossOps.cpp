// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes and constraints of losses.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

static RankedTensorType rowStatistics(Value logits) {
  return statisticsType(tensorType(logits), shapeOf(logits).take_front());
}

/// The constraints that cross_entropy and its gradient share.
template <typename OpT>
static LogicalResult checkCrossEntropy(std::optional<Location> location, Value logits, Value labels, double smoothing) {
  auto ls = shapeOf(logits);
  if (ls.size() != 2 || shapeOf(labels) != ls.take_front())
    return constraintError<OpT>(location, "expects logits [N, C] and labels [N], got ", shapeText(ls), " and ",
                                shapeText(shapeOf(labels)));
  if (!(smoothing >= 0 && smoothing <= 1))
    return constraintError<OpT>(location, "expects smoothing in [0, 1], got ", smoothing);
  return success();
}

template <typename OpT>
static LogicalResult checkSoftTargets(std::optional<Location> location, Value logits, Value targets) {
  if (shapeOf(logits).size() == 2 && logits.getType() == targets.getType())
    return success();
  return constraintError<OpT>(location, "expects logits and targets [N, C] of one type, got ", logits.getType(),
                              " and ", targets.getType());
}

/// A gradient op gets the lse of the forward and one cotangent a row.
template <typename OpT>
static LogicalResult checkRowOperands(std::optional<Location> location, Value logits, Value lse, Value gradient) {
  RankedTensorType expected = rowStatistics(logits);
  if (lse.getType() == expected && gradient.getType() == expected)
    return success();
  return constraintError<OpT>(location, "expects lse and gradient of type ", expected, ", got ", lse.getType(), " and ",
                              gradient.getType());
}

LogicalResult CrossEntropyOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  Value logits = adaptor.getLogits();
  if (failed(checkCrossEntropy<CrossEntropyOp>(location, logits, adaptor.getLabels(),
                                               adaptor.getSmoothing().convertToDouble())))
    return failure();
  types.append({rowStatistics(logits), rowStatistics(logits)});
  return success();
}

LogicalResult CrossEntropyOp::verify() { return verifyInferred(*this); }

LogicalResult CrossEntropyGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                   SmallVectorImpl<Type> &types) {
  Value logits = adaptor.getLogits();
  if (failed(checkCrossEntropy<CrossEntropyGradOp>(location, logits, adaptor.getLabels(),
                                                   adaptor.getSmoothing().convertToDouble())) ||
      failed(checkRowOperands<CrossEntropyGradOp>(location, logits, adaptor.getLse(), adaptor.getGradient())))
    return failure();
  types.push_back(logits.getType());
  return success();
}

LogicalResult CrossEntropyGradOp::verify() { return verifyInferred(*this); }

LogicalResult SoftCrossEntropyOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                   SmallVectorImpl<Type> &types) {
  Value logits = adaptor.getLogits();
  if (failed(checkSoftTargets<SoftCrossEntropyOp>(location, logits, adaptor.getTargets())))
    return failure();
  types.append({rowStatistics(logits), rowStatistics(logits)});
  return success();
}

LogicalResult SoftCrossEntropyOp::verify() { return verifyInferred(*this); }

LogicalResult SoftCrossEntropyGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                       SmallVectorImpl<Type> &types) {
  Value logits = adaptor.getLogits();
  if (failed(checkSoftTargets<SoftCrossEntropyGradOp>(location, logits, adaptor.getTargets())) ||
      failed(checkRowOperands<SoftCrossEntropyGradOp>(location, logits, adaptor.getLse(), adaptor.getGradient())))
    return failure();
  types.push_back(logits.getType());
  return success();
}

LogicalResult SoftCrossEntropyGradOp::verify() { return verifyInferred(*this); }

LogicalResult MatchTargetsOp::verify() {
  auto a = getLhs().getType().getShape(), b = getRhs().getType().getShape(), r = getResult().getType().getShape();
  if (a.size() != 1 || b.size() != 1)
    return emitOpError() << "expects ids [N] and [M], got " << shapeText(a) << " and " << shapeText(b);
  if (r != ArrayRef<int64_t>{a[0], b[0]})
    return emitOpError() << "expects a result of shape [" << a[0] << ", " << b[0] << "], got " << shapeText(r);
  return success();
}
