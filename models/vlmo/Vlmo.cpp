// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The transformer of experts and its pretraining losses.
#include "models/vlmo/Vlmo.h"

#include "models/common/Bert.h"
#include "models/common/Losses.h"
#include "models/vlmo/RelativePositions.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

static constexpr double kDeviation = 0.02;

static InitializerAttr weightInit(ModelBuilder &b) { return normalInit(b.getContext(), kDeviation); }
static InitializerAttr zeroInit(ModelBuilder &b) { return constantInit(b.getContext(), 0.0); }

static Value plainLinear(ModelBuilder &b, StringRef name, Value x, int64_t outputs) {
  return linear(b, name, x, outputs, weightInit(b), zeroInit(b));
}

/// Rows with the embedding of their modality: 0 for texts, 1 for pictures.
static Value addModality(ModelBuilder &b, Value rows, int64_t modality) {
  Layer layer(b, "token_type_embeddings");
  int64_t width = shapeOf(rows)[2];
  return b.make<AddOp>(rows, b.slice(b.parameter("weight", {2, width}, weightInit(b)), 0, modality, 1));
}

VlmoSequence VlmoModel::embedImage(Value image) {
  int64_t width = config.tower.width;
  Value x;
  {
    Layer transformer(b, "transformer");
    {
      Layer embed(b, "patch_embed");
      x = patchEmbedding(b, "proj", image, config.patch, width, weightInit(b));
      Layer proj(b, "proj");
      x = b.make<AddOp>(x, b.parameter("bias", {width}, zeroInit(b)));
    }
    x = prependToken(b, b.reshape(b.parameter("cls_token", {1, 1, width}, weightInit(b)), {width}), x);
    if (!config.relativeTokens)
      x = b.make<AddOp>(x, b.parameter("pos_embed", {1, 1 + config.getPatches(), width}, weightInit(b)));
  }
  return {Kind::Picture, addModality(b, x, 1), {}};
}

VlmoSequence VlmoModel::embedText(Value ids, Value mask) {
  int64_t width = config.tower.width, batch = shapeOf(ids)[0], length = shapeOf(ids)[1];
  Value x;
  {
    Layer embeddings(b, "text_embeddings");
    auto table = [&](StringRef name, int64_t entries) {
      Layer layer(b, name);
      return b.parameter("weight", {entries, width}, weightInit(b));
    };
    x = b.make<EmbeddingOp>(table("word_embeddings", config.vocabulary), ids);
    x = b.make<AddOp>(x, b.slice(table("token_type_embeddings", 2), 0, 0, 1));
    if (!config.relativeTokens)
      x = b.make<AddOp>(x, b.slice(table("position_embeddings", config.context), 0, 0, length));
    x = layerNorm(b, "LayerNorm", x, config.textEps);
  }
  auto splat = [&](double value) {
    return b.make<ConstantOp>(DenseElementsAttr::get(b.floatType({batch, length}), float(value)));
  };
  Value isPadding = b.make<EqualOp>(mask, b.constant(int32_t(0)));
  Value padding = b.make<SelectOp>(isPadding, splat(-std::numeric_limits<double>::infinity()), splat(0));
  return {Kind::Text, addModality(b, x, 0), b.reshape(padding, {batch, 1, 1, length})};
}

VlmoSequence VlmoModel::join(const VlmoSequence &text, const VlmoSequence &image) {
  Value rows = b.make<ConcatOp>(ValueRange{text.rows, image.rows}, b.ops().getI64IntegerAttr(1));
  int64_t after = shapeOf(image.rows)[1];
  Value padding = b.make<PadOp>(text.padding, b.ops().getDenseI64ArrayAttr({0, 0, 0, 0}),
                                b.ops().getDenseI64ArrayAttr({0, 0, 0, after}));
  return {Kind::Pair, rows, padding};
}

Value VlmoModel::getBiases(const VlmoSequence &sequence) {
  int64_t size = shapeOf(sequence.rows)[1], outputs = config.tower.layers * config.tower.getHeads();
  Value &known = biases[{sequence.kind, size}];
  if (known)
    return known;
  RelativePositions positions = sequence.kind == Kind::Picture ? getPicturePositions(config)
                                : sequence.kind == Kind::Text
                                    ? getTextPositions(config, size)
                                    : getPairPositions(config, size - 1 - config.getPatches());
  Value table = b.parameter("relative_position_bias_table", {config.getDistances(), outputs}, zeroInit(b));
  Layer layer(b, "relative_position_bias");
  Value index =
      b.make<ConstantOp>(DenseIntElementsAttr::get(b.intType({size, size}), ArrayRef<int32_t>(positions.index)));
  Value entries = b.make<EmbeddingOp>(table, index);
  return known = b.make<TransposeOp>(entries, ArrayRef<int64_t>{2, 0, 1});
}

