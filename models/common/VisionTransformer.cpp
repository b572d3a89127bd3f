// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pre-norm blocks over patches and a class token.
#include "models/common/VisionTransformer.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

/// As timm draws matrices, the class token and positions; its truncation at 2 is a hundred deviations away.
static constexpr double kDeviation = 0.02;

static Value plainLinear(ModelBuilder &b, StringRef name, Value x, int64_t outputs) {
  return linear(b, name, x, outputs, normalInit(b.getContext(), kDeviation), constantInit(b.getContext(), 0.0));
}

static Value attention(ModelBuilder &b, Value x, const TowerConfig &tower) {
  Layer layer(b, "attn");
  int64_t width = tower.width;
  Value qkv = plainLinear(b, "qkv", x, 3 * width);
  auto part = [&](int64_t index) { return b.slice(qkv, 2, index * width, width); };
  return plainLinear(b, "proj", attend(b, part(0), part(1), part(2), tower.getHeads()), width);
}

static Value feedForward(ModelBuilder &b, Value x, const TowerConfig &tower) {
  Layer layer(b, "mlp");
  Value hidden = activate(b, Activation::Gelu, plainLinear(b, "fc1", x, tower.getMlp()));
  return plainLinear(b, "fc2", hidden, tower.width);
}

Value models::visionTransformer(ModelBuilder &b, StringRef name, const VisionTransformerConfig &config, Value image) {
  Layer model(b, name);
  const TowerConfig &tower = config.tower;
  int64_t width = tower.width, rows = 1 + config.getPatches();
  InitializerAttr init = normalInit(b.getContext(), kDeviation);
  InitializerAttr patchInit = torchDefaultInit(b.getContext(), 3 * config.patch * config.patch);
  Value x;
  {
    Layer embed(b, "patch_embed");
    x = patchEmbedding(b, "proj", image, config.patch, width, patchInit);
    Layer proj(b, "proj");
    x = b.make<AddOp>(x, b.parameter("bias", {width}, patchInit));
  }
  x = prependToken(b, b.reshape(b.parameter("cls_token", {1, 1, width}, init), {width}), x);
  x = b.make<AddOp>(x, b.parameter("pos_embed", {1, rows, width}, init));
  for (int64_t i = 0; i < tower.layers; ++i) {
    Layer block(b, "blocks." + std::to_string(i));
    x = b.make<AddOp>(x, attention(b, layerNorm(b, "norm1", x, config.eps), tower));
    x = b.make<AddOp>(x, feedForward(b, layerNorm(b, "norm2", x, config.eps), tower));
  }
  return layerNorm(b, "norm", x, config.eps);
}
