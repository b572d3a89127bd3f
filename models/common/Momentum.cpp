// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Queues, soft targets, hard negatives.
#include "models/common/Momentum.h"

#include "models/common/Initializers.h"
#include "models/common/Losses.h"
#include "llvm/ADT/Sequence.h"
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

static Value transposed(ModelBuilder &b, Value matrix) { return b.make<TransposeOp>(matrix, ArrayRef<int64_t>{1, 0}); }

static Value makeIndices(ModelBuilder &b, int64_t count) {
  auto indices = llvm::to_vector(llvm::seq<int32_t>(0, count));
  return b.make<ConstantOp>(DenseIntElementsAttr::get(b.intType({count}), indices));
}

/// 1 where row and column of [rows, columns] are one number, else 0.
static Value makeDiagonal(ModelBuilder &b, int64_t rows, int64_t columns) {
  return b.make<EqualOp>(b.reshape(makeIndices(b, rows), {rows, 1}), makeIndices(b, columns));
}

Contrast models::contrastWithQueue(ModelBuilder &b, const ContrastSide &queries, const ContrastSide &keys,
                                   Value temperature, Value alpha) {
  Value columns =
      b.make<ConcatOp>(ValueRange{transposed(b, keys.momentumFeatures), keys.queue}, b.ops().getI64IntegerAttr(1));
  auto compare = [&](Value rows, Value scale) {
    return b.make<DivOp>(b.make<MatmulOp>(rows, columns, UnitAttr(), UnitAttr()), scale);
  };
  Value similarity = compare(queries.features, temperature);
  Value soft = b.make<SoftmaxOp>(compare(queries.momentumFeatures, b.make<StopGradientOp>(temperature)));
  ArrayRef<int64_t> shape = shapeOf(similarity);
  Value hard = b.make<CastOp>(b.floatType(shape), makeDiagonal(b, shape[0], shape[1]));
  Value targets = b.make<AddOp>(b.make<MulOp>(soft, alpha), b.make<MulOp>(hard, b.make<SubOp>(b.constant(1.0), alpha)));
  return {similarity, b.make<SoftCrossEntropyOp>(similarity, targets)};
}

Alignment models::alignWithQueues(ModelBuilder &b, ContrastSide image, ContrastSide text, int64_t length,
                                  Value temperature, Value alpha) {
  Layer layer(b, "loss_ita");
  int64_t batch = shapeOf(image.features)[0], embed = shapeOf(image.features)[1];
  InitializerAttr init = normalInit(b.getContext(), std::pow(double(embed), -0.5)); // columns of norm 1, about
  image.queue = b.variable(StateKind::Buffer, "image_queue", b.floatType({embed, length}), init);
  text.queue = b.variable(StateKind::Buffer, "text_queue", b.floatType({embed, length}), init);
  Value position = b.variable(StateKind::Counter, "queue_ptr", b.intType({}), constantInit(b.getContext(), 0.0));
  Contrast imageToText = contrastWithQueue(b, image, text, temperature, alpha),
           textToImage = contrastWithQueue(b, text, image, temperature, alpha);
  b.write("image_queue", enqueue(b, image.queue, image.momentumFeatures, position));
  b.write("text_queue", enqueue(b, text.queue, text.momentumFeatures, position));
  b.write("queue_ptr", advance(b, position, batch, length));
  Value sum = b.make<AddOp>(meanOf(b, imageToText.losses), meanOf(b, textToImage.losses));
  return {b.make<MulOp>(sum, b.constant(0.5)), imageToText.similarity, textToImage.similarity};
}

Value models::enqueue(ModelBuilder &b, Value queue, Value rows, Value position) {
  int64_t batch = shapeOf(rows)[0], length = shapeOf(queue)[1];
  Value place = b.make<SubOp>(makeIndices(b, length), position);
  Value isNew = b.make<MulOp>(b.make<LessOp>(b.constant(-1), place), b.make<LessOp>(place, b.constant(int32_t(batch))));
  Value none = b.make<ConstantOp>(DenseElementsAttr::get(b.intType({length}), int32_t(0)));
  Value columns = transposed(b, b.make<EmbeddingOp>(rows, b.make<SelectOp>(isNew, place, none)));
  return b.make<SelectOp>(isNew, columns, queue);
}

Value models::advance(ModelBuilder &b, Value position, int64_t batch, int64_t length) {
  Value next = b.make<AddOp>(position, b.constant(int32_t(batch)));
  Value isEnd = b.make<EqualOp>(next, b.constant(int32_t(length)));
  return b.make<SelectOp>(isEnd, b.constant(int32_t(0)), next);
}

Value models::gatherItems(ModelBuilder &b, Value x, Value index) {
  ArrayRef<int64_t> shape = shapeOf(x);
  int64_t size = std::accumulate(shape.begin() + 1, shape.end(), int64_t(1), std::multiplies<>());
  return b.reshape(b.make<EmbeddingOp>(b.reshape(x, {shape[0], size}), index), shape);
}

Value models::drawNegatives(ModelBuilder &b, Value similarity, Value uniform, double least) {
  Layer layer(b, "negatives");
  int64_t batch = shapeOf(similarity)[0];
  auto splat = [&](double value) {
    return b.make<ConstantOp>(DenseElementsAttr::get(b.floatType({batch, batch}), float(value)));
  };
  if (least > 0)
    similarity = b.make<LogOp>(b.make<AddOp>(b.make<SoftmaxOp>(similarity), b.constant(least)));
  Value noise = b.make<NegOp>(b.make<LogOp>(b.make<NegOp>(b.make<LogOp>(uniform))));
  Value others = b.make<SelectOp>(makeDiagonal(b, batch, batch), splat(-std::numeric_limits<double>::infinity()),
                                  b.make<AddOp>(similarity, noise));
  return b.make<ArgmaxOp>(others);
}

Negatives models::chooseNegatives(ModelBuilder &b, const Negatives &given, const Alignment &alignment, Value uniform,
                                  double least) {
  if (given.imageForText)
    return given;
  auto draw = [&](Value similarity, int64_t which) {
    int64_t batch = shapeOf(similarity)[0];
    Value own = b.slice(similarity, 1, 0, batch), noise = b.slice(uniform, 0, which, 1);
    return drawNegatives(b, own, b.reshape(noise, {batch, batch}), least);
  };
  Value imageForText = draw(alignment.textToImage, 0);
  return {imageForText, draw(alignment.imageToText, 1)};
}

Value models::matchingLoss(ModelBuilder &b, Value scores) {
  Layer layer(b, "loss_itm");
  int64_t rows = shapeOf(scores)[0];
  SmallVector<int32_t> labels(rows, 0);
  std::fill_n(labels.begin(), rows / 3, 1);
  Value targets = b.make<ConstantOp>(DenseIntElementsAttr::get(b.intType({rows}), labels));
  return meanOf(b, crossEntropy(b, scores, targets));
}
