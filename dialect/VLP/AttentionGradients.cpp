// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rule of attention.
#include "dialect/VLP/GradientUtils.h"

using namespace mlir;
using namespace vlp;
using Gradients = FailureOr<SmallVector<Value>>;

Gradients AttentionOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  if (failed(rejectStatistics(*this, cotangents)))
    return failure();
  SmallVector<Value> gradients(getNumOperands());
  if (llvm::none_of(needed, [](bool isNeeded) { return isNeeded; }))
    return gradients;
  auto gradient = AttentionGradOp::create(outer, getLoc(), getQuery(), getKey(), getValue(), getResult(), getLse(),
                                          cotangents[0], getMask(), getHeadsAttr(), getScaleAttr(), getCausalAttr());
  for (unsigned i : {0, 1, 2})
    if (needed[i])
      gradients[i] = gradient.getResult(i);
  if (getMask() && needed[3]) {
    ImplicitLocOpBuilder builder(getLoc(), outer);
    gradients[3] = sumToType(builder, gradient.getScoreGradient(), tensorType(getMask()));
  }
  return gradients;
}
