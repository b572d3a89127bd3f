// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what the builder makes: parameters and flops of the published models, entries, and what short captions do.
#include "models/coca/Coca.h"
#include "dialect/Interpreter/Interpreter.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/Registration.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class CocaTest : public testing::Test {
protected:
  CocaTest() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {}

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  OwningOpRef<ModuleOp> build(StringRef preset, std::vector<EntryRequest> entries) {
    auto found = llvm::find_if(getCocaPresets(), [&](const CocaPreset &each) { return each.name == preset; });
    auto module = buildCoca(&context, preset, found->config, entries);
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

// architectures.md 6.1: open_clip's models, and 6.3 (forward flops of a pair, counted dense).
TEST_F(CocaTest, PublishedSizes) {
  OwningOpRef<ModuleOp> base = build("coca/ViT-B-32", {{"gradients", {{"batch", 1}}}});
  EXPECT_NEAR(countParameters(*base), 253.56, 0.0051);
  EXPECT_NEAR(getCost(base->lookupSymbol("gradients")).flops / 1e9, 33.34, 0.001 * 33.34);
  OwningOpRef<ModuleOp> emoji = build("coca/emoji", {{"gradients", {{"batch", 1}}}});
  EXPECT_NEAR(countParameters(*emoji), 3.04, 0.0051);
  OwningOpRef<ModuleOp> large = build("coca/ViT-L-14", {{"gradients", {{"batch", 1}}}});
  EXPECT_NEAR(countParameters(*large), 638.45, 0.0051);
  EXPECT_NEAR(countParameters(*large, "visual."), 306.7, 0.051);
  EXPECT_NEAR(countParameters(*large, "text."), 123.7, 0.051);
  EXPECT_NEAR(countParameters(*large, "text_decoder."), 208.1, 0.051);
  EXPECT_NEAR(getCost(large->lookupSymbol("gradients")).flops / 1e9, 214.52, 0.001 * 214.52);
}

// Embeddings need no decoder, and a picture's only the first of the queries' rows.
TEST_F(CocaTest, EncodersHaveNoDecoder) {
  OwningOpRef<ModuleOp> module = build("coca/tiny", {{"encode_image", {}}, {"encode_text", {}}});
  EXPECT_EQ(countParameters(*module, "text_decoder."), 0);
  EXPECT_FALSE((*module)->hasAttr("vlp.recipe"));
  auto aliases = (*module)->getAttrOfType<DictionaryAttr>("vlp.aliases");
  EXPECT_TRUE(aliases.contains("text_decoder.text_projection"));
}

TEST_F(CocaTest, TrainingClampsTheLogitScale) {
  OwningOpRef<ModuleOp> module = build("coca/tiny", {{"train", {{"batch", 2}}}});
  EXPECT_TRUE((*module)->hasAttr("vlp.recipe"));
  EXPECT_TRUE(module->lookupSymbol("logit_scale")->hasAttr("vlp.max_multiplier"));
}

TEST_F(CocaTest, ACaptionHasANextToken) {
  auto refused = buildCoca(&context, "x", getCocaPresets().front().config, {{"train", {{"length", 1}}}});
  ASSERT_FALSE(bool(refused));
  EXPECT_NE(llvm::toString(refused.takeError()).find("length=1, expected at least 2"), std::string::npos);
}

// open_clip's mask: the class token sees the first padding and none behind it.
TEST_F(CocaTest, OnlyTheFirstPaddingIsSeen) {
  OwningOpRef<ModuleOp> module = build("coca/tiny", {{"encode_text", {{"batch", 2}}}});
  State<double> state;
  unsigned seed = 1;
  for (auto &[name, type] : getStateTypes(*module)) {
    Array<double> array(type);
    for (double &value : array.values)
      value = ((seed = seed * 1664525u + 1013904223u) >> 8) / double(1 << 24) - 0.5;
    state[name] = array;
  }
  Array<double> text(RankedTensorType::get({2, 7}, IntegerType::get(&context, 32)));
  text.ints = {62, 5, 6, 7, 8, 9, 63, /*short:*/ 62, 5, 63, 0, 0, 0, 0};
  // Embeddings of both texts after the positions first .. first + count have moved.
  auto encode = [&](int64_t first, int64_t count) {
    State<double> moved = state;
    Array<double> &positions = moved.at("text.positional_embedding");
    for (int64_t i = first * 32; i < (first + count) * 32; ++i)
      positions[i] += i % 5;
    auto results = Interpreter<double>(*module).run("encode_text", {text}, moved);
    EXPECT_TRUE(succeeded(results));
    std::vector<double> all((*results)[0].values.begin(), (*results)[0].values.end());
    return std::pair(std::vector<double>(all.begin(), all.begin() + 32),
                     std::vector<double>(all.begin() + 32, all.end()));
  };
  auto before = encode(0, 0), first = encode(3, 1), behind = encode(4, 3);
  EXPECT_NE(first.second, before.second);
  EXPECT_EQ(behind.second, before.second);
  EXPECT_NE(behind.first, before.first) << "a full text sees all of its tokens";
}
