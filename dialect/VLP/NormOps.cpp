// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes and constraints of normalisation ops.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

static RankedTensorType rowStatistics(Value input) {
  return statisticsType(tensorType(input), shapeOf(input).drop_back());
}

/// Fails unless `value` has `expected` as its type.
template <typename OpT>
static LogicalResult checkType(std::optional<Location> location, StringRef name, Value value, Type expected) {
  if (value.getType() == expected)
    return success();
  return constraintError<OpT>(location, "expects the ", name, " to be ", expected, ", got ", value.getType());
}

template <typename OpT>
static LogicalResult checkRank(std::optional<Location> location, Value input) {
  if (!shapeOf(input).empty())
    return success();
  return constraintError<OpT>(location, "expects an input of rank at least 1, got rank 0");
}

template <typename OpT>
static LogicalResult checkEps(std::optional<Location> location, const APFloat &eps) {
  if (!eps.isNaN() && (!eps.isNegative() || eps.isZero()))
    return success();
  return constraintError<OpT>(location, "expects eps not to be negative, got ", eps.convertToDouble());
}

/// Fails unless `value` is a vector as long as the input's last dimension, of the input's precision or that of its
/// statistics.
template <typename OpT>
static LogicalResult checkChannels(std::optional<Location> location, StringRef name, Value value, Value input) {
  int64_t d = shapeOf(input).back();
  if (shapeOf(value) != ArrayRef<int64_t>{d})
    return constraintError<OpT>(location, "expects ", name, " of shape [", d, "], got ", shapeText(shapeOf(value)));
  RankedTensorType expected = tensorType(input).clone(ArrayRef<int64_t>{d});
  if (isAccumulatorOf(expected, value.getType()))
    return success();
  return checkType<OpT>(location, name, value, expected);
}

/// Fails unless the gradient has the input's shape, and its element type or a narrower one.
template <typename OpT>
static LogicalResult checkGradient(std::optional<Location> location, Value gradient, Value input) {
  auto type = tensorType(gradient), expected = tensorType(input);
  if (type.getShape() == expected.getShape() && type.getElementTypeBitWidth() < expected.getElementTypeBitWidth())
    return success();
  return checkType<OpT>(location, "gradient", gradient, expected);
}

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  Value input = adaptor.getInput();
  if (failed(checkRank<LayerNormOp>(location, input)) ||
      failed(checkChannels<LayerNormOp>(location, "gamma", adaptor.getGamma(), input)) ||
      failed(checkChannels<LayerNormOp>(location, "beta", adaptor.getBeta(), input)) ||
      failed(checkEps<LayerNormOp>(location, adaptor.getEps())))
    return failure();
  types.append({input.getType(), rowStatistics(input), rowStatistics(input)});
  return success();
}

LogicalResult LayerNormOp::verify() { return verifyInferred(*this); }

LogicalResult LayerNormGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  Value input = adaptor.getInput(), gamma = adaptor.getGamma();
  if (failed(checkRank<LayerNormGradOp>(location, input)) ||
      failed(checkChannels<LayerNormGradOp>(location, "gamma", gamma, input)) ||
      failed(checkType<LayerNormGradOp>(location, "mean", adaptor.getMean(), rowStatistics(input))) ||
      failed(checkType<LayerNormGradOp>(location, "rstd", adaptor.getRstd(), rowStatistics(input))) ||
      failed(checkGradient<LayerNormGradOp>(location, adaptor.getGradient(), input)))
    return failure();
  types.append({input.getType(), gamma.getType(), gamma.getType()});
  return success();
}

LogicalResult LayerNormGradOp::verify() { return verifyInferred(*this); }

LogicalResult L2NormalizeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  Value input = adaptor.getInput();
  if (failed(checkRank<L2NormalizeOp>(location, input)) || failed(checkEps<L2NormalizeOp>(location, adaptor.getEps())))
    return failure();
  types.append({input.getType(), rowStatistics(input)});
  return success();
}

LogicalResult L2NormalizeOp::verify() { return verifyInferred(*this); }

LogicalResult L2NormalizeGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                  SmallVectorImpl<Type> &types) {
  Value normalized = adaptor.getNormalized();
  if (failed(checkRank<L2NormalizeGradOp>(location, normalized)) ||
      failed(checkType<L2NormalizeGradOp>(location, "norm", adaptor.getNorm(), rowStatistics(normalized))) ||
      failed(checkType<L2NormalizeGradOp>(location, "gradient", adaptor.getGradient(), normalized.getType())) ||
      failed(checkEps<L2NormalizeGradOp>(location, adaptor.getEps())))
    return failure();
  types.push_back(normalized.getType());
  return success();
}

LogicalResult L2NormalizeGradOp::verify() { return verifyInferred(*this); }

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  if (failed(checkRank<SoftmaxOp>(location, adaptor.getInput())))
    return failure();
  types.push_back(adaptor.getInput().getType());
  return success();
}

LogicalResult SoftmaxOp::verify() { return verifyInferred(*this); }

LogicalResult SoftmaxGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  Value probabilities = adaptor.getProbabilities();
  if (failed(checkRank<SoftmaxGradOp>(location, probabilities)) ||
      failed(checkType<SoftmaxGradOp>(location, "gradient", adaptor.getGradient(), probabilities.getType())))
    return failure();
  types.push_back(probabilities.getType());
  return success();
}

LogicalResult SoftmaxGradOp::verify() { return verifyInferred(*this); }
