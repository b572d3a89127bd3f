// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pre-norm transformer.
#include "models/common/Transformer.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

Value models::linear(ModelBuilder &m, StringRef name, Value x, int64_t out, Init weight, Init bias) {
  ModelBuilder::Layer layer(m, name);
  Value w = m.parameter("weight", {out, ModelBuilder::shape(x).back()}, weight);
  return LinearOp::create(m.b, x, w, m.parameter("bias", {out}, bias));
}

Value models::layerNorm(ModelBuilder &m, StringRef name, Value x, double eps) {
  ModelBuilder::Layer layer(m, name);
  int64_t width = ModelBuilder::shape(x).back();
  Value gamma = m.parameter("weight", {width}, Init::constant(1)), beta = m.parameter("bias", {width}, Init::constant(0));
  return LayerNormOp::create(m.b, x, gamma, beta, m.b.getF64FloatAttr(eps)).getResult();
}

Value models::selfAttention(ModelBuilder &m, StringRef name, Value x, const TransformerConfig &config) {
  ModelBuilder::Layer layer(m, name);
  int64_t batch = ModelBuilder::shape(x)[0], length = ModelBuilder::shape(x)[1], width = config.width;
  Value weight = m.parameter("in_proj_weight", {3 * width, width}, config.init.inProjection);
  Value bias = m.parameter("in_proj_bias", {3 * width}, Init::constant(0));
  Value joint = LinearOp::create(m.b, x, weight, bias);
  auto part = [&](int64_t index) {
    return SliceOp::create(m.b, joint, ArrayRef<int64_t>{0, 0, index * width}, ArrayRef<int64_t>{batch, length, width});
  };
  double scale = 1 / std::sqrt(static_cast<double>(width) / config.heads);
  Value y = AttentionOp::create(m.b, part(0), part(1), part(2), config.heads, llvm::APFloat(scale), config.causal).getResult();
  return linear(m, "out_proj", y, width, config.init.outProjection, Init::constant(0));
}

Value models::mlp(ModelBuilder &m, StringRef name, Value x, const TransformerConfig &config) {
  ModelBuilder::Layer layer(m, name);
  Value hidden = linear(m, "c_fc", x, config.hidden, config.init.hidden, config.init.hiddenBias);
  {
    ModelBuilder::Layer activation(m, "gelu");
    hidden = config.activation == Activation::Gelu ? GeluOp::create(m.b, hidden.getType(), hidden).getResult()
                                                   : QuickGeluOp::create(m.b, hidden.getType(), hidden).getResult();
  }
  return linear(m, "c_proj", hidden, config.width, config.init.output, config.init.outputBias);
}

Value models::transformer(ModelBuilder &m, StringRef name, Value x, const TransformerConfig &config) {
  ModelBuilder::Layer layer(m, name);
  for (int64_t i = 0; i < config.layers; ++i) {
    ModelBuilder::Layer block(m, "resblocks." + std::to_string(i));
    x = AddOp::create(m.b, x, selfAttention(m, "attn", layerNorm(m, "ln_1", x, config.eps), config));
    x = AddOp::create(m.b, x, mlp(m, "mlp", layerNorm(m, "ln_2", x, config.eps), config));
  }
  return x;
}
