// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The multiway transformer.
#include "models/beit3/Beit3.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
/// Applies layers to the rows of a modality each: the first `images` rows have the weights A, the others B.
class Multiway {
public:
  Multiway(ModelBuilder &b, const Beit3Config &config, int64_t images, int64_t rows)
      : b(b), config(config), images(images), rows(rows) {}

  using Map = llvm::function_ref<Value(StringRef modality, Value x)>;
  Value apply(Value x, Map map) {
    if (images == rows)
      return map("A", x);
    if (images == 0)
      return map("B", x);
    Value a = map("A", b.slice(x, 1, 0, images)), t = map("B", b.slice(x, 1, images, rows - images));
    return b.make<ConcatOp>(ValueRange{a, t}, b.ops().getI64IntegerAttr(1));
  }

  Value linear(StringRef name, Value x, int64_t outputs) {
    return apply(
        x, [&](StringRef modality, Value part) { return plainLinear((name + "." + modality).str(), part, outputs); });
  }
  Value norm(StringRef name, Value x) {
    return apply(x, [&](StringRef modality, Value part) {
      return layerNorm(b, (name + "." + modality).str(), part, config.eps);
    });
  }

  /// `mask`: of keys, as vlp.attention's; null: none.
  Value attention(Value x, Value mask) {
    Layer layer(b, "self_attn");
    int64_t width = config.encoder.width;
    Value k = linear("k_proj", x, width), v = linear("v_proj", x, width), q = linear("q_proj", x, width);
    Value y = attend(b, q, k, v, config.encoder.getHeads(), /*causal=*/false, mask);
    return linear("out_proj", norm("inner_attn_ln", y), width);
  }

  Value feedForward(Value x) {
    Layer layer(b, "ffn");
    return apply(x, [&](StringRef modality, Value part) {
      Layer own(b, modality);
      Value hidden = plainLinear("fc1", part, config.encoder.getMlp());
      hidden = layerNorm(b, "ffn_layernorm", activate(b, Activation::Gelu, hidden), config.eps);
      return plainLinear("fc2", hidden, config.encoder.width);
    });
  }

private:
  Value plainLinear(StringRef name, Value x, int64_t outputs) {
    int64_t inputs = shapeOf(x).back();
    MLIRContext *context = b.getContext();
    return models::linear(b, name, x, outputs, xavierInit(context, inputs, outputs), constantInit(context, 0.0));
  }

  ModelBuilder &b;
  const Beit3Config &config;
  int64_t images, rows;
};
} // namespace

Value models::embedBeit3Image(ModelBuilder &b, const Beit3Config &config, Value image, Value masked) {
  Layer beit3(b, "beit3"), layer(b, "vision_embed");
  int64_t width = config.encoder.width, fanIn = 3 * config.patch * config.patch;
  InitializerAttr init = torchDefaultInit(b.getContext(), fanIn), zero = constantInit(b.getContext(), 0.0);
  Value x = patchEmbedding(b, "proj", image, config.patch, width, init);
  {
    Layer proj(b, "proj");
    x = b.make<AddOp>(x, b.parameter("bias", {width}, init));
  }
  if (masked) {
    Value token = b.reshape(b.parameter("mask_token", {1, 1, width}, zero), {width});
    Value hides = b.reshape(numberOfToken(b, masked, 2, 1, 1, 0), {shapeOf(masked)[0], shapeOf(masked)[1], 1});
    Value shows = b.reshape(numberOfToken(b, masked, 2, 1, 0, 1), shapeOf(hides));
    x = b.make<AddOp>(b.make<MulOp>(x, shows), b.make<MulOp>(hides, token));
  }
  return prependToken(b, b.reshape(b.parameter("cls_token", {1, 1, width}, zero), {width}), x);
}

Value models::embedBeit3Text(ModelBuilder &b, const Beit3Config &config, Value text) {
  Layer beit3(b, "beit3"), layer(b, "text_embed");
  Value table = b.parameter("weight", {config.vocabulary, config.encoder.width},
                            normalInit(b.getContext(), std::pow(double(config.encoder.width), -0.5)));
  return b.make<EmbeddingOp>(table, text);
}

/// Rows with their positions, which count from 2 in each modality's own table.
static Value addPositions(ModelBuilder &b, const Beit3Config &config, StringRef modality, Value x) {
  Layer layer(b, ("embed_positions." + modality).str());
  int64_t entries = 2 + (modality == "A" ? 1 + config.getPatches() : config.context);
  double deviation = std::pow(double(config.encoder.width), -0.5);
  Value table = b.parameter("weight", {entries, config.encoder.width}, normalInit(b.getContext(), deviation));
  return b.make<AddOp>(x, b.slice(table, 0, 2, shapeOf(x)[1]));
}

Value models::encodeBeit3(ModelBuilder &b, const Beit3Config &config, Value imageRows, Value textRows, Value padding) {
  Layer beit3(b, "beit3"), encoder(b, "encoder");
  int64_t images = imageRows ? shapeOf(imageRows)[1] : 0, texts = textRows ? shapeOf(textRows)[1] : 0;
  int64_t batch = shapeOf(imageRows ? imageRows : textRows)[0];
  SmallVector<Value> parts;
  Value mask;
  if (imageRows)
    parts.push_back(addPositions(b, config, "A", imageRows));
  if (textRows) {
    Value x = addPositions(b, config, "B", textRows);
    if (padding) {
      constexpr double kHidden = -std::numeric_limits<double>::infinity();
      x = b.make<MulOp>(x, b.reshape(numberOfToken(b, padding, 2, 1, 0, 1), {batch, texts, 1}));
      mask = b.reshape(numberOfToken(b, padding, 2, 1, kHidden, 0), {batch, 1, 1, texts});
      if (images)
        mask = b.make<PadOp>(mask, b.ops().getDenseI64ArrayAttr({0, 0, 0, images}),
                             b.ops().getDenseI64ArrayAttr({0, 0, 0, 0}));
    }
    parts.push_back(x);
  }
  Value x = parts.size() == 1 ? parts[0] : b.make<ConcatOp>(ValueRange(parts), b.ops().getI64IntegerAttr(1));
  Multiway multiway(b, config, images, images + texts);
  for (int64_t i = 0; i < config.encoder.layers; ++i) {
    Layer layer(b, "layers." + std::to_string(i));
    x = b.make<AddOp>(x, multiway.attention(multiway.norm("self_attn_layer_norm", x), mask));
    x = b.make<AddOp>(x, multiway.feedForward(multiway.norm("final_layer_norm", x)));
  }
  return multiway.norm("layer_norm", x);
}
