// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the patterns of vlp-simplify-gradients share.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/IR/PatternMatch.h"

namespace vlp {

/// Replaces `op`, which has one result, by `value` built for it; hands the discardable attributes (`vlp.backward`) of
/// `op` on.
inline void replaceKeepingMarks(mlir::PatternRewriter &rewriter, mlir::Operation *op, mlir::Operation *replacement) {
  for (mlir::NamedAttribute attribute : op->getDiscardableAttrs())
    replacement->setAttr(attribute.getName(), attribute.getValue());
  rewriter.replaceOp(op, replacement);
}

/// Padded slices side by side become a concat (SimplifyPads.cpp).
void populatePadPatterns(mlir::RewritePatternSet &patterns);

} // namespace vlp
