// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rules of matrix products.
#include "dialect/VLP/GradientUtils.h"

using namespace mlir;
using namespace vlp;
using Gradients = FailureOr<SmallVector<Value>>;

/// dX[..., K] = dY[..., N] W[N, K].
static Value inputGradient(ImplicitLocOpBuilder &builder, Value gradient, Value weight) {
  if (tensorType(gradient).getRank() > 1)
    return MatmulOp::create(builder, gradient, weight, false, false);
  Value product = MatmulOp::create(builder, flattenRows(builder, gradient), weight, false, false);
  return reshapeTo(builder, product, shapeOf(product).drop_front());
}

/// dW[N, K] = sum over rows of dY[..., N]^T X[..., K].
static Value weightGradient(ImplicitLocOpBuilder &builder, Value gradient, Value input) {
  return MatmulOp::create(builder, flattenRows(builder, gradient), flattenRows(builder, input), true, false);
}

Gradients LinearOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(needed.size());
  Value gradient;
  if (needed[0] || needed[1])
    gradient = castLike(builder, cotangents[0], getWeight());
  if (needed[0])
    gradients[0] = inputGradient(builder, gradient, getWeight());
  if (needed[1])
    gradients[1] = weightGradient(builder, gradient, getInput());
  if (getBias() && needed[2])
    gradients[2] = sumRows(builder, castLike(builder, cotangents[0], getBias()));
  return gradients;
}

// With A' = op(lhs), B' = op(rhs), C = A' B': dA' = dC B'^T, dB' = A'^T dC; op is its own inverse.
Gradients MatmulOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(2);
  if (!needed[0] && !needed[1])
    return gradients;
  Value gradient = castLike(builder, cotangents[0], getRhs());
  bool transposeLhs = getTransposeLhs(), transposeRhs = getTransposeRhs();
  if (needed[0])
    gradients[0] = transposeLhs ? MatmulOp::create(builder, getRhs(), gradient, transposeRhs, true)
                                : MatmulOp::create(builder, gradient, getRhs(), false, !transposeRhs);
  if (!needed[1])
    return gradients;
  Value lhs = flattenRows(builder, getLhs());
  gradient = flattenRows(builder, gradient);
  gradients[1] = transposeRhs ? MatmulOp::create(builder, gradient, lhs, true, transposeLhs)
                              : MatmulOp::create(builder, lhs, gradient, !transposeLhs, false);
  return gradients;
}

Gradients PatchEmbedOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(needed.size());
  ArrayRef<int64_t> weightShape = shapeOf(getWeight());
  int64_t patch = weightShape.back(), features = weightShape[0];
  Value gradient;
  if (needed[0] || needed[1])
    gradient = castLike(builder, cotangents[0], getWeight());
  if (needed[0]) {
    Value weight = reshapeTo(builder, getWeight(), {features, ShapedType::getNumElements(weightShape.drop_front())});
    Value rows = MatmulOp::create(builder, gradient, weight, false, false);
    gradients[0] = UnpatchifyOp::create(builder, getImage().getType(), rows, patch);
  }
  if (needed[1]) {
    Value rows = PatchifyOp::create(builder, getImage(), patch);
    gradients[1] = reshapeTo(builder, weightGradient(builder, gradient, rows), weightShape);
  }
  if (getBias() && needed[2])
    gradients[2] = sumRows(builder, castLike(builder, cotangents[0], getBias()));
  return gradients;
}

Gradients PatchifyOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(1);
  if (needed[0])
    gradients[0] = UnpatchifyOp::create(builder, getImage().getType(), cotangents[0], getPatch());
  return gradients;
}

Gradients UnpatchifyOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(1);
  if (needed[0])
    gradients[0] = PatchifyOp::create(builder, cotangents[0], getPatch());
  return gradients;
}
