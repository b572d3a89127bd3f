// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what the builder makes: parameters and flops of the published model, entries, and what batches it refuses.
#include "models/vlmo/Vlmo.h"
#include "dialect/Interpreter/Interpreter.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/Registration.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class VlmoTest : public testing::Test {
protected:
  VlmoTest() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {}

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  llvm::Expected<OwningOpRef<ModuleOp>> tryBuild(StringRef preset, std::vector<EntryRequest> entries) {
    auto found = llvm::find_if(getVlmoPresets(), [&](const VlmoPreset &each) { return each.name == preset; });
    return buildVlmo(&context, preset, found->config, entries);
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

// architectures.md 4.1; the official file of base has 202,445,470 numbers, among them 30,720 absolute positions that
// nothing reads (the sum of the table's rounded parts is 202.5 M).
TEST_F(VlmoTest, PublishedParameterCounts) {
  OwningOpRef<ModuleOp> base = build("vlmo/base", {{"train", {{"batch", 2}}}});
  EXPECT_NEAR(countParameters(*base, true) * 1e6, 202445470 - 30720, 0.5);
  EXPECT_NEAR(countParameters(*build("vlmo/base_plus", {{"train", {{"batch", 2}}}}), true), 185.0, 0.051);
  EXPECT_NEAR(countParameters(*build("vlmo/large", {{"train", {{"batch", 2}}}}), true), 599.1, 0.051);
  EXPECT_NEAR(countParameters(*build("vlmo/emoji", {{"train", {{"batch", 2}}}}), true), 3.30, 0.0051);
}

// architectures.md 4.3, texts of 40 tokens; the matrix of similarities, which grows with the batch's square, is left
// out.
TEST_F(VlmoTest, PublishedFlops) {
  OwningOpRef<ModuleOp> base = build("vlmo/base", {{"train", {{"batch", 2}}}});
  double similarities = 2 * 2.0 * 768 * 2;
  double flops = (getCost(base->lookupSymbol("train")).flops / 2 - similarities) / 1e9;
  EXPECT_NEAR(flops, 221.1, 0.001 * 221.1);
}

TEST_F(VlmoTest, EntriesHaveTheirExpertsAlone) {
  auto has = [](ModuleOp module, StringRef part) {
    return llvm::any_of(getStateTypes(module), [&](auto &state) { return StringRef(state.first).contains(part); });
  };
  OwningOpRef<ModuleOp> pictures = build("vlmo/tiny", {{"encode_image", {}}}),
                        texts = build("vlmo/tiny", {{"encode_text", {}}}), match = build("vlmo/tiny", {{"match", {}}});
  EXPECT_TRUE(has(*pictures, "mlp_imag"));
  EXPECT_FALSE(has(*pictures, "_text"));
  EXPECT_FALSE(has(*pictures, "_vl"));
  EXPECT_TRUE(has(*texts, "blocks.3.mlp_text"));
  EXPECT_FALSE(has(*texts, "_imag"));
  EXPECT_FALSE(has(*texts, "patch_embed"));
  EXPECT_TRUE(has(*match, "blocks.3.mlp_vl"));
  EXPECT_TRUE(has(*match, "blocks.1.mlp_imag"));
  EXPECT_FALSE(has(*match, "blocks.2.mlp_imag"));
  EXPECT_FALSE(has(*match, "itc_"));
}

TEST_F(VlmoTest, DecayFollowsTheOfficialNames) {
  OwningOpRef<ModuleOp> module = build("vlmo/tiny", {{"train", {{"batch", 4}}}});
  EXPECT_TRUE((*module)->hasAttr("vlp.recipe"));
  auto decays = [&](StringRef name) { return module->lookupSymbol<ParameterOp>(name).getDecay(); };
  EXPECT_TRUE(decays("transformer.blocks.0.norm2_text.weight"));
  EXPECT_TRUE(decays("transformer.blocks.0.gamma_1"));
  EXPECT_FALSE(decays("transformer.blocks.0.norm1.weight"));
  EXPECT_FALSE(decays("relative_position_bias_table"));
  EXPECT_FALSE(decays("transformer.blocks.0.attn.q_bias"));
}

TEST_F(VlmoTest, ABatchOfOneHasNoNegatives) {
  auto refused = tryBuild("vlmo/tiny", {{"train", {{"batch", 1}}}});
  ASSERT_FALSE(bool(refused));
  EXPECT_NE(llvm::toString(refused.takeError()).find("batch=1, expected at least 2"), std::string::npos);
  EXPECT_TRUE(bool(tryBuild("vlmo/tiny", {{"train", {{"batch", 3}}}, {"match", {{"batch", 1}, {"length", 1}}}})));
}

// Absolute positions and no layer scale.
TEST_F(VlmoTest, BasePlusHasNoTable) {
  OwningOpRef<ModuleOp> module = build("vlmo/base_plus", {{"train", {{"batch", 2}}}});
  EXPECT_FALSE(module->lookupSymbol("relative_position_bias_table"));
  EXPECT_FALSE(module->lookupSymbol("transformer.blocks.0.gamma_1"));
  EXPECT_TRUE(module->lookupSymbol("transformer.pos_embed"));
  EXPECT_TRUE(module->lookupSymbol("text_embeddings.position_embeddings.weight"));
}
