// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files of the golden layout at any size.
#include "test/tools/vlp-check/GoldenMaker.h"

#include "models/albef/Albef.h"
#include "models/beit3/Beit3.h"
#include "models/blip/Blip.h"
#include "models/clip/Clip.h"
#include "models/coca/Coca.h"
#include "models/vlmo/Vlmo.h"
#include "passes/Pipelines/Registration.h"
#include "tools/vlp-check/Device.h"
#include "tools/vlp-check/RandomInputs.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

static GoldenTensors::Tensor toTensor(const Array<double> &array) {
  GoldenTensors::Tensor tensor;
  tensor.shape.assign(array.shape.begin(), array.shape.end());
  if (array.isInteger()) {
    std::vector<int64_t> values(array.ints.begin(), array.ints.end());
    tensor.type = SafetensorsType::I64;
    tensor.bytes.assign(reinterpret_cast<const char *>(values.data()), 8 * values.size());
  } else {
    std::vector<float> values(array.values.begin(), array.values.end());
    tensor.type = SafetensorsType::F32;
    tensor.bytes.assign(reinterpret_cast<const char *>(values.data()), 4 * values.size());
  }
  return tensor;
}

void GoldenTensors::write(const std::string &path) const {
  std::vector<SafetensorsTensor> list;
  for (auto &[name, tensor] : tensors)
    list.push_back({name, tensor.type, tensor.shape, std::as_bytes(std::span(tensor.bytes))});
  Status status = writeSafetensors(path, list, metadata);
  ASSERT_TRUE(status) << status.message();
}

/// `results`: those that the file is to hold, of the entry that `build` makes.
/// `edit` may change the random inputs.
static GoldenTensors makeGolden(llvm::function_ref<llvm::Expected<OwningOpRef<ModuleOp>>(MLIRContext *)> build,
                                const std::vector<std::string> &results, models::Activation activation,
                                llvm::function_ref<void(tools::Arrays<double> &inputs)> edit = {}) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto module = build(&context);
  EXPECT_TRUE(bool(module)) << llvm::toString(module.takeError());
  tools::Arrays<double> inputs = tools::makeRandomInputs((*module)->lookupSymbol<func::FuncOp>("gradients"), 3);
  if (edit)
    edit(inputs);
  State<double> state;
  uint32_t bits = 12345;
  for (auto &[name, type] : getStateTypes(**module)) {
    Array<double> array(type);
    for (double &value : array.values) {
      bits = bits * 1664525u + 1013904223u;
      // Wide enough that every layer matters; gains around 1.
      value = float((double(bits >> 8) / double(1 << 24) - 0.5) * 0.3 +
                    ((StringRef(name).contains("ln_") || StringRef(name).contains("norm") ||
                      StringRef(name).contains("LayerNorm")) &&
                     StringRef(name).ends_with("weight")));
    }
    if (name == "temp")
      array.values[0] = 0.25;
    state[name] = array;
  }
  auto computed =
      tools::runOnDevice(tools::Device{tools::DeviceKind::ReferenceF64}, **module, "gradients", inputs, state);
  EXPECT_TRUE(bool(computed)) << llvm::toString(computed.takeError());
  GoldenTensors golden;
  for (auto &[name, array] : state) {
    bool isParameter = (*module)->lookupSymbol<ParameterOp>(name) != nullptr;
    golden.tensors[(isParameter ? "param/" : "buffer_before/") + name] = toTensor(array);
  }
  for (auto &[name, array] : inputs)
    golden.tensors[(StringRef(name).starts_with("neg_") ? "rng/" : "in/") + name] = toTensor(array);
  for (auto &[name, array] : *computed)
    if (StringRef(name).starts_with("grad/") || StringRef(name).starts_with("after/"))
      golden.tensors[name] = toTensor(array);
  for (const std::string &name : results)
    golden.tensors["out/" + name] = toTensor(computed->at(name));
  golden.metadata["act"] = activation == models::Activation::Gelu ? "gelu" : "quick_gelu";
  return golden;
}

GoldenTensors test::makeClipGolden(const models::ClipConfig &config, int64_t batch, int64_t length) {
  models::EntryRequest entry{"gradients", {{"batch", batch}, {"length", length}}};
  return makeGolden([&](MLIRContext *context) { return models::buildClip(context, "golden", config, entry); },
                    {"loss", "logits_per_image"}, config.activation);
}

