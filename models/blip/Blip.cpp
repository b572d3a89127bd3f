// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The model and its pretraining losses.
#include "models/blip/Blip.h"

#include "models/common/Losses.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

/// What is added to each weight before negatives are drawn.
static constexpr double kLeastWeight = 1e-4;
/// The id of padding.
static constexpr int32_t kPadding = 0;

Value BlipModel::encodeImage(Value image) {
  return visionTransformer(b, named("visual_encoder"), config.vision, image);
}

Value BlipModel::embed(Value ids, int64_t first) {
  Layer encoder(b, named("text_encoder"));
  if (first)
    ids = replaceFirst(b, ids, static_cast<int32_t>(first));
  return bertEmbeddings(b, config.bert, ids);
}

Value BlipModel::encodeText(Value embedded, Value scores, Value imageRows) {
  Layer encoder(b, named("text_encoder"));
  return bertEncoder(b, config.bert, embedded, scores, imageRows, {0, config.bert.tower.layers});
}

Value BlipModel::decode(Value embedded, Value scores, Value imageRows) {
  Value rows, embeddings;
  {
    Layer encoder(b, "text_encoder");
    rows = bertEncoder(b, config.bert, embedded, scores, imageRows,
                       {0, config.bert.tower.layers, /*causal=*/true, "text_decoder.bert.encoder"});
    embeddings = wordEmbeddings(b, config.bert);
  }
  Layer head(b, "text_decoder.cls");
  return predictTokens(b, config.bert, rows, embeddings);
}

Value BlipModel::project(StringRef name, Value rows) {
  Value row = classRow(b, rows);
  InitializerAttr init = torchDefaultInit(b.getContext(), shapeOf(row)[1]);
  return l2Normalize(b, linear(b, named(name), row, config.embed, init, init), 1e-12);
}

Value BlipModel::match(Value textRows) {
  InitializerAttr init = torchDefaultInit(b.getContext(), config.bert.tower.width);
  return linear(b, "itm_head", classRow(b, textRows), 2, init, init);
}

namespace {
/// The step's losses over what they share: both models' rows and features.
class Pretraining {
public:
  Pretraining(ModelBuilder &b, const BlipConfig &config, const BlipBatch &batch)
      : b(b), config(config), batch(batch), online(b, config), average(b, config, "_m") {}

  BlipLosses build() {
    scores = paddingScores(b, batch.mask);
    imageRows = online.encodeImage(batch.image);
    image.features = online.projectImage(imageRows);
    text.features = online.projectText(online.encodeText(online.embed(batch.ids), scores));
    {
      TwinScope twins(b, config.momentum);
      image.momentumFeatures = average.projectImage(average.encodeImage(batch.image));
      text.momentumFeatures = average.projectText(average.encodeText(average.embed(batch.ids), scores));
    }
    Value temperature = b.parameter("temp", {}, constantInit(b.getContext(), 0.07));
    alignment = alignWithQueues(b, image, text, config.queue, temperature, batch.alpha);
    BlipLosses losses{alignment.loss, matchLoss(), languageLoss()};
    b.averageOtherTwins();
    return losses;
  }

private:
  /// Pairs that belong together, each text with another picture, each picture with another text.
  Value matchLoss() {
    Negatives negatives = chooseNegatives(b, batch.negatives, alignment, batch.uniform, kLeastWeight);
    auto join = [&](Value x, Value y) { return b.make<ConcatOp>(ValueRange{x, y}, b.ops().getI64IntegerAttr(0)); };
    // Embeddings of drawn texts are drawn embeddings.
    Value texts = online.embed(batch.ids, config.getMatchToken());
    Value otherImages = gatherItems(b, imageRows, negatives.imageForText),
          otherTexts = gatherItems(b, texts, negatives.textForImage),
          otherScores = gatherItems(b, scores, negatives.textForImage);
    Value positive = online.encodeText(texts, scores, imageRows);
    Value negative =
        online.encodeText(join(texts, otherTexts), join(scores, otherScores), join(otherImages, imageRows));
    return matchingLoss(b, online.match(join(positive, negative)));
  }

  Value languageLoss() {
    Value logits = online.decode(online.embed(batch.ids, config.getDecodeToken()), scores, imageRows);
    return captionLoss(b, logits, batch.ids, kPadding, config.smoothing);
  }

  ModelBuilder &b;
  const BlipConfig &config;
  const BlipBatch &batch;
  BlipModel online, average;
  Value scores, imageRows;
  ContrastSide image, text;
  Alignment alignment;
};
} // namespace

BlipLosses models::pretrainBlip(ModelBuilder &b, const BlipConfig &config, const BlipBatch &batch) {
  return Pretraining(b, config, batch).build();
}

std::vector<std::pair<std::string, std::string>> models::getTiedNames(const BlipConfig &config) {
  std::vector<std::pair<std::string, std::string>> names;
  auto tie = [&](const std::string &module) {
    for (const char *part : {".weight", ".bias"})
      names.emplace_back("text_decoder.bert." + module + part, "text_encoder." + module + part);
  };
  tie("embeddings.LayerNorm");
  for (const char *table : {"embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"})
    names.emplace_back(std::string("text_decoder.bert.") + table, std::string("text_encoder.") + table);
  // Every module whose path lacks "/attention".
  for (int64_t i = 0; i < config.bert.tower.layers; ++i)
    for (const char *module : {"crossattention.self.query", "crossattention.self.key", "crossattention.self.value",
                               "crossattention.output.dense", "crossattention.output.LayerNorm", "intermediate.dense",
                               "output.dense", "output.LayerNorm"})
      tie("encoder.layer." + std::to_string(i) + "." + module);
  names.emplace_back("text_decoder.cls.predictions.decoder.weight", "text_encoder.embeddings.word_embeddings.weight");
  names.emplace_back("text_decoder.cls.predictions.decoder.bias", "text_decoder.cls.predictions.bias");
  return names;
}
