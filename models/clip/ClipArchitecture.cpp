// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entries of CLIP, and what a compiled file says about the model.
#include "models/clip/ClipArchitecture.h"

#include "models/common/Losses.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
/// The sizes of one entry.
struct EntrySizes {
  int64_t batch;
  int64_t length;
};

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

  /// Declares every parameter, used or not: then names that a file of few entries does not need are known.
  static std::vector<std::string> getParameterNames(MLIRContext *context, const ClipConfig &config) {
    OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
    ClipEntries entries(*module, config);
    entries.build({"gradients", {}}, {1, config.context});
    std::vector<std::string> names;
    for (ParameterOp parameter : module->getOps<ParameterOp>())
      names.push_back(parameter.getSymName().str());
    return names;
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

  std::vector<PresetInfo> getPresets() const override {
    std::vector<PresetInfo> presets;
    for (const ClipPreset &preset : getClipPresets())
      presets.push_back({preset.name, preset.summary});
    return presets;
  }

  std::vector<EntryInfo> getEntries() const override {
    return {{"train", "one optimizer step on a batch of pairs", 128, true},
            {"encode_image", "unit embeddings of pictures", 64, true},
            {"encode_text", "unit embeddings of texts", 64, true},
            {"gradients", "loss and gradients without an update, for parity checks", 4, false}};
  }

  std::vector<std::pair<std::string, std::string>> getSettings() const override { return ClipConfig::getSettings(); }

  llvm::Expected<OwningOpRef<ModuleOp>> build(MLIRContext *context, StringRef preset, const Settings &settings,
                                              ArrayRef<EntryRequest> entries) const override {
    const ClipPreset *found = llvm::find_if(getClipPresets(), [&](auto &p) { return p.name == preset; }).base();
    ClipConfig config = found->config;
    if (llvm::Error error = config.apply(settings))
      return error;
    return buildClip(context, preset, config, entries);
  }
};
} // namespace

const Architecture &vlp::models::getClipArchitecture() {
  static const ClipArchitecture architecture;
  return architecture;
}

/// Sizes of the entries, or all that is wrong with the requests.
static llvm::Expected<std::vector<EntrySizes>> resolveEntries(const ClipConfig &config,
                                                              ArrayRef<EntryRequest> requests) {
  std::vector<std::string> problems, known;
  for (const EntryInfo &info : getClipArchitecture().getEntries())
    known.push_back(info.name);
  std::vector<EntrySizes> sizes;
  llvm::StringSet<> seen;
  for (const EntryRequest &request : requests) {
    auto position = llvm::find(known, request.name);
    if (position == known.end()) {
      problems.push_back("unknown entry '" + request.name + "'; " + suggest(request.name, known));
      continue;
    }
    if (!seen.insert(request.name).second)
      problems.push_back("entry '" + request.name + "' is asked for twice");
    EntrySizes entry{getClipArchitecture().getEntries()[position - known.begin()].defaultBatch, config.context};
    for (auto &[option, value] : request.options) {
      if (option != "batch" && option != "length")
        problems.push_back("entry '" + request.name + "' has no option '" + option + "'; known: batch, length");
      else if (value < 1 || (option == "length" && value > config.context))
        problems.push_back("entry '" + request.name + "': " + option + "=" + std::to_string(value) +
                           ", expected at least 1" +
                           (option == "length" ? " and at most " + std::to_string(config.context) : ""));
      else
        (option == "batch" ? entry.batch : entry.length) = value;
    }
    sizes.push_back(entry);
  }
  if (!problems.empty())
    return makeError(llvm::join(problems, "; "));
  return sizes;
}

static DictionaryAttr makeDictionary(Builder &builder, const std::map<std::string, double> &values) {
  NamedAttrList list;
  for (auto &[name, value] : values)
    list.append(name, builder.getF64FloatAttr(value));
  return list.getDictionary(builder.getContext());
}

/// Names in other files: extra tensors of OpenAI's archives, and parameters that these entries do not use, are passed
/// over.
static DictionaryAttr makeAliases(ModuleOp module, const ClipConfig &config) {
  Builder builder(module.getContext());
  NamedAttrList aliases;
  for (StringRef extra : {"context_length", "input_resolution", "vocab_size"})
    aliases.append(extra, builder.getStringAttr(""));
  for (const std::string &name : ClipEntries::getParameterNames(module.getContext(), config))
    if (!module.lookupSymbol(name))
      aliases.append(name, builder.getStringAttr(""));
  return aliases.getDictionary(module.getContext());
}

static void describe(ModuleOp module, StringRef name, const ClipConfig &config) {
  Builder builder(module.getContext());
  module->setAttr("vlp.model", builder.getStringAttr(name));
  module->setAttr("vlp.architecture", builder.getStringAttr("clip"));
  module->setAttr("vlp.config", makeDictionary(builder, config.getSizes()));
  module->setAttr("vlp.aliases", makeAliases(module, config));
  auto floats = [&](ArrayRef<float> values) { return builder.getDenseF32ArrayAttr(values); };
  module->setAttr("vlp.preprocessing",
                  builder.getDictionaryAttr({
                      builder.getNamedAttr("context_length", builder.getI64IntegerAttr(config.context)),
                      builder.getNamedAttr("image_size", builder.getI64IntegerAttr(config.image)),
                      builder.getNamedAttr("mean", floats(config.mean)),
                      builder.getNamedAttr("std", floats(config.deviation)),
                      builder.getNamedAttr("vocabulary_size", builder.getI64IntegerAttr(config.vocabulary)),
                  }));
}

/// How training entries begin and what they keep within bounds.
static void describeTraining(ModuleOp module, const ClipRecipe &recipe) {
  Builder builder(module.getContext());
  if (llvm::none_of(module.getOps<func::FuncOp>(), [](func::FuncOp entry) { return entry->hasAttr("vlp.optimizer"); }))
    return;
  module->setAttr("vlp.recipe", makeDictionary(builder, {{"train.learning_rate", recipe.learningRate},
                                                         {"train.weight_decay", recipe.weightDecay},
                                                         {"train.beta1", recipe.beta1},
                                                         {"train.beta2", recipe.beta2},
                                                         {"train.eps", recipe.eps},
                                                         {"train.clip_norm", recipe.clipNorm},
                                                         {"train.warmup_steps", recipe.warmupSteps},
                                                         {"train.total_steps", recipe.totalSteps},
                                                         {"train.logit_scale_max", recipe.logitScaleMax}}));
  // open_clip clamps t to [0, ln 100] after each step.
  module.lookupSymbol("logit_scale")
      ->setAttr("vlp.max_multiplier", FlatSymbolRefAttr::get(module.getContext(), "train.logit_scale_max"));
}

llvm::Expected<OwningOpRef<ModuleOp>> vlp::models::buildClip(MLIRContext *context, StringRef name,
                                                             const ClipConfig &config,
                                                             ArrayRef<EntryRequest> requests) {
  std::vector<EntryRequest> entries(requests.begin(), requests.end());
  if (entries.empty())
    for (const EntryInfo &info : getClipArchitecture().getEntries())
      if (info.byDefault)
        entries.push_back({info.name, {}});
  if (llvm::Error error = config.verify())
    return error;
  auto sizes = resolveEntries(config, entries);
  if (!sizes)
    return sizes.takeError();

  context->loadDialect<VLPDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(NameLoc::get(StringAttr::get(context, name)));
  ClipEntries builder(*module, config);
  for (auto [request, size] : llvm::zip_equal(entries, *sizes))
    builder.build(request, size);
  describe(*module, name, config);
  describeTraining(*module, config.recipe);
  return module;
}
