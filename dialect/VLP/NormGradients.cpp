// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rules of row functions.
#include "dialect/VLP/GradientUtils.h"

using namespace mlir;
using namespace vlp;
using Gradients = FailureOr<SmallVector<Value>>;

Gradients LayerNormOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  if (failed(rejectStatistics(*this, cotangents)))
    return failure();
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(3);
  if (!needed[0] && !needed[1]) {
    if (needed[2])
      gradients[2] = sumRows(builder, cotangents[0]);
    return gradients;
  }
  auto gradient = LayerNormGradOp::create(builder, getInput(), getGamma(), getMean(), getRstd(), cotangents[0]);
  for (auto [i, result] : llvm::enumerate(gradient.getResults()))
    if (needed[i])
      gradients[i] = result;
  return gradients;
}

Gradients L2NormalizeOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  if (failed(rejectStatistics(*this, cotangents)))
    return failure();
  SmallVector<Value> gradients(1);
  if (needed[0])
    gradients[0] = L2NormalizeGradOp::create(outer, getLoc(), getResult(), getNorm(), cotangents[0], getEpsAttr());
  return gradients;
}

Gradients SoftmaxOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  SmallVector<Value> gradients(1);
  if (needed[0])
    gradients[0] = SoftmaxGradOp::create(outer, getLoc(), getResult(), cotangents[0]);
  return gradients;
}
