// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The two towers of CLIP, as the paper draws them; initial values as in the official code.
#include "models/clip/Clip.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

/// The image tower's blocks keep torch's defaults.
static BlockInit visionInit(MLIRContext *context, int64_t width, int64_t mlp) {
  BlockInit init;
  init.inProj = xavierInit(context, width, 3 * width);
  init.outProj = init.fc = init.fcBias = torchDefaultInit(context, width);
  init.proj = init.projBias = torchDefaultInit(context, mlp);
  return init;
}

BlockInit models::textInit(MLIRContext *context, const TowerConfig &tower) {
  int64_t width = tower.width, mlp = tower.getMlp(), layers = tower.layers;
  BlockInit init;
  init.inProj = normalInit(context, std::pow(width, -0.5));
  init.outProj = init.proj = normalInit(context, std::pow(width, -0.5) * std::pow(2.0 * layers, -0.5));
  init.fc = normalInit(context, std::pow(2.0 * width, -0.5));
  init.fcBias = torchDefaultInit(context, width);
  init.projBias = torchDefaultInit(context, mlp);
  return init;
}

BlockConfig models::makeBlock(const ClipConfig &config, const TowerConfig &tower, BlockInit init, bool causal) {
  return {tower.width, tower.getHeads(), tower.getMlp(), config.activation, config.eps, causal, init};
}

Value models::visionRows(ModelBuilder &b, const ClipConfig &config, Value image) {
  const TowerConfig &tower = config.vision;
  int64_t width = tower.width, patches = config.getGrid() * config.getGrid();
  InitializerAttr scaled = normalInit(b.getContext(), std::pow(width, -0.5));
  BlockConfig block = makeBlock(config, tower, visionInit(b.getContext(), width, tower.getMlp()), /*causal=*/false);

  Value x = patchEmbedding(b, "conv1", image, config.patch, width,
                           torchDefaultInit(b.getContext(), 3 * config.patch * config.patch));
  x = prependToken(b, b.parameter("class_embedding", {width}, scaled), x);
  x = b.make<AddOp>(x, b.parameter("positional_embedding", {patches + 1, width}, scaled));
  x = layerNorm(b, "ln_pre", x, config.eps);
  return transformer(b, "transformer", x, tower.layers, block);
}

Value models::encodeImage(ModelBuilder &b, const ClipConfig &config, Value image) {
  int64_t width = config.vision.width;
  InitializerAttr scaled = normalInit(b.getContext(), std::pow(width, -0.5));
  Layer visual(b, "visual");
  Value x = visionRows(b, config, image);
  Value row = layerNorm(b, "ln_post", classRow(b, x), config.eps);
  return b.make<MatmulOp>(row, b.parameter("proj", {width, config.embed}, scaled), UnitAttr(), UnitAttr());
}

Value models::embedTokens(ModelBuilder &b, const ClipConfig &config, Value text) {
  Layer layer(b, "token_embedding");
  Value table = b.parameter("weight", {config.vocabulary, config.text.width}, normalInit(b.getContext(), 0.02));
  return b.make<EmbeddingOp>(table, text);
}

Value models::encodeText(ModelBuilder &b, const ClipConfig &config, Value text) {
  const TowerConfig &tower = config.text;
  int64_t width = tower.width, length = shapeOf(text)[1];

  Value x = embedTokens(b, config, text);
  Value positions = b.parameter("positional_embedding", {config.context, width}, normalInit(b.getContext(), 0.01));
  if (length < config.context)
    positions = b.slice(positions, 0, 0, length);
  x = b.make<AddOp>(x, positions);
  x = transformer(b, "transformer", x, tower.layers,
                  makeBlock(config, tower, textInit(b.getContext(), tower), /*causal=*/true));
  x = layerNorm(b, "ln_final", x, config.eps);
  Value end = b.make<GatherRowsOp>(x, b.make<ArgmaxOp>(text));
  Value projection =
      b.parameter("text_projection", {width, config.embed}, normalInit(b.getContext(), std::pow(width, -0.5)));
  return b.make<MatmulOp>(end, projection, UnitAttr(), UnitAttr());
}
