// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entries of BEiT-3, and what a compiled file says about the model.
#include "models/beit3/Beit3Architecture.h"

#include "models/beit3/Beit3.h"
#include "models/common/BuildEntries.h"
#include "models/common/Losses.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class Beit3Entries {
public:
  Beit3Entries(ModuleOp module, const Beit3Config &config) : b(module), config(config) {}

  void build(const EntryRequest &request, EntrySizes sizes) {
    std::map<std::string, int64_t> options = request.options;
    options["batch"] = sizes.batch;
    Port image{"image", b.floatType({sizes.batch, 3, config.image, config.image})};
    auto ids = [&](const char *name) { return Port{name, b.intType({sizes.batch, sizes.length})}; };
    auto patches = [&](const char *name) { return Port{name, b.intType({sizes.batch, config.getPatches()})}; };
    Port text = ids("text_ids"), padding = ids("text_padding");
    if (request.name == "encode_image") {
      b.beginEntry(request.name, {image}, options);
      b.endEntry({{"encoder_image", encode(embedBeit3Image(b, config, b.getInput("image")), {})}});
    } else if (request.name == "encode_text") {
      b.beginEntry(request.name, {text, padding}, options);
      b.endEntry({{"encoder_text", encode({}, embedBeit3Text(b, config, b.getInput("text_ids")))}});
    } else if (request.name == "encode_pair") {
      b.beginEntry(request.name, {image, text, padding}, options);
      Value pictures = embedBeit3Image(b, config, b.getInput("image"));
      b.endEntry({{"encoder_pair", encode(pictures, embedBeit3Text(b, config, b.getInput("text_ids")))}});
    } else {
      b.beginEntry(request.name,
                   {image, text, ids("masked_text_ids"), padding, ids("text_mask"), patches("vision_mask"),
                    patches("visual_codes")},
                   options);
      buildPretraining(request.name == "train");
    }
  }

private:
  Value encode(Value imageRows, Value textRows) {
    return encodeBeit3(b, config, imageRows, textRows, textRows ? b.getInput("text_padding") : Value());
  }

  /// Mean cross entropy of a head on the rows of x [B, S, width] where `mask` [B, S] is 1.
  Value maskedLoss(StringRef head, Value x, int64_t classes, Value labels, Value mask) {
    int64_t rows = shapeOf(mask)[0] * shapeOf(mask)[1], width = config.encoder.width;
    Value logits = linear(b, head, b.reshape(x, {rows, width}), classes, torchDefaultInit(b.getContext(), width),
                          torchDefaultInit(b.getContext(), width));
    return maskedCrossEntropy(b, logits, b.reshape(labels, {rows}), b.reshape(mask, {rows}));
  }
  Value imageLoss(Value x) {
    return maskedLoss("mim_head", b.slice(x, 1, 1, config.getPatches()), config.codes, b.getInput("visual_codes"),
                      b.getInput("vision_mask"));
  }
  Value textLoss(Value x, int64_t first) {
    Value rows = b.slice(x, 1, first, shapeOf(x)[1] - first);
    return maskedLoss("mlm_head", rows, config.vocabulary, b.getInput("text_ids"), b.getInput("text_mask"));
  }

  /// Masked data modelling: three passes, of pictures, of texts and of pairs, and one kind of loss.
  void buildPretraining(bool isTraining) {
    Value imageRows = embedBeit3Image(b, config, b.getInput("image"), b.getInput("vision_mask"));
    Value textRows = embedBeit3Text(b, config, b.getInput("masked_text_ids"));
    Value image = encode(imageRows, {}), text = encode({}, textRows), pair = encode(imageRows, textRows);
    std::vector<Output> losses = {{"loss_image", imageLoss(image)},
                                  {"loss_text", textLoss(text, 0)},
                                  {"loss_pair_image", imageLoss(pair)},
                                  {"loss_pair_text", textLoss(pair, shapeOf(imageRows)[1])}};
    Value loss = losses[0].value;
    for (const Output &more : ArrayRef<Output>(losses).drop_front())
      loss = b.make<AddOp>(loss, more.value);
    losses.insert(losses.begin(), {"loss", loss});
    if (!isTraining)
      losses.insert(losses.end(), {{"encoder_image", image}, {"encoder_text", text}, {"encoder_pair", pair}});
    func::FuncOp entry = b.endEntry(losses);
    entry->setAttr("vlp.differentiate", b.ops().getUnitAttr());
    if (isTraining)
      entry->setAttr("vlp.optimizer", b.ops().getStringAttr("adamw"));
  }

  ModelBuilder b;
  const Beit3Config &config;
};

class Beit3Architecture : public Architecture {
public:
  StringRef getName() const override { return "beit3"; }

  std::vector<PresetInfo> getPresets() const override { return describePresets(getBeit3Presets()); }

  std::vector<EntryInfo> getEntries() const override {
    return {{"train", "one optimizer step of masked data modelling on pictures, texts and pairs", 32, true},
            {"encode_image", "rows of pictures", 32, true},
            {"encode_text", "rows of texts", 32, true},
            {"encode_pair", "rows of pictures and texts together", 32, true},
            {"gradients", "losses and gradients without an update, for parity checks", 4, false}};
  }

  std::vector<std::pair<std::string, std::string>> getSettings() const override { return Beit3Config::getSettings(); }

  llvm::Expected<OwningOpRef<ModuleOp>> build(MLIRContext *context, StringRef preset, const Settings &settings,
                                              ArrayRef<EntryRequest> entries) const override {
    auto config = configure(getBeit3Presets(), preset, settings);
    if (!config)
      return config.takeError();
    return buildBeit3(context, preset, *config, entries);
  }
};
} // namespace

const Architecture &vlp::models::getBeit3Architecture() {
  static const Beit3Architecture architecture;
  return architecture;
}

/// Tokens of a text unless the request says otherwise.
static constexpr int64_t kDefaultLength = 64;

llvm::Expected<OwningOpRef<ModuleOp>> vlp::models::buildBeit3(MLIRContext *context, StringRef name,
                                                              const Beit3Config &config,
                                                              ArrayRef<EntryRequest> requests) {
  std::vector<EntryInfo> known = getBeit3Architecture().getEntries();
  std::vector<EntryRequest> entries = orDefaults(requests, known);
  for (EntryRequest &entry : entries) // positions reach further than texts of pretraining
    entry.options.try_emplace("length", std::min(config.context, kDefaultLength));
  auto built = buildEntries<Beit3Entries>(context, name, config, config.context, known, entries);
  if (!built)
    return built;
  ModuleOp module = **built;
  // Pixels from -1 to 1.
  describeModel(module, name, "beit3", config.getSizes(),
                {config.image, config.context, config.vocabulary, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}});
  describeAliases(module, {}, getParameterNames<Beit3Entries>(context, config, config.context));
  describeRecipe(module, {{"train.learning_rate", 1e-3},
                          {"train.weight_decay", 0.05},
                          {"train.beta1", 0.9},
                          {"train.beta2", 0.98},
                          {"train.eps", 1e-6},
                          {"train.clip_norm", 0},
                          {"train.warmup_steps", 10000},
                          {"train.total_steps", 1000000}});
  return built;
}