Value VlmoModel::makeScores(const VlmoSequence &sequence, int64_t index) {
  if (!config.relativeTokens)
    return sequence.padding;
  int64_t size = shapeOf(sequence.rows)[1], heads = config.tower.getHeads();
  Value bias = b.reshape(b.slice(getBiases(sequence), 0, index * heads, heads), {1, heads, size, size});
  return sequence.padding ? b.make<AddOp>(bias, sequence.padding) : bias;
}

/// Queries and values have a bias, keys have none.
Value VlmoModel::attention(Value x, Value scores) {
  Layer layer(b, "attn");
  int64_t width = config.tower.width;
  Value qkv;
  {
    Value q = b.parameter("q_bias", {width}, zeroInit(b)), v = b.parameter("v_bias", {width}, zeroInit(b));
    Value k = b.make<ConstantOp>(DenseElementsAttr::get(b.floatType({width}), 0.0f));
    Value bias = b.make<ConcatOp>(ValueRange{q, k, v}, b.ops().getI64IntegerAttr(0));
    Layer projection(b, "qkv");
    qkv = b.make<LinearOp>(x, b.parameter("weight", {3 * width, width}, weightInit(b)), bias);
  }
  auto part = [&](int64_t index) { return b.slice(qkv, 2, index * width, width); };
  Value y = attend(b, part(0), part(1), part(2), config.tower.getHeads(), /*causal=*/false, scores);
  return plainLinear(b, "proj", y, width);
}

Value VlmoModel::scaled(StringRef gamma, Value branch) {
  if (!config.layerScale)
    return branch;
  return b.make<MulOp>(branch, b.parameter(gamma, {config.tower.width}, constantInit(b.getContext(), 0.1)));
}

Value VlmoModel::expert(StringRef name, Value x) {
  Value hidden = layerNorm(b, ("norm2_" + name).str(), x, config.eps);
  {
    Layer layer(b, ("mlp_" + name).str());
    hidden = activate(b, Activation::Gelu, plainLinear(b, "fc1", hidden, config.tower.getMlp()));
    hidden = plainLinear(b, "fc2", hidden, config.tower.width);
  }
  return b.make<AddOp>(x, scaled("gamma_2", hidden));
}

Value VlmoModel::block(const VlmoSequence &sequence, Value x, int64_t index, bool isPair) {
  Layer transformer(b, "transformer"), layer(b, "blocks." + std::to_string(index));
  Value scores;
  {
    Layer outside(b, "", Layer::Place::Absolute);
    scores = makeScores(sequence, index);
  }
  x = b.make<AddOp>(x, scaled("gamma_1", attention(layerNorm(b, "norm1", x, config.eps), scores)));
  if (isPair && index >= config.firstPair)
    return expert("vl", x);
  if (sequence.kind != Kind::Pair)
    return expert(sequence.kind == Kind::Text ? "text" : "imag", x);
  int64_t images = 1 + config.getPatches(), texts = shapeOf(x)[1] - images;
  Value text = expert("text", b.slice(x, 1, 0, texts)), image = expert("imag", b.slice(x, 1, texts, images));
  return b.make<ConcatOp>(ValueRange{text, image}, b.ops().getI64IntegerAttr(1));
}

Value VlmoModel::finish(Value x) {
  Layer transformer(b, "transformer");
  return layerNorm(b, "norm", x, config.eps);
}

Value VlmoModel::encode(const VlmoSequence &sequence) {
  Value x = sequence.rows;
  for (int64_t i = 0; i < config.tower.layers; ++i)
    x = block(sequence, x, i, /*isPair=*/sequence.kind == Kind::Pair);
  return finish(x);
}

VlmoModel::Exits VlmoModel::encodeBoth(const VlmoSequence &sequence) {
  Value x = sequence.rows;
  for (int64_t i = 0; i < config.firstPair; ++i)
    x = block(sequence, x, i, /*isPair=*/false);
  Value own = x, pair = x;
  for (int64_t i = config.firstPair; i < config.tower.layers; ++i) {
    own = block(sequence, own, i, /*isPair=*/false);
    pair = block(sequence, pair, i, /*isPair=*/true);
  }
  return {finish(own), finish(pair)};
}

Value VlmoModel::project(StringRef name, Value rows) {
  int64_t width = config.tower.width;
  Layer layer(b, (name + ".fc").str());
  Value weight = b.parameter("weight", {width, width}, weightInit(b));
  return l2Normalize(b, b.make<LinearOp>(classRow(b, rows), weight, Value()));
}

Value VlmoModel::match(Value rows) {
  Value pooled;
  {
    Layer pooler(b, "pooler");
    pooled = b.make<TanhOp>(plainLinear(b, "dense", classRow(b, rows), config.tower.width));
  }
  Layer head(b, "itm_score");
  return plainLinear(b, "fc", pooled, 2);
}

