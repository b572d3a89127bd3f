// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entries of BLIP, and what a compiled file says about the model.
#include "models/blip/BlipArchitecture.h"

#include "models/blip/Blip.h"
#include "models/common/BuildEntries.h"
#include "models/common/TrainState.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class BlipEntries {
public:
  BlipEntries(ModuleOp module, const BlipConfig &config) : b(module, decaysAlways), config(config) {}

  void build(const EntryRequest &request, EntrySizes sizes) {
    std::map<std::string, int64_t> options = request.options;
    options["batch"] = sizes.batch;
    int64_t side = config.vision.image;
    Port image{"image", b.floatType({sizes.batch, 3, side, side})};
    auto tokens = [&](const char *name) { return Port{name, b.intType({sizes.batch, sizes.length})}; };
    auto draws = [&](const char *name) { return Port{name, b.intType({sizes.batch})}; };
    Port ids = tokens("input_ids"), mask = tokens("attention_mask");
    std::vector<Port> batch = {image, ids, mask};
    if (request.name == "encode_image") {
      b.beginEntry(request.name, {image}, options);
      b.endEntry({{"image_embedding", model.projectImage(model.encodeImage(b.getInput("image")))}});
    } else if (request.name == "encode_text") {
      b.beginEntry(request.name, {ids, mask}, options);
      b.endEntry(
          {{"text_embedding", model.projectText(model.encodeText(model.embed(b.getInput("input_ids")), scores()))}});
    } else if (request.name == "match") {
      b.beginEntry(request.name, {image, ids, mask}, options);
      buildMatch();
    } else if (request.name == "decode") {
      b.beginEntry(request.name, {image, ids, mask}, options);
      buildDecode();
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
  Value scores() { return paddingScores(b, b.getInput("attention_mask")); }

  void buildMatch() {
    Value images = model.encodeImage(b.getInput("image"));
    Value texts = model.embed(b.getInput("input_ids"), config.getMatchToken());
    b.endEntry({{"match_logits", model.match(model.encodeText(texts, scores(), images))}});
  }

  void buildDecode() {
    Value images = model.encodeImage(b.getInput("image"));
    Value texts = model.embed(b.getInput("input_ids"), config.getDecodeToken());
    b.endEntry({{"logits", model.decode(texts, scores(), images)}});
  }

  BlipBatch getBatch(Value alpha) {
    BlipBatch batch;
    batch.image = b.getInput("image");
    batch.ids = b.getInput("input_ids");
    batch.mask = b.getInput("attention_mask");
    batch.negatives = {b.getInput("neg_image_for_text"), b.getInput("neg_text_for_image")};
    batch.alpha = alpha;
    return batch;
  }

  std::vector<Output> getOutputs(const BlipLosses &losses) {
    Value loss = b.make<AddOp>(b.make<AddOp>(losses.contrastive, losses.matching), losses.language);
    return {
        {"loss", loss}, {"loss_ita", losses.contrastive}, {"loss_itm", losses.matching}, {"loss_lm", losses.language}};
  }

  void buildTraining(int64_t size) {
    BlipBatch batch = getBatch(rampedAlpha(b, config.alpha));
    batch.uniform = drawUniform(b, {2, size, size}, DrawStream::Negatives);
    func::FuncOp entry = b.endEntry(getOutputs(pretrainBlip(b, config, batch)));
    entry->setAttr("vlp.differentiate", b.ops().getUnitAttr());
    entry->setAttr("vlp.optimizer", b.ops().getStringAttr("adamw"));
  }

  void buildGradients() {
    std::vector<Output> outputs = getOutputs(pretrainBlip(b, config, getBatch(b.constant(config.alpha))));
    for (const Output &each : b.takeWrites())
      outputs.push_back({"after/" + each.name, each.value});
    b.endEntry(outputs)->setAttr("vlp.differentiate", b.ops().getUnitAttr());
  }

  ModelBuilder b;
  const BlipConfig &config;
  BlipModel model{b, config};
};

class BlipArchitecture : public Architecture {
public:
  StringRef getName() const override { return "blip"; }

  std::vector<PresetInfo> getPresets() const override { return describePresets(getBlipPresets()); }

  std::vector<EntryInfo> getEntries() const override {
    return {{"train", "one optimizer step of contrast, matching and language modelling on a batch of pairs", 64, true},
            {"encode_image", "unit embeddings of pictures", 64, true},
            {"encode_text", "unit embeddings of texts", 64, true},
            {"match", "scores that pictures and texts do not, or do, belong together", 64, true},
            {"decode", "scores of the next tokens of captions", 64, false},
            {"gradients", "losses, gradients and new averages and queues, for parity checks", 4, false}};
  }

  std::vector<std::pair<std::string, std::string>> getSettings() const override { return BlipConfig::getSettings(); }

  llvm::Expected<OwningOpRef<ModuleOp>> build(MLIRContext *context, StringRef preset, const Settings &settings,
                                              ArrayRef<EntryRequest> entries) const override {
    auto config = configure(getBlipPresets(), preset, settings);
    if (!config)
      return config.takeError();
    return buildBlip(context, preset, *config, entries);
  }
};
} // namespace

const Architecture &vlp::models::getBlipArchitecture() {
  static const BlipArchitecture architecture;
  return architecture;
}

llvm::Expected<OwningOpRef<ModuleOp>> vlp::models::buildBlip(MLIRContext *context, StringRef name,
                                                             const BlipConfig &config,
                                                             ArrayRef<EntryRequest> requests) {
  std::vector<EntryInfo> known = getBlipArchitecture().getEntries();
  std::vector<EntryRequest> entries = orDefaults(requests, known);
  for (EntryRequest &entry : entries)
    entry.options.try_emplace("length", config.context);
  if (llvm::Error error = checkMomentumBatches(entries, known, config.queue))
    return error;
  auto built = buildEntries<BlipEntries>(context, name, config, config.bert.positions, known, entries);
  if (!built)
    return built;
  ModuleOp module = **built;
  describeModel(module, name, "blip", config.getSizes(),
                {config.vision.image,
                 config.context,
                 config.bert.vocabulary,
                 {0.48145466f, 0.4578275f, 0.40821073f},
                 {0.26862954f, 0.26130258f, 0.27577711f}});
  describeAliases(module,
                  {"text_encoder.embeddings.position_ids", "text_encoder_m.embeddings.position_ids",
                   "text_decoder.bert.embeddings.position_ids"},
                  getParameterNames<BlipEntries>(context, config, config.context), getTiedNames(config));
  describeRecipe(module, {{"train.learning_rate", 3e-4},
                          {"train.weight_decay", 0.05},
                          {"train.beta1", 0.9},
                          {"train.beta2", 0.999},
                          {"train.eps", 1e-8},
                          {"train.clip_norm", 0},
                          {"train.warmup_steps", 3000},
                          {"train.total_steps", 300000}});
  boundParameter(module, "temp", 0.001, 0.5);
  return built;
}
