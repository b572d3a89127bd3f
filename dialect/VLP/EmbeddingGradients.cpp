// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rule of embedding.
#include "dialect/VLP/GradientUtils.h"

using namespace mlir;
using namespace vlp;
using Gradients = FailureOr<SmallVector<Value>>;

Gradients EmbeddingOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  SmallVector<Value> gradients(2);
  if (needed[0])
    gradients[0] = EmbeddingGradOp::create(outer, getLoc(), getTable().getType(), cotangents[0], getIds());
  return gradients;
}
