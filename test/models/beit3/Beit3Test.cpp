// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what the builder makes: parameters and flops of the released models, and which weights which entry needs.
#include "models/beit3/Beit3.h"
#include "dialect/Interpreter/Interpreter.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/Registration.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class Beit3Test : public testing::Test {
protected:
  Beit3Test() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {}

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  OwningOpRef<ModuleOp> build(StringRef preset, std::vector<EntryRequest> entries) {
    auto found = llvm::find_if(getBeit3Presets(), [&](const Beit3Preset &each) { return each.name == preset; });
    auto module = buildBeit3(&context, preset, found->config, entries);
    EXPECT_TRUE(bool(module)) << llvm::toString(module.takeError());
    return std::move(*module);
  }

  static double countParameters(ModuleOp module, StringRef prefix = "") {
    int64_t count = 0;
    for (auto &[name, type] : getStateTypes(module))
      if (StringRef(name).starts_with(prefix))
        count += type.getNumElements();
    return count / 1e6;
  }

  MLIRContext context;
};
} // namespace

// architectures.md 7.1.
TEST_F(Beit3Test, PublishedParameterCounts) {
  OwningOpRef<ModuleOp> base = build("beit3/base", {{"gradients", {{"batch", 1}, {"length", 64}}}});
  EXPECT_NEAR(countParameters(*base), 276.51, 0.0051);
  EXPECT_NEAR(countParameters(*base, "beit3."), 220.99, 0.0051);
  EXPECT_NEAR(countParameters(*base, "mlm_head."), 49.22, 0.0051);
  EXPECT_NEAR(countParameters(*base, "mim_head."), 6.30, 0.0051);
  OwningOpRef<ModuleOp> large = build("beit3/large", {{"gradients", {{"batch", 1}, {"length", 64}}}});
  EXPECT_NEAR(countParameters(*large), 746.7, 0.051);
  EXPECT_NEAR(countParameters(*large, "beit3."), 672.70, 0.0051);
}

// architectures.md 7.4: forward of a picture, a text of 64 tokens, and a pair.
TEST_F(Beit3Test, PublishedFlops) {
  OwningOpRef<ModuleOp> module = build("beit3/base", {{"encode_image", {{"batch", 1}}},
                                                      {"encode_text", {{"batch", 1}, {"length", 64}}},
                                                      {"encode_pair", {{"batch", 1}, {"length", 64}}}});
  auto flops = [&](StringRef entry) { return getCost(module->lookupSymbol(entry)).flops / 1e9; };
  EXPECT_NEAR(flops("encode_image"), 35.1, 0.051);
  EXPECT_NEAR(flops("encode_text"), 11.0, 0.051);
  EXPECT_NEAR(flops("encode_pair"), 47.08, 0.001 * 47.08);
}

// Tasks of one modality need its weights alone.
TEST_F(Beit3Test, EntriesOfOneModality) {
  OwningOpRef<ModuleOp> pictures = build("beit3/tiny", {{"encode_image", {}}}),
                        texts = build("beit3/tiny", {{"encode_text", {}}});
  auto has = [](ModuleOp module, StringRef part) {
    return llvm::any_of(getStateTypes(module), [&](auto &state) { return StringRef(state.first).contains(part); });
  };
  EXPECT_TRUE(has(*pictures, ".A."));
  EXPECT_FALSE(has(*pictures, ".B."));
  EXPECT_FALSE(has(*pictures, "mask_token"));
  EXPECT_TRUE(has(*texts, ".B."));
  EXPECT_FALSE(has(*texts, ".A."));
}

TEST_F(Beit3Test, TrainingHasARecipe) {
  OwningOpRef<ModuleOp> module = build("beit3/tiny", {{"train", {{"batch", 2}, {"length", 5}}}});
  EXPECT_TRUE((*module)->hasAttr("vlp.recipe"));
  auto text = cast<RankedTensorType>(build("beit3/base", {{"encode_text", {{"batch", 1}}}})
                                         ->lookupSymbol<func::FuncOp>("encode_text")
                                         .getArgumentTypes()[0]);
  EXPECT_EQ(text.getDimSize(1), 64) << "not the 1,022 that have positions";
  auto refused = buildBeit3(&context, "x", getBeit3Presets().front().config, {{"train", {{"length", 15}}}});
  ASSERT_FALSE(bool(refused));
  EXPECT_NE(llvm::toString(refused.takeError()).find("length=15, expected at least 1 and at most 14"),
            std::string::npos);
}