GoldenTensors test::makeCocaGolden(const models::CocaConfig &config, int64_t batch, int64_t length) {
  models::EntryRequest entry{"gradients", {{"batch", batch}, {"length", length}}};
  GoldenTensors golden = makeGolden(
      [&](MLIRContext *context) { return models::buildCoca(context, "golden", config, entry); },
      {"contrastive_loss", "caption_loss", "image_features", "text_features", "logits"}, config.clip.activation);
  golden.metadata["pool_heads"] = std::to_string(config.poolHeads);
  return golden;
}

/// Texts of at least two tokens with padding behind them, and where a model takes those, every third token masked.
static void makeTexts(tools::Arrays<double> &inputs) {
  bool isVlmo = inputs.count("text_masks") != 0;
  Array<double> &mask = inputs[isVlmo ? "text_masks" : "attention_mask"],
                &ids = inputs[isVlmo ? "text_ids" : "input_ids"];
  auto labels = inputs.find(isVlmo ? "text_labels_mlm" : "mlm_labels");
  int64_t length = mask.shape[1];
  for (int64_t i = 0; i < mask.size(); ++i) {
    mask.ints[i] = i % length < std::max<int64_t>(2, length - i / length);
    ids.ints[i] = mask.ints[i] ? std::max(1, ids.ints[i]) : 0;
    if (i % 3 && labels != inputs.end())
      labels->second.ints[i] = -100;
  }
}

/// The metadata of models with a ViT and a BERT.
template <typename Config>
static void describe(const Config &config, GoldenTensors &golden) {
  golden.metadata["vision_heads"] = std::to_string(config.vision.tower.getHeads());
  golden.metadata["text_heads"] = std::to_string(config.bert.tower.getHeads());
  golden.metadata["alpha"] = std::to_string(config.alpha);
  golden.metadata["momentum"] = std::to_string(config.momentum);
}

GoldenTensors test::makeAlbefGolden(const models::AlbefConfig &config, int64_t batch, int64_t length) {
  models::EntryRequest entry{"gradients", {{"batch", batch}, {"length", length}}};
  GoldenTensors golden =
      makeGolden([&](MLIRContext *context) { return models::buildAlbef(context, "golden", config, entry); },
                 {"loss_mlm", "loss_ita", "loss_itm"}, models::Activation::Gelu, makeTexts);
  describe(config, golden);
  return golden;
}

GoldenTensors test::makeBlipGolden(const models::BlipConfig &config, int64_t batch, int64_t length) {
  models::EntryRequest entry{"gradients", {{"batch", batch}, {"length", length}}};
  GoldenTensors golden =
      makeGolden([&](MLIRContext *context) { return models::buildBlip(context, "golden", config, entry); },
                 {"loss_ita", "loss_itm", "loss_lm"}, models::Activation::Gelu, makeTexts);
  describe(config, golden);
  golden.metadata["label_smoothing"] = std::to_string(config.smoothing);
  for (auto &[name, original] : models::getTiedNames(config))
    golden.tensors["param/" + name] = golden.tensors.at("param/" + original);
  return golden;
}

GoldenTensors test::makeVlmoGolden(const models::VlmoConfig &config, int64_t batch, int64_t length) {
  models::EntryRequest entry{"gradients", {{"batch", batch}, {"length", length}}};
  GoldenTensors golden = makeGolden(
      [&](MLIRContext *context) { return models::buildVlmo(context, "golden", config, entry); },
      {"mlm_loss", "itc_loss", "itm_loss", "itc_i2t_logits", "itm_logits"}, models::Activation::Gelu, makeTexts);
  golden.metadata["heads"] = std::to_string(config.tower.getHeads());
  if (config.relativeTokens) // official files have what nothing reads
    golden.tensors["param/text_embeddings.position_embeddings.weight"] = {
        SafetensorsType::F32,
        {config.context, config.tower.width},
        std::string(4 * config.context * config.tower.width, '\0')};
  return golden;
}

GoldenTensors test::makeBeit3Golden(const models::Beit3Config &config, int64_t batch, int64_t length) {
  models::EntryRequest entry{"gradients", {{"batch", batch}, {"length", length}}};
  GoldenTensors golden = makeGolden(
      [&](MLIRContext *context) { return models::buildBeit3(context, "golden", config, entry); },
      {"loss_image", "loss_text", "loss_pair_image", "loss_pair_text", "encoder_image", "encoder_text", "encoder_pair"},
      models::Activation::Gelu);
  golden.metadata["heads"] = std::to_string(config.encoder.getHeads());
  return golden;
}
