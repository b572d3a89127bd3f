// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CLIP's towers, loss and entries, in their natural, unfused form.
#include "models/clip/Clip.h"
#include "models/common/ModelBuilder.h"
#include "models/common/Transformer.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;
using namespace vlp::models::clip;

namespace {

// What torch.nn.Linear and Conv2d draw by default: uniform within 1 / sqrt(fan in), weights and biases alike.
Init torchDefault(int64_t fanIn) { return Init::uniform(1 / std::sqrt(static_cast<double>(fanIn))); }

// OpenAI's code leaves the vision tower at torch's defaults (Xavier for the joint projection)...
TransformerConfig visionTransformer(const Config &c) {
  double width = c.vision.width;
  BlockInit init{Init::uniform(std::sqrt(6 / (4 * width))), torchDefault(c.vision.width), torchDefault(c.vision.width),
                 torchDefault(c.vision.hidden), torchDefault(c.vision.width), torchDefault(c.vision.hidden)};
  return {c.vision.width, c.vision.layers, c.vision.heads, c.vision.hidden,
          c.quickGelu ? Activation::QuickGelu : Activation::Gelu, c.eps, /*causal=*/false, init};
}

// ... and draws the text tower from normals scaled by width and depth (CLIP.initialize_parameters).
TransformerConfig textTransformer(const Config &c) {
  double width = c.text.width, projection = 1 / std::sqrt(width * 2 * c.text.layers);
  BlockInit init{Init::normal(1 / std::sqrt(width)), Init::normal(projection), Init::normal(1 / std::sqrt(2 * width)),
                 Init::normal(projection), torchDefault(c.text.width), torchDefault(c.text.hidden)};
  return {c.text.width, c.text.layers, c.text.heads, c.text.hidden,
          c.quickGelu ? Activation::QuickGelu : Activation::Gelu, c.eps, /*causal=*/true, init};
}

class ClipBuilder {
public:
  ClipBuilder(ModelBuilder &m, const Config &c) : m(m), c(c) {}

  void buildEntry(const EntryRequest &request) {
    ModelBuilder::Port image{"image", m.f32({request.batch, 3, c.imageSize, c.imageSize})};
    ModelBuilder::Port text{"text", m.i32({request.batch, c.contextLength})};
    if (request.name == "encode_image") {
      auto in = m.beginEntry(request.name, {image}, request.batch);
      m.endEntry({{"image_embedding", encodeImage(in[0])}});
    } else if (request.name == "encode_text") {
      auto in = m.beginEntry(request.name, {text}, request.batch);
      m.endEntry({{"text_embedding", encodeText(in[0])}});
    } else if (request.name == "gradients") {
      auto in = m.beginEntry(request.name, {image, text}, request.batch);
      Similarity s = similarity(in[0], in[1]);
      m.endEntry({{"loss", diagonalLoss(s)}, {"logits_per_image", s.perImage}}, /*differentiate=*/true);
    } else {
      auto in = m.beginEntry(request.name, {image, text, {"pair", m.i32({request.batch})}}, request.batch);
      Similarity s = similarity(in[0], in[1]);
      m.endEntry({{"loss", sharedLoss(s, in[2])}, {"logit_scale", s.scale}}, /*differentiate=*/true);
    }
  }

private:
  struct Similarity {
    Value perImage, perText; // [B, B], scaled
    Value scale;             // the multiplier e^t
  };

  Value normalised(Value x) {
    ModelBuilder::Layer layer(m, "normalize");
    return L2NormalizeOp::create(m.b, x, m.b.getF64FloatAttr(0)).getResult();
  }

  Value reshape(Value x, ArrayRef<int64_t> shape) { return ReshapeOp::create(m.b, m.f32(shape), x); }

  /// image [B, 3, R, R] -> unit vectors [B, embedding].
  Value encodeImage(Value image) {
    ModelBuilder::Layer visual(m, "visual");
    int64_t batch = ModelBuilder::shape(image)[0], width = c.vision.width;
    double scale = 1 / std::sqrt(static_cast<double>(width));
    Value x = embedPatches(image, batch, width, scale);
    x = transformer(m, "transformer", layerNorm(m, "ln_pre", x, c.eps), visionTransformer(c));
    Value token = SliceOp::create(m.b, x, ArrayRef<int64_t>{0, 0, 0}, ArrayRef<int64_t>{batch, 1, width});
    Value pooled = layerNorm(m, "ln_post", reshape(token, {batch, width}), c.eps);
    Value projection = m.parameter("proj", {width, c.embedding}, Init::normal(scale));
    return normalised(MatmulOp::create(m.b, pooled, projection, false, false));
  }

  /// Patches with the class token in front, plus positions: [B, tokens, width].
  Value embedPatches(Value image, int64_t batch, int64_t width, double scale) {
    Value patches;
    {
      ModelBuilder::Layer conv(m, "conv1");
      Value weight = m.parameter("weight", {width, 3, c.patch, c.patch}, torchDefault(3 * c.patch * c.patch));
      patches = PatchEmbedOp::create(m.b, image, weight, Value());
    }
    Value token = reshape(m.parameter("class_embedding", {width}, Init::normal(scale)), {1, 1, width});
    Value tokens = BroadcastOp::create(m.b, m.f32({batch, 1, width}), token);
    Value x = ConcatOp::create(m.b, ValueRange{tokens, patches}, 1);
    return AddOp::create(m.b, x, m.parameter("positional_embedding", {c.tokens(), width}, Init::normal(scale)));
  }

