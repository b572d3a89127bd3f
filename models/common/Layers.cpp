// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The layers that transformer models consist of.
#include "models/common/Layers.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

Value models::linear(ModelBuilder &b, StringRef name, Value x, int64_t outputs, InitializerAttr weight,
                     InitializerAttr bias) {
  Layer layer(b, name);
  Value w = b.parameter("weight", {outputs, shapeOf(x).back()}, weight);
  return b.make<LinearOp>(x, w, b.parameter("bias", {outputs}, bias));
}

Value models::layerNorm(ModelBuilder &b, StringRef name, Value x, double eps) {
  Layer layer(b, name);
  int64_t width = shapeOf(x).back();
  Value gamma = b.parameter("weight", {width}, constantInit(b.getContext(), 1.0));
  Value beta = b.parameter("bias", {width}, constantInit(b.getContext(), 0.0));
  return b.make<LayerNormOp>(x, gamma, beta, b.ops().getF64FloatAttr(eps));
}

Value models::activate(ModelBuilder &b, Activation activation, Value x) {
  return activation == Activation::Gelu ? b.make<GeluOp>(x) : b.make<QuickGeluOp>(x);
}

Value models::patchEmbedding(ModelBuilder &b, StringRef name, Value image, int64_t patch, int64_t width,
                             InitializerAttr weight) {
  Layer layer(b, name);
  Value w = b.parameter("weight", {width, shapeOf(image)[1], patch, patch}, weight);
  return b.make<PatchEmbedOp>(image, w, Value());
}

Value models::prependToken(ModelBuilder &b, Value token, Value x) {
  ArrayRef<int64_t> shape = shapeOf(x);
  Value first = b.broadcast(token, {shape[0], 1, shape[2]});
  return b.make<ConcatOp>(ValueRange{first, x}, b.ops().getI64IntegerAttr(1));
}

Value models::selfAttention(ModelBuilder &b, StringRef name, Value x, const BlockConfig &config) {
  Layer layer(b, name);
  int64_t width = config.width;
  InitializerAttr zero = constantInit(b.getContext(), 0.0);
  Value weight = b.parameter("in_proj_weight", {3 * width, width}, config.init.inProj);
  Value bias = b.parameter("in_proj_bias", {3 * width}, zero);
  Value qkv;
  {
    Layer inProj(b, "in_proj");
    qkv = b.make<LinearOp>(x, weight, bias);
  }
  Value q = b.slice(qkv, 2, 0, width);
  Value k = b.slice(qkv, 2, width, width);
  Value v = b.slice(qkv, 2, 2 * width, width);
  double scale = 1.0 / std::sqrt(double(width / config.heads));
  Value y = b.make<AttentionOp>(q, k, v, /*mask=*/Value(), b.ops().getI64IntegerAttr(config.heads),
                                b.ops().getF64FloatAttr(scale), config.causal ? b.ops().getUnitAttr() : UnitAttr());
  return linear(b, "out_proj", y, width, config.init.outProj, zero);
}

Value models::mlp(ModelBuilder &b, StringRef name, Value x, const BlockConfig &config) {
  Layer layer(b, name);
  Value hidden = linear(b, "c_fc", x, config.mlp, config.init.fc, config.init.fcBias);
  {
    Layer gelu(b, "gelu");
    hidden = activate(b, config.activation, hidden);
  }
  return linear(b, "c_proj", hidden, config.width, config.init.proj, config.init.projBias);
}

Value models::residualAttentionBlock(ModelBuilder &b, Value x, const BlockConfig &config) {
  x = b.make<AddOp>(x, selfAttention(b, "attn", layerNorm(b, "ln_1", x, config.eps), config));
  return b.make<AddOp>(x, mlp(b, "mlp", layerNorm(b, "ln_2", x, config.eps), config));
}

Value models::transformer(ModelBuilder &b, StringRef name, Value x, int64_t layers, const BlockConfig &config) {
  Layer blocks(b, (name + ".resblocks").str());
  for (int64_t i = 0; i < layers; ++i) {
    Layer block(b, std::to_string(i));
    x = residualAttentionBlock(b, x, config);
  }
  return x;
}

Value models::l2Normalize(ModelBuilder &b, Value x) { return b.make<L2NormalizeOp>(x, b.ops().getF64FloatAttr(0.0)); }
