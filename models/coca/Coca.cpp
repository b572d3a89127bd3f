// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parts of CoCa that CLIP has not.
#include "models/coca/Coca.h"

#include "models/clip/Clip.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

/// torch.nn.MultiheadAttention of learnt queries with keys of another width, whose three matrices are apart.
static Value attentionalPooler(ModelBuilder &b, const CocaConfig &config, Value rows) {
  Layer layer(b, "attn_pool");
  MLIRContext *context = b.getContext();
  int64_t width = config.clip.embed;
  InitializerAttr zero = constantInit(context, 0.0);
  Value query =
      layerNorm(b, "ln_q", b.parameter("query", {config.queries, width}, normalInit(context, 1.0)), config.clip.eps);
  query = b.broadcast(query, {shapeOf(rows)[0], config.queries, width});
  Value keys = layerNorm(b, "ln_k", rows, config.clip.eps);

  Layer attention(b, "attn");
  Value bias = b.parameter("in_proj_bias", {3 * width}, zero);
  auto project = [&](StringRef name, Value x, int64_t part) {
    int64_t inputs = shapeOf(x).back();
    Value weight = b.parameter(name, {width, inputs}, xavierInit(context, inputs, width));
    return b.make<LinearOp>(x, weight, b.slice(bias, 0, part * width, width));
  };
  Value q = project("q_proj_weight", query, 0), k = project("k_proj_weight", keys, 1),
        v = project("v_proj_weight", keys, 2);
  return linear(b, "out_proj", attend(b, q, k, v, config.poolHeads), width, torchDefaultInit(context, width), zero);
}

CocaImage models::encodeCocaImage(ModelBuilder &b, const CocaConfig &config, Value image) {
  Layer visual(b, "visual");
  int64_t batch = shapeOf(image)[0], width = config.clip.embed;
  Value pooled = attentionalPooler(b, config, visionRows(b, config.clip, image));
  pooled = layerNorm(b, "ln_post", pooled, config.clip.eps);
  Value first = b.reshape(b.slice(pooled, 1, 0, 1), {batch, width});
  Value projection = b.parameter("proj", {width, width}, normalInit(b.getContext(), std::pow(width, -0.5)));
  return {b.make<MatmulOp>(first, projection, UnitAttr(), UnitAttr()), b.slice(pooled, 1, 1, config.queries - 1)};
}

/// Which of the T tokens and the class token behind them may be seen: [B, 1, 1, T + 1], to be added to scores.
/// open_clip shifts the validity of keys by one, and its released weights were trained so: the first key may be seen,
/// and key j + 1 where token j is no padding. So texts see one padding, and the class token sees itself in full texts
/// only.
static Value keyMask(ModelBuilder &b, const CocaConfig &config, Value text) {
  Layer layer(b, "cls_mask");
  constexpr double kHidden = -std::numeric_limits<double>::infinity();
  Value keys = numberOfToken(b, text, config.clip.vocabulary, config.padding, kHidden, 0);
  keys = b.reshape(keys, {shapeOf(text)[0], 1, 1, shapeOf(text)[1]});
  return b.make<PadOp>(keys, b.ops().getDenseI64ArrayAttr({0, 0, 0, 1}), b.ops().getDenseI64ArrayAttr({0, 0, 0, 0}));
}

CocaText models::encodeCocaText(ModelBuilder &b, const CocaConfig &config, Value text) {
  const ClipConfig &clip = config.clip;
  int64_t batch = shapeOf(text)[0], length = shapeOf(text)[1], width = clip.text.width;
  Layer tower(b, "text");
  InitializerAttr small = normalInit(b.getContext(), 0.01);
  Value x = appendToken(b, embedTokens(b, clip, text), b.parameter("cls_emb", {width}, small));
  Value positions = b.parameter("positional_embedding", {clip.context + 1, width}, small);
  if (length < clip.context)
    positions = b.slice(positions, 0, 0, length + 1);
  x = b.make<AddOp>(x, positions);
  x = transformer(b, "transformer", x, clip.text.layers,
                  makeBlock(clip, clip.text, textInit(b.getContext(), clip.text), /*causal=*/true),
                  keyMask(b, config, text));
  Value last = layerNorm(b, "ln_final", b.reshape(b.slice(x, 1, length, 1), {batch, width}), clip.eps);
  Value projection =
      b.parameter("text_projection", {width, clip.embed}, normalInit(b.getContext(), std::pow(width, -0.5)));
  return {b.make<MatmulOp>(last, projection, UnitAttr(), UnitAttr()), b.slice(x, 1, 0, length)};
}

Value models::decodeCaption(ModelBuilder &b, const CocaConfig &config, const CocaText &text, const CocaImage &image) {
  const ClipConfig &clip = config.clip;
  int64_t width = clip.text.width;
  TowerConfig tower = config.decoder;
  tower.width = width;
  BlockConfig block = makeBlock(clip, tower, textInit(b.getContext(), tower), /*causal=*/true);
  Layer decoder(b, "text_decoder");
  Value x = text.states;
  for (int64_t i = 0; i < tower.layers; ++i) {
    {
      Layer layer(b, "resblocks." + std::to_string(i));
      x = residualAttentionBlock(b, x, block);
    }
    Layer layer(b, "cross_attn." + std::to_string(i));
    x = residualCrossAttentionBlock(b, x, image.memory, block);
  }
  x = layerNorm(b, "ln_final", x, clip.eps);
  Value projection =
      b.parameter("text_projection", {width, clip.vocabulary}, normalInit(b.getContext(), std::pow(width, -0.5)));
  return b.make<MatmulOp>(x, projection, UnitAttr(), UnitAttr());
}