Value VlmoModel::predict(Value rows) {
  int64_t width = config.tower.width;
  Layer head(b, "mlm_score");
  {
    Layer transform(b, "transform");
    rows = activate(b, Activation::Gelu, plainLinear(b, "dense", rows, width));
    rows = layerNorm(b, "LayerNorm", rows, config.textEps);
  }
  Value bias = b.parameter("bias", {config.vocabulary}, zeroInit(b));
  Layer decoder(b, "decoder");
  return b.make<LinearOp>(rows, b.parameter("weight", {config.vocabulary, width}, weightInit(b)), bias);
}

namespace {
/// The step's losses over what they share.
class Pretraining {
public:
  Pretraining(ModelBuilder &b, const VlmoConfig &config, const VlmoBatch &batch)
      : b(b), config(config), batch(batch), model(b, config) {}

  VlmoLosses build() {
    text = model.embedText(batch.ids, batch.mask);
    VlmoLosses losses;
    losses.maskedLanguage = maskedLoss();
    losses.contrastive = alignLoss();
    losses.matchScores = matchScores();
    losses.matching = matchingLoss(b, losses.matchScores);
    losses.similarity = similarity;
    return losses;
  }

private:
  /// Each pass embeds its pictures, as the official code does; equal ones become one before they are differentiated.
  VlmoSequence embedImage() { return model.embedImage(batch.image); }

  Value maskedLoss() {
    Value rows = model.encode(model.join(model.embedText(batch.maskedIds, batch.mask), embedImage()));
    int64_t count = shapeOf(batch.maskedIds)[0] * shapeOf(batch.maskedIds)[1];
    Value logits = model.predict(b.slice(rows, 1, 0, shapeOf(batch.maskedIds)[1]));
    Layer layer(b, "mlm_loss");
    Value labels = b.reshape(batch.maskedLabels, {count});
    Value losses = crossEntropy(b, b.reshape(logits, {count, config.vocabulary}), labels);
    Value counted = b.make<CastOp>(b.floatType({count}), b.make<LessOp>(b.constant(int32_t(-1)), labels));
    Value mean = b.make<DivOp>(b.make<ReduceSumOp>(losses, ArrayRef<int64_t>{0}),
                               b.make<ReduceSumOp>(counted, ArrayRef<int64_t>{0}));
    return b.make<MulOp>(mean, b.constant(config.maskedWeight));
  }

  /// Similarities of pictures with texts at one exit.
  Value compare(Value imageRows, Value textRows, StringRef head, StringRef scale) {
    Value f = model.project(("itc_" + head + "image_proj").str(), imageRows),
          g = model.project(("itc_" + head + "text_proj").str(), textRows);
    Value t = b.parameter(scale, {}, constantInit(b.getContext(), std::log(1.0 / 0.07)));
    return contrastiveLogits(b, f, g, b.make<ExpOp>(t));
  }

  Value alignLoss() {
    VlmoModel::Exits images = model.encodeBoth(embedImage()), texts = model.encodeBoth(text);
    similarity = compare(images.own, texts.own, "", "logit_scale");
    Value pair = compare(images.pair, texts.pair, "vl_", "logit_vl_scale");
    Value sum = b.make<AddOp>(symmetricCrossEntropy(b, similarity), symmetricCrossEntropy(b, pair));
    return b.make<MulOp>(sum, b.constant(0.5));
  }

  /// Pairs that belong together, texts with other pictures, pictures with other texts; drawn pictures are embedded
  /// again.
  Value matchScores() {
    Value transposed = b.make<TransposeOp>(similarity, ArrayRef<int64_t>{1, 0});
    Negatives negatives = chooseNegatives(b, batch.negatives, {{}, similarity, transposed}, batch.uniform);
    VlmoSequence otherImage = model.embedImage(gatherItems(b, batch.image, negatives.imageForText));
    VlmoSequence otherText{VlmoSequence::Kind::Text, gatherItems(b, text.rows, negatives.textForImage),
                           gatherItems(b, text.padding, negatives.textForImage)};
    SmallVector<Value> scores;
    for (const VlmoSequence &pair :
         {model.join(text, embedImage()), model.join(text, otherImage), model.join(otherText, embedImage())})
      scores.push_back(model.match(model.encode(pair)));
    return b.make<ConcatOp>(ValueRange(scores), b.ops().getI64IntegerAttr(0));
  }

  ModelBuilder &b;
  const VlmoConfig &config;
  const VlmoBatch &batch;
  VlmoModel model;
  VlmoSequence text;
  Value similarity;
};
} // namespace

VlmoLosses models::pretrainVlmo(ModelBuilder &b, const VlmoConfig &config, const VlmoBatch &batch) {
  return Pretraining(b, config, batch).build();
}
