// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses that several architectures share.
#include "models/common/Losses.h"

#include "models/common/Layers.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

Value models::contrastiveLogits(ModelBuilder &b, Value f, Value g, Value scale) {
  Value similarity = b.make<MatmulOp>(f, g, /*transpose_lhs=*/UnitAttr(), b.ops().getUnitAttr());
  return b.make<MulOp>(similarity, scale);
}

Value models::meanOf(ModelBuilder &b, Value losses) {
  Value sum = b.make<ReduceSumOp>(losses, ArrayRef<int64_t>{0});
  return b.make<DivOp>(sum, b.constant(double(shapeOf(losses)[0])));
}

Value models::crossEntropy(ModelBuilder &b, Value logits, Value labels) {
  return b.make<CrossEntropyOp>(logits, labels, b.ops().getI64IntegerAttr(-100), b.ops().getF64FloatAttr(0.0));
}

/// Mean over both directions of losses [B] a row.
static Value averageDirections(ModelBuilder &b, Value rows, Value columns) {
  Value sum = b.make<ReduceSumOp>(b.make<AddOp>(rows, columns), ArrayRef<int64_t>{0});
  return b.make<DivOp>(sum, b.constant(2.0 * shapeOf(rows)[0]));
}

static Value transposed(ModelBuilder &b, Value matrix) { return b.make<TransposeOp>(matrix, ArrayRef<int64_t>{1, 0}); }

Value models::symmetricCrossEntropy(ModelBuilder &b, Value logits) {
  Layer layer(b, "loss");
  int64_t batch = shapeOf(logits)[0];
  auto indices = llvm::to_vector(llvm::seq<int32_t>(0, batch));
  Value labels = b.make<ConstantOp>(DenseIntElementsAttr::get(b.intType({batch}), indices));
  Value rows = crossEntropy(b, logits, labels);
  return averageDirections(b, rows, crossEntropy(b, transposed(b, logits), labels));
}

Value models::symmetricCrossEntropy(ModelBuilder &b, Value logits, Value pair) {
  Layer layer(b, "loss");
  int64_t batch = shapeOf(logits)[0];
  // Symmetric up to its normalisation, and rows of equal id have equal counts: one matrix serves both directions.
  Value targets = b.make<MatchTargetsOp>(b.floatType({batch, batch}), pair, pair);
  Value rows = b.make<SoftCrossEntropyOp>(logits, targets);
  return averageDirections(b, rows, b.make<SoftCrossEntropyOp>(transposed(b, logits), targets));
}

Value models::captionLoss(ModelBuilder &b, Value logits, Value text, int64_t padding, double smoothing) {
  Layer layer(b, "caption_loss");
  int64_t batch = shapeOf(logits)[0], predicted = shapeOf(logits)[1] - 1, classes = shapeOf(logits)[2];
  Value rows = b.reshape(b.slice(logits, 1, 0, predicted), {batch * predicted, classes});
  Value labels = b.reshape(b.slice(text, 1, 1, predicted), {batch * predicted});
  Value losses =
      b.make<CrossEntropyOp>(rows, labels, b.ops().getI64IntegerAttr(padding), b.ops().getF64FloatAttr(smoothing));
  Value counted = numberOfToken(b, labels, classes, padding, 0, 1);
  return b.make<DivOp>(b.make<ReduceSumOp>(losses, ArrayRef<int64_t>{0}),
                       b.make<ReduceSumOp>(counted, ArrayRef<int64_t>{0}));
}

Value models::maskedCrossEntropy(ModelBuilder &b, Value logits, Value labels, Value mask) {
  Layer layer(b, "loss");
  Value counted = numberOfToken(b, mask, 2, 1, 1, 0);
  Value losses = crossEntropy(b, logits, labels);
  return b.make<DivOp>(b.make<ReduceSumOp>(b.make<MulOp>(losses, counted), ArrayRef<int64_t>{0}),
                       b.make<ReduceSumOp>(counted, ArrayRef<int64_t>{0}));
}
