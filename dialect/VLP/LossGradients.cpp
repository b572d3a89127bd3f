// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rules of cross entropies.
#include "dialect/VLP/GradientUtils.h"

using namespace mlir;
using namespace vlp;
using Gradients = FailureOr<SmallVector<Value>>;

Gradients CrossEntropyOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  if (failed(rejectStatistics(*this, cotangents)))
    return failure();
  SmallVector<Value> gradients(2);
  if (needed[0])
    gradients[0] = CrossEntropyGradOp::create(outer, getLoc(), getLogits(), getLabels(), getLse(), cotangents[0],
                                              getIgnoreIndexAttr(), getSmoothingAttr());
  return gradients;
}

bool SoftCrossEntropyOp::isOperandDifferentiable(unsigned i) { return i == 0; }

Gradients SoftCrossEntropyOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  if (failed(rejectStatistics(*this, cotangents)))
    return failure();
  SmallVector<Value> gradients(2);
  if (needed[0])
    gradients[0] = SoftCrossEntropyGradOp::create(outer, getLoc(), getLogits(), getTargets(), getLse(), cotangents[0]);
  return gradients;
}
