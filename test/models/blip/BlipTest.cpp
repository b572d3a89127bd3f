// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what the builder makes: parameters and flops of the published model, entries, and what batches it refuses.
#include "models/blip/Blip.h"
#include "dialect/Interpreter/Interpreter.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/Registration.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class BlipTest : public testing::Test {
protected:
  BlipTest() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {}

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  llvm::Expected<OwningOpRef<ModuleOp>> tryBuild(StringRef preset, std::vector<EntryRequest> entries) {
    auto found = llvm::find_if(getBlipPresets(), [&](const BlipPreset &each) { return each.name == preset; });
    return buildBlip(&context, preset, found->config, entries);
  }

  OwningOpRef<ModuleOp> build(StringRef preset, std::vector<EntryRequest> entries) {
    auto module = tryBuild(preset, entries);
    EXPECT_TRUE(bool(module)) << llvm::toString(module.takeError());
    return std::move(*module);
  }

  /// Of parameters that learn, or of those that do not.
  static double countParameters(ModuleOp module, bool trainable, StringRef prefix = "") {
    int64_t count = 0;
    for (ParameterOp parameter : module.getOps<ParameterOp>())
      if (parameter.getTrainable() == trainable && parameter.getSymName().starts_with(prefix))
        count += cast<RankedTensorType>(parameter.getType()).getNumElements();
    return count / 1e6;
  }

  MLIRContext context;
};
} // namespace

// architectures.md 5.1.
TEST_F(BlipTest, PublishedParameterCounts) {
  OwningOpRef<ModuleOp> base = build("blip/base", {{"train", {{"batch", 2}}}});
  EXPECT_NEAR(countParameters(*base, true), 252.44, 0.0051);
  EXPECT_NEAR(countParameters(*base, false), 223.45, 0.0051);
  EXPECT_NEAR(countParameters(*base, true, "visual_encoder."), 85.80, 0.0051);
  EXPECT_NEAR(countParameters(*base, true, "text_encoder."), 137.26, 0.0051);
  EXPECT_NEAR(countParameters(*base, true, "text_decoder."), 28.99, 0.0051);
  OwningOpRef<ModuleOp> large = build("blip/large", {{"train", {{"batch", 2}}}});
  EXPECT_NEAR(countParameters(*large, true), 474.7, 0.051);
  OwningOpRef<ModuleOp> emoji = build("blip/emoji", {{"train", {{"batch", 2}}}});
  EXPECT_NEAR(countParameters(*emoji, true), 2.32, 0.0051);
}

// architectures.md 5.3; the similarity to the queues, which the table leaves out, does not grow with the batch alone.
TEST_F(BlipTest, PublishedFlops) {
  OwningOpRef<ModuleOp> base = build("blip/base", {{"train", {{"batch", 2}}}});
  BlipConfig config = getBlipPresets()[2].config;
  double queues = 4 * 2.0 * config.embed * (config.queue + 2);
  double flops = (getCost(base->lookupSymbol("train")).flops / 2 - queues) / 1e9;
  EXPECT_NEAR(flops, 129.17, 0.001 * 129.17);
}

// Encoder and decoder have one copy of all but self-attention; files that hold two are understood.
TEST_F(BlipTest, DecoderIsTiedToTheEncoder) {
  OwningOpRef<ModuleOp> module = build("blip/tiny", {{"train", {{"batch", 4}}}});
  for (ParameterOp parameter : module->getOps<ParameterOp>()) {
    StringRef name = parameter.getSymName();
    if (name.starts_with("text_decoder.bert."))
      EXPECT_TRUE(name.contains(".attention.")) << name.str();
  }
  auto aliases = (*module)->getAttrOfType<DictionaryAttr>("vlp.aliases");
  auto target = [&](StringRef name) { return cast<StringAttr>(aliases.get(name)).getValue(); };
  EXPECT_EQ(target("text_decoder.cls.predictions.decoder.weight"), "text_encoder.embeddings.word_embeddings.weight");
  EXPECT_EQ(target("text_decoder.bert.encoder.layer.1.crossattention.self.key.bias"),
            "text_encoder.encoder.layer.1.crossattention.self.key.bias");
  EXPECT_FALSE(aliases.contains("text_decoder.bert.encoder.layer.1.attention.self.key.bias"));
}

TEST_F(BlipTest, EntriesHaveWhatTheyNeed) {
  auto has = [](ModuleOp module, StringRef part) {
    return llvm::any_of(getStateTypes(module), [&](auto &state) { return StringRef(state.first).contains(part); });
  };
  OwningOpRef<ModuleOp> pictures = build("blip/tiny", {{"encode_image", {}}}),
                        texts = build("blip/tiny", {{"encode_text", {}}}), match = build("blip/tiny", {{"match", {}}});
  EXPECT_FALSE(has(*pictures, "text_encoder"));
  EXPECT_FALSE(has(*texts, "visual_encoder"));
  EXPECT_FALSE(has(*texts, "crossattention"));
  EXPECT_FALSE(has(*match, "text_decoder"));
  EXPECT_TRUE(has(*build("blip/tiny", {{"decode", {}}}), "text_decoder"));
  EXPECT_TRUE(has(*match, "crossattention"));
  for (ModuleOp module : {*pictures, *texts, *match}) {
    EXPECT_FALSE(has(module, "_m."));
    EXPECT_FALSE(has(module, "queue"));
    EXPECT_FALSE(module->hasAttr("vlp.recipe"));
  }
}

TEST_F(BlipTest, TrainingHasBoundsAndARecipe) {
  OwningOpRef<ModuleOp> module = build("blip/tiny", {{"train", {{"batch", 4}}}});
  EXPECT_TRUE((*module)->hasAttr("vlp.recipe"));
  EXPECT_TRUE(module->lookupSymbol("temp")->hasAttr("vlp.bounds"));
  auto decays = [&](StringRef name) { return module->lookupSymbol<ParameterOp>(name).getDecay(); };
  EXPECT_TRUE(decays("temp"));
  EXPECT_TRUE(decays("visual_encoder.cls_token"));
  EXPECT_TRUE(decays("text_encoder.encoder.layer.0.attention.self.query.weight"));
  EXPECT_TRUE(decays("visual_encoder.norm.weight")) << "one group of parameters";
  EXPECT_TRUE(decays("itm_head.bias"));
}

TEST_F(BlipTest, BatchesWithoutNegativesOrThatDoNotFillTheQueueAreRefused) {
  auto refused = tryBuild("blip/tiny", {{"train", {{"batch", 3}}}, {"gradients", {{"batch", 1}}}});
  ASSERT_FALSE(bool(refused));
  std::string message = llvm::toString(refused.takeError());
  EXPECT_NE(message.find("entry 'train': batch=3, expected a divisor of queue = 16"), std::string::npos) << message;
  EXPECT_NE(message.find("entry 'gradients': batch=1, expected at least 2"), std::string::npos) << message;
  EXPECT_TRUE(bool(tryBuild("blip/tiny", {{"encode_text", {{"batch", 1}}}, {"match", {{"batch", 3}}}})));
}
