// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entries of CLIP, and what a compiled file says about the model.
#include "models/clip/ClipArchitecture.h"

#include "models/common/BuildEntries.h"
#include "models/common/Losses.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class ClipEntries {
public:
  ClipEntries(ModuleOp module, const ClipConfig &config) : b(module), config(config) {}

  void build(const EntryRequest &request, EntrySizes sizes) {
    std::map<std::string, int64_t> options = request.options;
    options["batch"] = sizes.batch;
    Port image{"image", b.floatType({sizes.batch, 3, config.image, config.image})};
    Port text{"text", b.intType({sizes.batch, sizes.length})};
    Port pair{"pair", b.intType({sizes.batch})};
    if (request.name == "encode_image") {
      b.beginEntry(request.name, {image}, options);
      b.endEntry({{"image_embedding", imageFeatures()}});
    } else if (request.name == "encode_text") {
      b.beginEntry(request.name, {text}, options);
      b.endEntry({{"text_embedding", textFeatures()}});
    } else if (request.name == "gradients") {
      b.beginEntry(request.name, {image, text}, options);
      buildGradients();
    } else {
      b.beginEntry(request.name, {image, text, pair}, options);
      buildTraining();
    }
  }

private:
  Value imageFeatures() { return l2Normalize(b, encodeImage(b, config, b.getInput("image"))); }
  Value textFeatures() { return l2Normalize(b, encodeText(b, config, b.getInput("text"))); }

  /// The multiplier exp(t) of the similarities; t starts at ln(1 / 0.07).
  Value logitScale() {
    Layer layer(b, "logit_scale_exp");
    return b.make<ExpOp>(scaleParameter);
  }

  Value logits(Value &scale) {
    Value f = imageFeatures();
    Value g = textFeatures();
    scaleParameter = b.parameter("logit_scale", {}, constantInit(b.getContext(), std::log(1.0 / 0.07)));
    scale = logitScale();
    Layer layer(b, "logits");
    return contrastiveLogits(b, f, g, scale);
  }

  void buildTraining() {
    Value scale;
    Value similarity = logits(scale);
    Value loss = symmetricCrossEntropy(b, similarity, b.getInput("pair"));
    func::FuncOp entry = b.endEntry({{"loss", loss}, {"logit_scale", scale}});
    entry->setAttr("vlp.differentiate", b.ops().getUnitAttr());
    entry->setAttr("vlp.optimizer", b.ops().getStringAttr("adamw"));
  }

  void buildGradients() {
    Value scale;
    Value similarity = logits(scale);
    func::FuncOp entry = b.endEntry({{"loss", symmetricCrossEntropy(b, similarity)}, {"logits_per_image", similarity}});
    entry->setAttr("vlp.differentiate", b.ops().getUnitAttr());
  }

  ModelBuilder b;
  const ClipConfig &config;
  Value scaleParameter;
};

class ClipArchitecture : public Architecture {
public:
  StringRef getName() const override { return "clip"; }

  std::vector<PresetInfo> getPresets() const override { return describePresets(getClipPresets()); }

  std::vector<EntryInfo> getEntries() const override {
    return {{"train", "one optimizer step on a batch of pairs", 128, true},
            {"encode_image", "unit embeddings of pictures", 64, true},
            {"encode_text", "unit embeddings of texts", 64, true},
            {"gradients", "loss and gradients without an update, for parity checks", 4, false}};
  }

  std::vector<std::pair<std::string, std::string>> getSettings() const override { return ClipConfig::getSettings(); }

  llvm::Expected<OwningOpRef<ModuleOp>> build(MLIRContext *context, StringRef preset, const Settings &settings,
                                              ArrayRef<EntryRequest> entries) const override {
    auto config = configure(getClipPresets(), preset, settings);
    if (!config)
      return config.takeError();
    return buildClip(context, preset, *config, entries);
  }
};
} // namespace

const Architecture &vlp::models::getClipArchitecture() {
  static const ClipArchitecture architecture;
  return architecture;
}

void models::clampLogitScale(ModuleOp module) {
  if (module->hasAttr("vlp.recipe"))
    module.lookupSymbol("logit_scale")
        ->setAttr("vlp.max_multiplier", FlatSymbolRefAttr::get(module.getContext(), "train.logit_scale_max"));
}

std::map<std::string, double> models::getScalars(const ClipRecipe &recipe) {
  return {{"train.learning_rate", recipe.learningRate},
          {"train.weight_decay", recipe.weightDecay},
          {"train.beta1", recipe.beta1},
          {"train.beta2", recipe.beta2},
          {"train.eps", recipe.eps},
          {"train.clip_norm", recipe.clipNorm},
          {"train.warmup_steps", recipe.warmupSteps},
          {"train.total_steps", recipe.totalSteps},
          {"train.logit_scale_max", recipe.logitScaleMax}};
}

llvm::Expected<OwningOpRef<ModuleOp>> vlp::models::buildClip(MLIRContext *context, StringRef name,
                                                             const ClipConfig &config,
                                                             ArrayRef<EntryRequest> requests) {
  std::vector<EntryInfo> known = getClipArchitecture().getEntries();
  std::vector<EntryRequest> entries = orDefaults(requests, known);
  auto built = buildEntries<ClipEntries>(context, name, config, config.context, known, entries);
  if (!built)
    return built;
  ModuleOp module = **built;
  describeModel(module, name, "clip", config.getSizes(), config.getPreprocessing());
  // Tensors that OpenAI's archives have besides.
  describeAliases(module, {"context_length", "input_resolution", "vocab_size"},
                  getParameterNames<ClipEntries>(context, config, config.context));
  describeRecipe(module, getScalars(config.recipe));
  clampLogitScale(module);
  return built;
}
