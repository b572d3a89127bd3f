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

bool models::parseActivation(StringRef text, Activation &activation) {
  bool exact = text == "gelu" || text == "gelu erf";
  activation = exact ? Activation::Gelu : Activation::QuickGelu;
  return exact || text == "quick_gelu";
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

Value models::appendToken(ModelBuilder &b, Value x, Value token) {
  ArrayRef<int64_t> shape = shapeOf(x);
  Value last = b.broadcast(token, {shape[0], 1, shape[2]});
  return b.make<ConcatOp>(ValueRange{x, last}, b.ops().getI64IntegerAttr(1));
}

Value models::replaceFirst(ModelBuilder &b, Value ids, int32_t token) {
  std::vector<int32_t> isFirst(shapeOf(ids)[1], 0);
  isFirst[0] = 1;
  Value condition =
      b.make<ConstantOp>(DenseIntElementsAttr::get(b.intType({shapeOf(ids)[1]}), ArrayRef<int32_t>(isFirst)));
  Value tokens = b.make<ConstantOp>(DenseElementsAttr::get(b.intType(shapeOf(ids)), token));
  return b.make<SelectOp>(condition, tokens, ids);
}

Value models::numberOfToken(ModelBuilder &b, Value ids, int64_t size, int64_t which, double special, double other) {
  std::vector<float> values(size, float(other));
  values[which] = float(special);
  Value table = b.make<ConstantOp>(DenseElementsAttr::get(b.floatType({size, 1}), ArrayRef<float>(values)));
  return b.reshape(b.make<EmbeddingOp>(table, ids), shapeOf(ids));
}

Value models::attend(ModelBuilder &b, Value q, Value k, Value v, int64_t heads, bool causal, Value mask) {
  double scale = 1.0 / std::sqrt(double(shapeOf(q).back() / heads));
  return b.make<AttentionOp>(q, k, v, mask, b.ops().getI64IntegerAttr(heads), b.ops().getF64FloatAttr(scale),
                             causal ? b.ops().getUnitAttr() : UnitAttr());
}

namespace {
/// torch.nn.MultiheadAttention's one matrix for queries, keys and values.
struct InProjection {
  InProjection(ModelBuilder &b, const BlockConfig &config)
      : b(b), width(config.width), weight(b.parameter("in_proj_weight", {3 * width, width}, config.init.inProj)),
        bias(b.parameter("in_proj_bias", {3 * width}, constantInit(b.getContext(), 0.0))) {}

  /// Parts first .. first + count of query, key, value.
  Value apply(Value x, int64_t first, int64_t count) {
    Layer layer(b, "in_proj");
    if (count == 3)
      return b.make<LinearOp>(x, weight, bias);
    return b.make<LinearOp>(x, b.slice(weight, 0, first * width, count * width),
                            b.slice(bias, 0, first * width, count * width));
  }
  Value part(Value projected, int64_t index) { return b.slice(projected, 2, index * width, width); }

  ModelBuilder &b;
  int64_t width;
  Value weight, bias;
};
} // namespace

Value models::selfAttention(ModelBuilder &b, StringRef name, Value x, const BlockConfig &config, Value mask) {
  Layer layer(b, name);
  InProjection in(b, config);
  Value qkv = in.apply(x, 0, 3), q = in.part(qkv, 0), k = in.part(qkv, 1), v = in.part(qkv, 2);
  Value y = attend(b, q, k, v, config.heads, config.causal, mask);
  return linear(b, "out_proj", y, config.width, config.init.outProj, constantInit(b.getContext(), 0.0));
}

Value models::crossAttention(ModelBuilder &b, StringRef name, Value x, Value context, const BlockConfig &config) {
  Layer layer(b, name);
  InProjection in(b, config);
  Value q = in.apply(x, 0, 1), kv = in.apply(context, 1, 2), k = in.part(kv, 0), v = in.part(kv, 1);
  Value y = attend(b, q, k, v, config.heads);
  return linear(b, "out_proj", y, config.width, config.init.outProj, constantInit(b.getContext(), 0.0));
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

Value models::residualAttentionBlock(ModelBuilder &b, Value x, const BlockConfig &config, Value mask) {
  x = b.make<AddOp>(x, selfAttention(b, "attn", layerNorm(b, "ln_1", x, config.eps), config, mask));
  return b.make<AddOp>(x, mlp(b, "mlp", layerNorm(b, "ln_2", x, config.eps), config));
}

Value models::residualCrossAttentionBlock(ModelBuilder &b, Value x, Value context, const BlockConfig &config) {
  Value q = layerNorm(b, "ln_1", x, config.eps), kv = layerNorm(b, "ln_1_kv", context, config.eps);
  x = b.make<AddOp>(x, crossAttention(b, "attn", q, kv, config));
  return b.make<AddOp>(x, mlp(b, "mlp", layerNorm(b, "ln_2", x, config.eps), config));
}

Value models::transformer(ModelBuilder &b, StringRef name, Value x, int64_t layers, const BlockConfig &config,
                          Value mask) {
  Layer blocks(b, (name + ".resblocks").str());
  for (int64_t i = 0; i < layers; ++i) {
    Layer block(b, std::to_string(i));
    x = residualAttentionBlock(b, x, config, mask);
  }
  return x;
}

Value models::classRow(ModelBuilder &b, Value x) {
  return b.reshape(b.slice(x, 1, 0, 1), {shapeOf(x)[0], shapeOf(x)[2]});
}

Value models::l2Normalize(ModelBuilder &b, Value x, double eps) {
  return b.make<L2NormalizeOp>(x, b.ops().getF64FloatAttr(eps));
}
