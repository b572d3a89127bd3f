// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses that several architectures share.
#pragma once

#include "models/common/ModelBuilder.h"

namespace vlp::models {

/// `scale f g^T` for rows f, g [B, E] and a scalar: the similarity of every picture to every text.
mlir::Value contrastiveLogits(ModelBuilder &b, mlir::Value f, mlir::Value g, mlir::Value scale);

/// CLIP's loss: the mean of the cross entropies of rows and of columns, where row i and column i belong together.
mlir::Value symmetricCrossEntropy(ModelBuilder &b, mlir::Value logits);

/// The same, where rows and columns of equal `pair` id [B] share the target evenly. With distinct ids it is CLIP's
/// loss.
mlir::Value symmetricCrossEntropy(ModelBuilder &b, mlir::Value logits, mlir::Value pair);

/// The mean of losses [N].
mlir::Value meanOf(ModelBuilder &b, mlir::Value losses);

/// Cross entropies [N] of `logits` [N, C] against `labels` [N]; 0 for a label of -100.
mlir::Value crossEntropy(ModelBuilder &b, mlir::Value logits, mlir::Value labels);

/// Mean cross entropy of `logits` [N, C] against `labels` [N] over the rows where `mask` [N] is 1.
mlir::Value maskedCrossEntropy(ModelBuilder &b, mlir::Value logits, mlir::Value labels, mlir::Value mask);

/// Mean cross entropy of `logits` [B, T, V] against the token after each of `text` [B, T]; those that are `padding` do
/// not count. `smoothing`: the part of a target that all classes share (PyTorch's form).
mlir::Value captionLoss(ModelBuilder &b, mlir::Value logits, mlir::Value text, int64_t padding, double smoothing = 0);

} // namespace vlp::models