  /// text [B, T] -> unit vectors [B, embedding]; the row of the largest id (end of text) stands for the caption.
  Value encodeText(Value text) {
    Value x;
    {
      ModelBuilder::Layer embedding(m, "token_embedding");
      Value table = m.parameter("weight", {c.vocabulary, c.text.width}, Init::normal(0.02));
      x = EmbeddingOp::create(m.b, table, text);
    }
    x = AddOp::create(m.b, x, m.parameter("positional_embedding", {c.contextLength, c.text.width}, Init::normal(0.01)));
    x = layerNorm(m, "ln_final", transformer(m, "transformer", x, textTransformer(c)), c.eps);
    Value end = GatherRowsOp::create(m.b, x, ArgmaxOp::create(m.b, text));
    double scale = 1 / std::sqrt(static_cast<double>(c.text.width));
    Value projection = m.parameter("text_projection", {c.text.width, c.embedding}, Init::normal(scale));
    return normalised(MatmulOp::create(m.b, end, projection, false, false));
  }

  Similarity similarity(Value image, Value text) {
    Value f = encodeImage(image), g = encodeText(text);
    Value t = m.parameter("logit_scale", {}, Init::constant(std::log(1 / 0.07)));
    ModelBuilder::Layer layer(m, "logits");
    Similarity s;
    s.scale = ExpOp::create(m.b, t.getType(), t);
    s.perImage = MulOp::create(m.b, MatmulOp::create(m.b, f, g, false, true), s.scale);
    s.perText = TransposeOp::create(m.b, s.perImage, ArrayRef<int64_t>{1, 0});
    return s;
  }

  /// Mean over rows of both directions, halved.
  Value meanOfBoth(Value perImage, Value perText) {
    int64_t batch = ModelBuilder::shape(perImage)[0];
    Value sum = ReduceSumOp::create(m.b, AddOp::create(m.b, perImage, perText), ArrayRef<int64_t>{0});
    return MulOp::create(m.b, sum, m.scalar(0.5 / static_cast<double>(batch)));
  }

  /// Cross entropy against the diagonal.
  Value diagonalLoss(const Similarity &s) {
    ModelBuilder::Layer layer(m, "loss");
    int64_t batch = ModelBuilder::shape(s.perImage)[0];
    SmallVector<int32_t> diagonal;
    for (int64_t i = 0; i < batch; ++i)
      diagonal.push_back(static_cast<int32_t>(i));
    Value labels = ConstantOp::create(m.b, DenseElementsAttr::get(m.i32({batch}), ArrayRef<int32_t>(diagonal)));
    auto direction = [&](Value logits) {
      return CrossEntropyOp::create(m.b, logits, labels, -100, llvm::APFloat(0.0)).getLoss();
    };
    return meanOfBoth(direction(s.perImage), direction(s.perText));
  }

  /// Cross entropy against targets that share their mass among rows of equal pair id; the diagonal where all ids differ.
  Value sharedLoss(const Similarity &s, Value pair) {
    ModelBuilder::Layer layer(m, "loss");
    Value targets = MatchTargetsOp::create(m.b, s.perImage.getType(), pair, pair);
    auto direction = [&](Value logits) { return SoftCrossEntropyOp::create(m.b, logits, targets).getLoss(); };
    return meanOfBoth(direction(s.perImage), direction(s.perText));
  }

  ModelBuilder &m;
  const Config &c;
};

} // namespace

std::vector<std::string> clip::entryNames() { return {"train", "encode_image", "encode_text", "gradients"}; }

static void setModuleAttributes(ModuleOp module, StringRef model, const Config &c) {
  Builder b(module.getContext());
  SmallVector<NamedAttribute> config, recipe;
  for (const auto &[name, value] : sizes(c))
    config.push_back(b.getNamedAttr(name, b.getI64IntegerAttr(value)));
  for (const auto &[name, value] : c.recipe)
    recipe.push_back(b.getNamedAttr(name, b.getF64FloatAttr(value)));
  module->setAttr("vlp.model", b.getStringAttr(model));
  module->setAttr("vlp.architecture", b.getStringAttr("clip"));
  module->setAttr("vlp.config", b.getDictionaryAttr(config));
  module->setAttr("vlp.recipe", b.getDictionaryAttr(recipe));
  module->setAttr("vlp.preprocessing",
                  b.getDictionaryAttr({b.getNamedAttr("image_size", b.getI64IntegerAttr(c.imageSize)),
                                       b.getNamedAttr("mean", b.getDenseF32ArrayAttr(c.mean)),
                                       b.getNamedAttr("std", b.getDenseF32ArrayAttr(c.deviation)),
                                       b.getNamedAttr("context_length", b.getI64IntegerAttr(c.contextLength)),
                                       b.getNamedAttr("vocabulary_size", b.getI64IntegerAttr(c.vocabulary))}));
}

OwningOpRef<ModuleOp> clip::build(MLIRContext *context, StringRef model, const Config &config, ArrayRef<EntryRequest> entries) {
  context->loadDialect<VLPDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(NameLoc::get(StringAttr::get(context, model)));
  setModuleAttributes(*module, model, config);
  ModelBuilder builder(*module);
  for (const EntryRequest &entry : entries)
    ClipBuilder(builder, config).buildEntry(entry);
  return module;
}
