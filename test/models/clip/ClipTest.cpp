// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what the builder makes: parameters and flops of the published models, decay groups, entries, and the loss with
// ids.
#include "models/clip/Clip.h"
#include "dialect/Interpreter/Interpreter.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/Registration.h"
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
class ClipTest : public testing::Test {
protected:
  ClipTest() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {}

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  static const ClipConfig &getConfig(StringRef name) {
    return llvm::find_if(getClipPresets(), [&](const ClipPreset &preset) { return preset.name == name; })->config;
  }

  OwningOpRef<ModuleOp> build(StringRef preset, std::vector<EntryRequest> entries) {
    auto module = buildClip(&context, preset, getConfig(preset), entries);
    EXPECT_TRUE(bool(module)) << llvm::toString(module.takeError());
    return std::move(*module);
  }

  static int64_t countParameters(ModuleOp module, StringRef prefix = "") {
    int64_t count = 0;
    for (auto &[name, type] : getStateTypes(module))
      if (StringRef(name).starts_with(prefix))
        count += type.getNumElements();
    return count;
  }

  MLIRContext context;
};
} // namespace

// architectures.md 2.1 and open_clip's model profile.
TEST_F(ClipTest, PublishedParameterCounts) {
  struct Case {
    const char *name;
    double total, visual;
  };
  for (Case c : {Case{"clip/ViT-B-32", 151.28, 87.85},
                 {"clip/ViT-B-16", 149.62, 86.19},
                 {"clip/ViT-L-14", 427.62, 303.97},
                 {"clip/ViT-L-14-336", 427.94, 304.29},
                 {"clip/ViT-H-14", 986.11, 632.08},
                 {"clip/ViT-g-14", 1366.68, 1012.65},
                 {"clip/ViT-bigG-14", 2539.57, 1844.91}}) {
    OwningOpRef<ModuleOp> module = build(c.name, {{"gradients", {{"batch", 1}}}});
    EXPECT_NEAR(countParameters(*module) / 1e6, c.total, 0.0051) << c.name;
    EXPECT_NEAR(countParameters(*module, "visual.") / 1e6, c.visual, 0.0051) << c.name;
  }
}

TEST_F(ClipTest, PublishedFlops) {
  struct Case {
    const char *name;
    double image, text;
  };
  for (Case c : {Case{"clip/ViT-B-32", 8.82, 5.96},
                 {"clip/ViT-B-16", 35.13, 5.96},
                 {"clip/ViT-L-14", 162.0, 13.3},
                 {"clip/ViT-L-14-336", 381.9, 13.3}}) {
    OwningOpRef<ModuleOp> module = build(c.name, {{"encode_image", {{"batch", 1}}}, {"encode_text", {{"batch", 1}}}});
    double image = getCost(module->lookupSymbol("encode_image")).flops,
           text = getCost(module->lookupSymbol("encode_text")).flops;
    EXPECT_NEAR(image / 1e9, c.image, 0.006 * c.image) << c.name;
    EXPECT_NEAR(text / 1e9, c.text, 0.006 * c.text) << c.name;
  }
}

TEST_F(ClipTest, DecayFollowsOpenClip) {
  OwningOpRef<ModuleOp> module = build("clip/tiny", {{"train", {{"batch", 2}}}});
  auto decays = [&](StringRef name) { return module->lookupSymbol<ParameterOp>(name).getDecay(); };
  for (StringRef name : {"visual.conv1.weight", "visual.positional_embedding", "visual.proj", "token_embedding.weight",
                         "text_projection", "transformer.resblocks.0.attn.in_proj_weight",
                         "visual.transformer.resblocks.1.mlp.c_fc.weight"})
    EXPECT_TRUE(decays(name)) << name.str();
  for (StringRef name : {"visual.class_embedding", "visual.ln_pre.weight", "ln_final.bias", "logit_scale",
                         "transformer.resblocks.0.attn.in_proj_bias", "transformer.resblocks.0.mlp.c_proj.bias"})
    EXPECT_FALSE(decays(name)) << name.str();
}

