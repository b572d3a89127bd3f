// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The model and its pretraining losses.
#include "models/albef/Albef.h"

#include "models/common/Losses.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

Value AlbefModel::encodeImage(Value image) {
  return visionTransformer(b, named("visual_encoder"), config.vision, image);
}

Value AlbefModel::encodeText(Value ids, Value scores) {
  Layer encoder(b, named("text_encoder")), bert(b, "bert");
  return bertEncoder(b, config.bert, bertEmbeddings(b, config.bert, ids), scores, {}, {0, config.bert.firstCross});
}

Value AlbefModel::fuse(Value textRows, Value scores, Value imageRows) {
  Layer encoder(b, named("text_encoder")), bert(b, "bert");
  return bertEncoder(b, config.bert, textRows, scores, imageRows, {config.bert.firstCross, config.bert.tower.layers});
}

Value AlbefModel::project(StringRef name, Value rows) {
  Value row = classRow(b, rows);
  int64_t width = shapeOf(row)[1];
  Value projected = linear(b, named(name), row, config.embed, torchDefaultInit(b.getContext(), width),
                           torchDefaultInit(b.getContext(), width));
  return l2Normalize(b, projected, 1e-12);
}

Value AlbefModel::match(Value fusedRows) {
  int64_t width = config.bert.tower.width;
  InitializerAttr init = torchDefaultInit(b.getContext(), width);
  return linear(b, "itm_head", classRow(b, fusedRows), 2, init, init);
}

Value AlbefModel::predict(Value fusedRows) {
  Layer encoder(b, named("text_encoder"));
  Value embeddings;
  {
    Layer bert(b, "bert");
    embeddings = wordEmbeddings(b, config.bert);
  }
  Layer head(b, "cls");
  return predictTokens(b, config.bert, fusedRows, embeddings);
}

namespace {
/// The step's losses over what they share: both models' rows and features.
class Pretraining {
public:
  Pretraining(ModelBuilder &b, const AlbefConfig &config, const AlbefBatch &batch)
      : b(b), config(config), batch(batch), online(b, config), average(b, config, "_m") {}

  AlbefLosses build() {
    scores = paddingScores(b, batch.mask);
    imageRows = online.encodeImage(batch.image);
    textRows = online.encodeText(batch.ids, scores);
    temperature = b.parameter("temp", {}, constantInit(b.getContext(), 0.07));
    image.features = online.projectImage(imageRows);
    text.features = online.projectText(textRows);
    {
      TwinScope twins(b, config.momentum);
      averageImageRows = average.encodeImage(batch.image);
      image.momentumFeatures = average.projectImage(averageImageRows);
      text.momentumFeatures = average.projectText(average.encodeText(batch.ids, scores));
    }
    AlbefLosses losses;
    alignment = alignWithQueues(b, image, text, config.queue, temperature, batch.alpha);
    losses.contrastive = alignment.loss;
    losses.matching = matchLoss();
    losses.maskedLanguage = maskedLoss();
    b.averageOtherTwins();
    return losses;
  }

private:
  /// Pairs that belong together, each text with another picture, each picture with another text.
  Value matchLoss() {
    Negatives negatives = chooseNegatives(b, batch.negatives, alignment, batch.uniform);
    auto join = [&](Value x, Value y) { return b.make<ConcatOp>(ValueRange{x, y}, b.ops().getI64IntegerAttr(0)); };
    Value otherImages = gatherItems(b, imageRows, negatives.imageForText),
          otherTexts = gatherItems(b, textRows, negatives.textForImage);
    Value otherScores = gatherItems(b, scores, negatives.textForImage);
    Value positive = online.fuse(textRows, scores, imageRows);
    Value negative = online.fuse(join(textRows, otherTexts), join(scores, otherScores), join(otherImages, imageRows));
    return matchingLoss(b, online.match(join(positive, negative)));
  }

  /// The tokens behind the masks, from the picture and the text around them: as they were, and as the momentum model
  /// sees them.
  Value maskedLoss() {
    Value logits = online.predict(online.fuse(online.encodeText(batch.maskedIds, scores), scores, imageRows));
    Value averageLogits;
    {
      TwinScope twins(b, config.momentum);
      Value rows = average.encodeText(batch.maskedIds, scores);
      averageLogits = average.predict(average.fuse(rows, scores, averageImageRows));
    }
    Layer layer(b, "loss_mlm");
    int64_t rows = shapeOf(logits)[0] * shapeOf(logits)[1];
    auto flat = [&](Value x) { return b.reshape(x, {rows, config.bert.vocabulary}); };
    Value labels = b.reshape(batch.maskedLabels, {rows});
    Value isMasked = b.make<LessOp>(b.constant(-1), labels);
    Value counted = b.make<CastOp>(b.floatType({rows}), isMasked);
    Value hard = crossEntropy(b, flat(logits), labels);
    Value soft = b.make<SoftCrossEntropyOp>(flat(logits), b.make<SoftmaxOp>(flat(averageLogits)));
    Value mixed = b.make<AddOp>(b.make<MulOp>(hard, b.make<SubOp>(b.constant(1.0), batch.alpha)),
                                b.make<MulOp>(soft, batch.alpha));
    return b.make<DivOp>(b.make<ReduceSumOp>(b.make<MulOp>(mixed, counted), ArrayRef<int64_t>{0}),
                         b.make<ReduceSumOp>(counted, ArrayRef<int64_t>{0}));
  }

  ModelBuilder &b;
  const AlbefConfig &config;
  const AlbefBatch &batch;
  AlbefModel online, average;
  Value scores, imageRows, textRows, averageImageRows, temperature;
  ContrastSide image, text;
  Alignment alignment;
};
} // namespace

AlbefLosses models::pretrainAlbef(ModelBuilder &b, const AlbefConfig &config, const AlbefBatch &batch) {
  return Pretraining(b, config, batch).build();
}
