// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Post-norm layers: attention, cross-attention, feed-forward.
#include "models/common/Bert.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

static constexpr double kDeviation = 0.02; // initializer_range of BERT's config

static Value plainLinear(ModelBuilder &b, StringRef name, Value x, int64_t outputs) {
  return linear(b, name, x, outputs, normalInit(b.getContext(), kDeviation), constantInit(b.getContext(), 0.0));
}

Value models::wordEmbeddings(ModelBuilder &b, const BertConfig &config) {
  Layer layer(b, "embeddings.word_embeddings");
  return b.parameter("weight", {config.vocabulary, config.tower.width}, normalInit(b.getContext(), kDeviation));
}

/// The first `rows` of a table of the embeddings.
static Value tableRows(ModelBuilder &b, StringRef name, int64_t entries, int64_t width, int64_t rows) {
  Layer layer(b, name);
  Value table = b.parameter("weight", {entries, width}, normalInit(b.getContext(), kDeviation));
  return rows == entries ? table : b.slice(table, 0, 0, rows);
}

Value models::bertEmbeddings(ModelBuilder &b, const BertConfig &config, Value ids) {
  Value words = wordEmbeddings(b, config);
  Layer layer(b, "embeddings");
  int64_t width = config.tower.width;
  Value x = b.make<EmbeddingOp>(words, ids);
  if (config.tokenTypes)
    x = b.make<AddOp>(x, tableRows(b, "token_type_embeddings", config.tokenTypes, width, 1));
  x = b.make<AddOp>(x, tableRows(b, "position_embeddings", config.positions, width, shapeOf(ids)[1]));
  return layerNorm(b, "LayerNorm", x, config.eps);
}

Value models::paddingScores(ModelBuilder &b, Value mask) {
  Layer layer(b, "attention_mask");
  Value isPadding = b.make<CastOp>(b.floatType(shapeOf(mask)), b.make<EqualOp>(mask, b.constant(int32_t(0))));
  return b.reshape(b.make<MulOp>(isPadding, b.constant(-10000.0)), {shapeOf(mask)[0], 1, 1, shapeOf(mask)[1]});
}

/// Queries from x, keys and values from `context`; then the output's matrix, the residual and a norm.
static Value attention(ModelBuilder &b, StringRef name, const BertConfig &config, Value x, Value context, Value scores,
                       bool causal) {
  Layer layer(b, name);
  int64_t width = config.tower.width;
  Value y;
  {
    Layer self(b, "self");
    Value q = plainLinear(b, "query", x, width), k = plainLinear(b, "key", context, width);
    y = attend(b, q, k, plainLinear(b, "value", context, width), config.tower.getHeads(), causal, scores);
  }
  Layer output(b, "output");
  return layerNorm(b, "LayerNorm", b.make<AddOp>(plainLinear(b, "dense", y, width), x), config.eps);
}

static Value feedForward(ModelBuilder &b, const BertConfig &config, Value x) {
  Value hidden;
  {
    Layer layer(b, "intermediate");
    hidden = activate(b, Activation::Gelu, plainLinear(b, "dense", x, config.tower.getMlp()));
  }
  Layer output(b, "output");
  Value y = plainLinear(b, "dense", hidden, config.tower.width);
  return layerNorm(b, "LayerNorm", b.make<AddOp>(y, x), config.eps);
}

Value models::bertEncoder(ModelBuilder &b, const BertConfig &config, Value x, Value scores, Value context,
                          BertLayers layers) {
  Layer encoder(b, "encoder");
  for (int64_t i = layers.first; i < layers.last; ++i) {
    Layer layer(b, "layer." + std::to_string(i));
    {
      std::string path =
          layers.selfAttention.empty() ? b.getPath("") : layers.selfAttention.str() + ".layer." + std::to_string(i);
      Layer own(b, StringRef(path).trim('.'), Layer::Place::Absolute);
      x = attention(b, "attention", config, x, x, scores, layers.causal);
    }
    if (context && i >= config.firstCross)
      x = attention(b, "crossattention", config, x, context, {}, /*causal=*/false);
    x = feedForward(b, config, x);
  }
  return x;
}

Value models::predictTokens(ModelBuilder &b, const BertConfig &config, Value x, Value embeddings) {
  Layer layer(b, "predictions");
  {
    Layer transform(b, "transform");
    x = activate(b, Activation::Gelu, plainLinear(b, "dense", x, config.tower.width));
    x = layerNorm(b, "LayerNorm", x, config.eps);
  }
  return b.make<LinearOp>(x, embeddings, b.parameter("bias", {config.vocabulary}, constantInit(b.getContext(), 0.0)));
}
