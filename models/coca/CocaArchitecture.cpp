// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entries of CoCa, and what a compiled file says about the model.
#include "models/coca/CocaArchitecture.h"

#include "models/clip/Clip.h"
#include "models/coca/Coca.h"
#include "models/common/BuildEntries.h"
#include "models/common/Losses.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class CocaEntries {
public:
  CocaEntries(ModuleOp module, const CocaConfig &config) : b(module), config(config) {}

  void build(const EntryRequest &request, EntrySizes sizes) {
    std::map<std::string, int64_t> options = request.options;
    options["batch"] = sizes.batch;
    Port image{"image", b.floatType({sizes.batch, 3, config.clip.image, config.clip.image})};
    Port text{"text", b.intType({sizes.batch, sizes.length})};
    Port pair{"pair", b.intType({sizes.batch})};
    if (request.name == "encode_image") {
      b.beginEntry(request.name, {image}, options);
      b.endEntry({{"image_embedding", l2Normalize(b, encodeCocaImage(b, config, b.getInput("image")).embedding)}});
    } else if (request.name == "encode_text") {
      b.beginEntry(request.name, {text}, options);
      b.endEntry({{"text_embedding", l2Normalize(b, encodeCocaText(b, config, b.getInput("text")).embedding)}});
    } else if (request.name == "gradients") {
      b.beginEntry(request.name, {image, text}, options);
      buildGradients();
    } else {
      b.beginEntry(request.name, {image, text, pair}, options);
      buildTraining();
    }
  }

private:
  struct Forward {
    Value imageFeatures, textFeatures, similarity, scale, captionLogits, captionLoss;
  };

  /// Everything once: no part of the model is evaluated twice.
  Forward forward() {
    Forward f;
    CocaImage image = encodeCocaImage(b, config, b.getInput("image"));
    CocaText text = encodeCocaText(b, config, b.getInput("text"));
    f.imageFeatures = l2Normalize(b, image.embedding);
    f.textFeatures = l2Normalize(b, text.embedding);
    Value t = b.parameter("logit_scale", {}, constantInit(b.getContext(), std::log(1.0 / 0.07)));
    {
      Layer layer(b, "logit_scale_exp");
      f.scale = b.make<ExpOp>(t);
    }
    {
      Layer layer(b, "logits");
      f.similarity = contrastiveLogits(b, f.imageFeatures, f.textFeatures, f.scale);
    }
    f.captionLogits = decodeCaption(b, config, text, image);
    f.captionLoss = b.make<MulOp>(captionLoss(b, f.captionLogits, b.getInput("text"), config.padding),
                                  b.constant(config.captionWeight));
    return f;
  }

  Value weighted(Value contrastive) { return b.make<MulOp>(contrastive, b.constant(config.contrastiveWeight)); }

  void buildTraining() {
    Forward f = forward();
    Value contrastive = weighted(symmetricCrossEntropy(b, f.similarity, b.getInput("pair")));
    func::FuncOp entry = b.endEntry({{"loss", b.make<AddOp>(contrastive, f.captionLoss)},
                                     {"contrastive_loss", contrastive},
                                     {"caption_loss", f.captionLoss},
                                     {"logit_scale", f.scale}});
    entry->setAttr("vlp.differentiate", b.ops().getUnitAttr());
    entry->setAttr("vlp.optimizer", b.ops().getStringAttr("adamw"));
  }

  void buildGradients() {
    Forward f = forward();
    Value contrastive = weighted(symmetricCrossEntropy(b, f.similarity));
    func::FuncOp entry = b.endEntry({{"loss", b.make<AddOp>(contrastive, f.captionLoss)},
                                     {"contrastive_loss", contrastive},
                                     {"caption_loss", f.captionLoss},
                                     {"image_features", f.imageFeatures},
                                     {"text_features", f.textFeatures},
                                     {"logits", f.captionLogits}});
    entry->setAttr("vlp.differentiate", b.ops().getUnitAttr());
  }

  ModelBuilder b;
  const CocaConfig &config;
};

class CocaArchitecture : public Architecture {
public:
  StringRef getName() const override { return "coca"; }

  std::vector<PresetInfo> getPresets() const override { return describePresets(getCocaPresets()); }

  std::vector<EntryInfo> getEntries() const override {
    return {{"train", "one optimizer step on a batch of pairs", 128, true},
            {"encode_image", "unit embeddings of pictures", 64, true},
            {"encode_text", "unit embeddings of texts", 64, true},
            {"gradients", "losses and gradients without an update, for parity checks", 4, false}};
  }

  std::vector<std::pair<std::string, std::string>> getSettings() const override { return CocaConfig::getSettings(); }

  llvm::Expected<OwningOpRef<ModuleOp>> build(MLIRContext *context, StringRef preset, const Settings &settings,
                                              ArrayRef<EntryRequest> entries) const override {
    auto config = configure(getCocaPresets(), preset, settings);
    if (!config)
      return config.takeError();
    return buildCoca(context, preset, *config, entries);
  }
};
} // namespace

const Architecture &vlp::models::getCocaArchitecture() {
  static const CocaArchitecture architecture;
  return architecture;
}

llvm::Expected<OwningOpRef<ModuleOp>> vlp::models::buildCoca(MLIRContext *context, StringRef name,
                                                             const CocaConfig &config,
                                                             ArrayRef<EntryRequest> requests) {
  std::vector<EntryInfo> known = getCocaArchitecture().getEntries();
  std::vector<EntryRequest> entries = orDefaults(requests, known);
  for (const EntryRequest &entry : entries) {
    auto length = entry.options.find("length");
    bool captions = entry.name == "train" || entry.name == "gradients";
    if (captions && (length == entry.options.end() ? config.clip.context : length->second) == 1)
      return makeError("entry '" + entry.name + "': length=1, expected at least 2: a caption has a next token");
  }
  auto built = buildEntries<CocaEntries>(context, name, config, config.clip.context, known, entries);
  if (!built)
    return built;
  ModuleOp module = **built;
  describeModel(module, name, "coca", config.getSizes(), config.clip.getPreprocessing());
  describeAliases(module, {}, getParameterNames<CocaEntries>(context, config, config.clip.context));
  describeRecipe(module, getScalars(config.clip.recipe));
  clampLogitScale(module);
  return built;
}
