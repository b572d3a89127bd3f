// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builders that the gradient rules share.
#include "dialect/VLP/GradientUtils.h"

using namespace mlir;
using namespace vlp;

Value vlp::sumToType(ImplicitLocOpBuilder &builder, Value gradient, RankedTensorType type) {
  ArrayRef<int64_t> from = shapeOf(gradient), to = type.getShape();
  size_t missing = from.size() - to.size();
  SmallVector<int64_t> axes;
  for (size_t d = 0; d < from.size(); ++d)
    if (d < missing || from[d] != to[d - missing])
      axes.push_back(d);
  if (!axes.empty())
    gradient = ReduceSumOp::create(builder, gradient, axes);
  return reshapeTo(builder, gradient, to);
}

Value vlp::makeSplat(ImplicitLocOpBuilder &builder, RankedTensorType type, double value) {
  auto element = FloatAttr::get(type.getElementType(), value);
  return ConstantOp::create(builder, DenseElementsAttr::get(type, element));
}

Value vlp::makeScalar(ImplicitLocOpBuilder &builder, Value like, double value) {
  return makeSplat(builder, tensorType(like).clone(ArrayRef<int64_t>{}), value);
}

Value vlp::reshapeTo(ImplicitLocOpBuilder &builder, Value value, ArrayRef<int64_t> shape) {
  if (shapeOf(value) == shape)
    return value;
  return ReshapeOp::create(builder, tensorType(value).clone(shape), value);
}

Value vlp::castLike(ImplicitLocOpBuilder &builder, Value value, Value like) {
  Type element = tensorType(like).getElementType();
  if (tensorType(value).getElementType() == element)
    return value;
  return CastOp::create(builder, RankedTensorType::get(shapeOf(value), element), value);
}

Value vlp::flattenRows(ImplicitLocOpBuilder &builder, Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  return reshapeTo(builder, value, {ShapedType::getNumElements(shape.drop_back()), shape.back()});
}

Value vlp::sumRows(ImplicitLocOpBuilder &builder, Value value) {
  int64_t rank = tensorType(value).getRank();
  if (rank < 2)
    return value;
  return ReduceSumOp::create(builder, value, llvm::to_vector(llvm::seq<int64_t>(0, rank - 1)));
}

LogicalResult vlp::rejectStatistics(Operation *op, ValueRange cotangents) {
  bool rejected = false;
  for (auto [i, cotangent] : llvm::enumerate(cotangents)) {
    if (i == 0 || !cotangent)
      continue;
    op->emitOpError() << "is not differentiable through result #" << i
                      << ", a statistic for its own gradient: expected the loss to depend on result #0 only";
    rejected = true;
  }
  return failure(rejected);
}
