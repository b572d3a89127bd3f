// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what the builder makes: parameters and flops of the published model, entries, and what batches it refuses.
#include "models/albef/Albef.h"
#include "dialect/Interpreter/Interpreter.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/Registration.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class AlbefTest : public testing::Test {
protected:
  AlbefTest() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {}

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  llvm::Expected<OwningOpRef<ModuleOp>> tryBuild(StringRef preset, std::vector<EntryRequest> entries) {
    auto found = llvm::find_if(getAlbefPresets(), [&](const AlbefPreset &each) { return each.name == preset; });
    return buildAlbef(&context, preset, found->config, entries);
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

// architectures.md 3.1.
TEST_F(AlbefTest, PublishedParameterCounts) {
  OwningOpRef<ModuleOp> base = build("albef/base", {{"train", {{"batch", 2}}}});
  EXPECT_NEAR(countParameters(*base, true), 209.94, 0.0051);
  EXPECT_NEAR(countParameters(*base, false), 209.94, 0.0051);
  EXPECT_NEAR(countParameters(*base, true, "visual_encoder."), 85.84, 0.0051);
  EXPECT_NEAR(countParameters(*base, true, "text_encoder.bert."), 123.08, 0.0051);
  EXPECT_NEAR(countParameters(*base, true, "text_encoder.cls."), 0.62, 0.0051);
  OwningOpRef<ModuleOp> emoji = build("albef/emoji", {{"train", {{"batch", 2}}}});
  EXPECT_NEAR(countParameters(*emoji, true), 2.25, 0.0051);
}

// architectures.md 3.3: 135.1 GF, of which 76.9 learn. Those grow with the batch; so does the similarity to the queues,
// which the table leaves out.
TEST_F(AlbefTest, PublishedFlops) {
  OwningOpRef<ModuleOp> base = build("albef/base", {{"train", {{"batch", 2}}}});
  AlbefConfig config = getAlbefPresets().back().config;
  double queues = 4 * 2.0 * config.embed * (config.queue + 2);
  double flops = (getCost(base->lookupSymbol("train")).flops / 2 - queues) / 1e9;
  EXPECT_NEAR(flops, 135.09, 0.001 * 135.09);
}

TEST_F(AlbefTest, EntriesHaveWhatTheyNeed) {
  auto has = [](ModuleOp module, StringRef part) {
    return llvm::any_of(getStateTypes(module), [&](auto &state) { return StringRef(state.first).contains(part); });
  };
  OwningOpRef<ModuleOp> pictures = build("albef/tiny", {{"encode_image", {}}}),
                        texts = build("albef/tiny", {{"encode_text", {}}}),
                        match = build("albef/tiny", {{"match", {}}});
  EXPECT_FALSE(has(*pictures, "text_encoder"));
  EXPECT_FALSE(has(*texts, "visual_encoder"));
  EXPECT_FALSE(has(*texts, "crossattention"));
  EXPECT_TRUE(has(*match, "crossattention"));
  for (ModuleOp module : {*pictures, *texts, *match}) {
    EXPECT_FALSE(has(module, "_m."));
    EXPECT_FALSE(has(module, "queue"));
    EXPECT_FALSE(module->hasAttr("vlp.recipe"));
  }
}

TEST_F(AlbefTest, TrainingHasBoundsAndARecipe) {
  OwningOpRef<ModuleOp> module = build("albef/tiny", {{"train", {{"batch", 4}}}});
  EXPECT_TRUE((*module)->hasAttr("vlp.recipe"));
  EXPECT_TRUE(module->lookupSymbol("temp")->hasAttr("vlp.bounds"));
  auto decays = [&](StringRef name) { return module->lookupSymbol<ParameterOp>(name).getDecay(); };
  EXPECT_TRUE(decays("temp"));
  EXPECT_TRUE(decays("visual_encoder.cls_token"));
  EXPECT_TRUE(decays("text_encoder.bert.encoder.layer.0.attention.self.query.weight"));
  EXPECT_FALSE(decays("visual_encoder.norm.weight"));
  EXPECT_FALSE(decays("itm_head.bias"));
}

TEST_F(AlbefTest, BatchesWithoutNegativesOrThatDoNotFillTheQueueAreRefused) {
  auto refused = tryBuild("albef/tiny", {{"train", {{"batch", 3}}}, {"gradients", {{"batch", 1}}}});
  ASSERT_FALSE(bool(refused));
  std::string message = llvm::toString(refused.takeError());
  EXPECT_NE(message.find("entry 'train': batch=3, expected a divisor of queue = 16"), std::string::npos) << message;
  EXPECT_NE(message.find("entry 'gradients': batch=1, expected at least 2"), std::string::npos) << message;
  EXPECT_TRUE(bool(tryBuild("albef/tiny", {{"encode_text", {{"batch", 1}}}, {"match", {{"batch", 3}}}})));
}
