// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rule of attention.
#include "dialect/VLP/GradientUtils.h"

using namespace mlir;
using namespace vlp;
using Gradients = FailureOr<SmallVector<Value>>;

Gradients AttentionOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  if (failed(rejectStatistics(*this, cotangents)))
    return failure();
  SmallVector<Value> gradients(3);
  if (llvm::none_of(needed, [](bool isNeeded) { return isNeeded; }))
    return gradients;
  auto gradient = AttentionGradOp::create(outer, getLoc(), getQuery(), getKey(), getValue(), getResult(), getLse(),
                                          cotangents[0], getHeadsAttr(), getScaleAttr(), getCausalAttr());
  for (auto [i, result] : llvm::enumerate(gradient.getResults()))
    if (needed[i])
      gradients[i] = result;
  return gradients;
}