TEST_F(ClipTest, EveryOpNamesItsLayer) {
  OwningOpRef<ModuleOp> module = build("clip/tiny", {{"train", {{"batch", 2}}}});
  std::set<std::string> layers;
  module->walk([&](Operation *op) {
    std::string layer = getLayerName(op->getLoc());
    EXPECT_FALSE(layer.empty()) << op->getName().getStringRef().str();
    layers.insert(layer);
  });
  for (StringRef layer :
       {"visual.conv1", "visual.transformer.resblocks.1.attn", "transformer.resblocks.0.mlp.gelu", "ln_final", "loss"})
    EXPECT_TRUE(layers.contains(layer.str())) << layer.str();
}

TEST_F(ClipTest, EntriesAreCheckedAllAtOnce) {
  auto module = buildClip(&context, "x", getConfig("clip/tiny"),
                          {{"trian", {}}, {"encode_text", {{"length", 9}, {"bach", 1}}}, {"encode_text", {}}});
  ASSERT_FALSE(bool(module));
  std::string message = llvm::toString(module.takeError());
  EXPECT_NE(message.find("unknown entry 'trian'; did you mean 'train'"), std::string::npos) << message;
  EXPECT_NE(message.find("length=9, expected at least 1 and at most 8"), std::string::npos) << message;
  EXPECT_NE(message.find("no option 'bach'"), std::string::npos) << message;
  EXPECT_NE(message.find("asked for twice"), std::string::npos) << message;
}

TEST_F(ClipTest, FilesOfFewEntriesPassOverOtherParameters) {
  OwningOpRef<ModuleOp> module = build("clip/tiny", {{"encode_image", {{"batch", 1}}}});
  auto aliases = (*module)->getAttrOfType<DictionaryAttr>("vlp.aliases");
  EXPECT_TRUE(aliases.contains("token_embedding.weight"));
  EXPECT_TRUE(aliases.contains("input_resolution"));
  EXPECT_FALSE(aliases.contains("visual.proj"));
  EXPECT_FALSE((*module)->hasAttr("vlp.recipe"));
}

namespace {
/// Runs the losses of `train` and `gradients` on the same weights and batch.
class LossTest : public ClipTest {
protected:
  void SetUp() override {
    module = build("clip/tiny", {{"train", {{"batch", 4}}}, {"gradients", {{"batch", 4}}}});
    // Only the forward is of interest.
    for (auto entry : module->getOps<func::FuncOp>()) {
      entry->removeAttr("vlp.differentiate");
      entry->removeAttr("vlp.optimizer");
    }
    std::mt19937 generator(1);
    auto draw = [&](double scale) { return scale * (double(generator()) / 2147483648.0 - 1); };
    for (auto &[name, type] : getStateTypes(*module)) {
      Array<double> array(type);
      for (double &value : array.values)
        value = draw(0.2);
      state[name] = array;
    }
    image = Array<double>(RankedTensorType::get({4, 3, 32, 32}, Float32Type::get(&context)));
    for (double &value : image.values)
      value = draw(1);
    text = Array<double>(RankedTensorType::get({4, 8}, IntegerType::get(&context, 32)));
    for (int32_t &value : text.ints)
      value = int32_t(generator() % 64);
  }

  double run(StringRef entry, std::vector<int32_t> pair) {
    std::vector<Array<double>> inputs = {image, text};
    if (!pair.empty()) {
      inputs.emplace_back(RankedTensorType::get({4}, IntegerType::get(&context, 32)));
      inputs.back().ints = pair;
    }
    State<double> copy = state;
    auto results = Interpreter<double>(*module).run(entry, inputs, copy);
    EXPECT_TRUE(succeeded(results));
    return failed(results) ? 0 : (*results)[0][0];
  }

  OwningOpRef<ModuleOp> module;
  State<double> state;
  Array<double> image, text;
};
} // namespace

TEST_F(LossTest, DistinctIdsGiveClipsLoss) {
  double expected = run("gradients", {});
  EXPECT_NEAR(run("train", {7, 3, 9, 0}), expected, 1e-12);
  EXPECT_GT(std::abs(run("train", {7, 3, 7, 0}) - expected), 1e-6) << "rows of one id are positives of each other";
}

TEST_F(LossTest, EqualIdsGiveTheMeanOverPositives) {
  // All rows match all: the loss does not depend on the order of the pairs.
  double before = run("train", {1, 1, 1, 1});
  std::rotate(text.ints.begin(), text.ints.begin() + 8, text.ints.end());
  EXPECT_NEAR(run("train", {1, 1, 1, 1}), before, 1e-12);
}
