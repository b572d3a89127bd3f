// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entries of VLMo, and what a compiled file says about the model.
#include "models/vlmo/VlmoArchitecture.h"

#include "models/common/BuildEntries.h"
#include "models/common/TrainState.h"
#include "models/vlmo/Vlmo.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class VlmoEntries {
public:
  VlmoEntries(ModuleOp module, const VlmoConfig &config) : b(module, decaysAsInVlmo), config(config) {}

  void build(const EntryRequest &request, EntrySizes sizes) {
    std::map<std::string, int64_t> options = request.options;
    options["batch"] = sizes.batch;
    int64_t side = config.image;
    Port image{"image", b.floatType({sizes.batch, 3, side, side})};
    auto tokens = [&](const char *name) { return Port{name, b.intType({sizes.batch, sizes.length})}; };
    auto draws = [&](const char *name) { return Port{name, b.intType({sizes.batch})}; };
    Port ids = tokens("text_ids"), mask = tokens("text_masks");
    std::vector<Port> batch = {image, ids, mask, tokens("text_ids_mlm"), tokens("text_labels_mlm")};
    if (request.name == "encode_image") {
      b.beginEntry(request.name, {image}, options);
      VlmoModel model(b, config);
      Value rows = model.encode(model.embedImage(b.getInput("image")));
      b.endEntry({{"image_embedding", model.project("itc_image_proj", rows)}});
    } else if (request.name == "encode_text") {
      b.beginEntry(request.name, {ids, mask}, options);
      VlmoModel model(b, config);
      Value rows = model.encode(model.embedText(b.getInput("text_ids"), b.getInput("text_masks")));
      b.endEntry({{"text_embedding", model.project("itc_text_proj", rows)}});
    } else if (request.name == "match") {
      b.beginEntry(request.name, {image, ids, mask}, options);
      buildMatch();
    } else if (request.name == "train") {
      b.beginEntry(request.name, batch, options);
      buildTraining(sizes.batch);
    } else {
      batch.push_back(draws("neg_image_for_text"));
      batch.push_back(draws("neg_text_for_image"));
      b.beginEntry(request.name, batch, options);
      buildGradients();
    }
  }

private:
  void buildMatch() {
    VlmoModel model(b, config);
    VlmoSequence text = model.embedText(b.getInput("text_ids"), b.getInput("text_masks"));
    b.endEntry({{"match_logits", model.match(model.encode(model.join(text, model.embedImage(b.getInput("image")))))}});
  }

  VlmoBatch getBatch() {
    VlmoBatch batch;
    batch.image = b.getInput("image");
    batch.ids = b.getInput("text_ids");
    batch.mask = b.getInput("text_masks");
    batch.maskedIds = b.getInput("text_ids_mlm");
    batch.maskedLabels = b.getInput("text_labels_mlm");
    batch.negatives = {b.getInput("neg_image_for_text"), b.getInput("neg_text_for_image")};
    return batch;
  }

  std::vector<Output> getOutputs(const VlmoLosses &losses) {
    Value loss = b.make<AddOp>(b.make<AddOp>(losses.maskedLanguage, losses.contrastive), losses.matching);
    return {{"loss", loss},
            {"mlm_loss", losses.maskedLanguage},
            {"itc_loss", losses.contrastive},
            {"itm_loss", losses.matching}};
  }

  void buildTraining(int64_t size) {
    VlmoBatch batch = getBatch();
    batch.uniform = drawUniform(b, {2, size, size}, DrawStream::Negatives);
    func::FuncOp entry = b.endEntry(getOutputs(pretrainVlmo(b, config, batch)));
    entry->setAttr("vlp.differentiate", b.ops().getUnitAttr());
    entry->setAttr("vlp.optimizer", b.ops().getStringAttr("adamw"));
  }

  void buildGradients() {
    VlmoLosses losses = pretrainVlmo(b, config, getBatch());
    std::vector<Output> outputs = getOutputs(losses);
    outputs.insert(outputs.end(), {{"itc_i2t_logits", losses.similarity}, {"itm_logits", losses.matchScores}});
    b.endEntry(outputs)->setAttr("vlp.differentiate", b.ops().getUnitAttr());
  }

  ModelBuilder b;
  const VlmoConfig &config;
};

class VlmoArchitecture : public Architecture {
public:
  StringRef getName() const override { return "vlmo"; }

  std::vector<PresetInfo> getPresets() const override { return describePresets(getVlmoPresets()); }

  std::vector<EntryInfo> getEntries() const override {
    return {{"train", "one optimizer step of contrast, matching and masked language on a batch of pairs", 64, true},
            {"encode_image", "unit embeddings of pictures", 64, true},
            {"encode_text", "unit embeddings of texts", 64, true},
            {"match", "scores that pictures and texts do not, or do, belong together", 64, true},
            {"gradients", "losses and gradients without an update, for parity checks", 4, false}};
  }

  std::vector<std::pair<std::string, std::string>> getSettings() const override { return VlmoConfig::getSettings(); }

  llvm::Expected<OwningOpRef<ModuleOp>> build(MLIRContext *context, StringRef preset, const Settings &settings,
                                              ArrayRef<EntryRequest> entries) const override {
    auto config = configure(getVlmoPresets(), preset, settings);
    if (!config)
      return config.takeError();
    return buildVlmo(context, preset, *config, entries);
  }
};
} // namespace

const Architecture &vlp::models::getVlmoArchitecture() {
  static const VlmoArchitecture architecture;
  return architecture;
}

llvm::Expected<OwningOpRef<ModuleOp>> vlp::models::buildVlmo(MLIRContext *context, StringRef name,
                                                             const VlmoConfig &config,
                                                             ArrayRef<EntryRequest> requests) {
  std::vector<EntryInfo> known = getVlmoArchitecture().getEntries();
  std::vector<EntryRequest> entries = orDefaults(requests, known);
  for (EntryRequest &entry : entries)
    entry.options.try_emplace("length", config.context);
  if (llvm::Error error = checkMomentumBatches(entries, known, /*queue=*/0))
    return error;
  auto built = buildEntries<VlmoEntries>(context, name, config, config.context, known, entries);
  if (!built)
    return built;
  ModuleOp module = **built;
  describeModel(module, name, "vlmo", config.getSizes(),
                {config.image, config.context, config.vocabulary, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}});
  // Official files have the table also where positions are relative.
  SmallVector<StringRef> unused = {"text_embeddings.position_ids"};
  if (config.relativeTokens)
    unused.push_back("text_embeddings.position_embeddings.weight");
  describeAliases(module, unused, getParameterNames<VlmoEntries>(context, config, config.context));
  describeRecipe(module, {{"train.learning_rate", 2e-4},
                          {"train.weight_decay", 0.01},
                          {"train.beta1", 0.9},
                          {"train.beta2", 0.98},
                          {"train.eps", 1e-8},
                          {"train.clip_norm", 0},
                          {"train.warmup_steps", 2500},
                          {"train.total_steps", 200000}});
  return built;
}
