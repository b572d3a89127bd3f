// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the presets' sizes, inference of sizes from tensors, and the errors of both.
#include "models/clip/ClipConfig.h"
#include "models/Models.h"
#include <gtest/gtest.h>

using namespace vlp::models;

static std::map<std::string, std::vector<int64_t>> makeShapes() {
  return {{"visual.conv1.weight", {96, 3, 16, 16}},
          {"visual.positional_embedding", {10, 96}},
          {"visual.proj", {96, 24}},
          {"token_embedding.weight", {50, 128}},
          {"positional_embedding", {11, 128}},
          {"visual.transformer.resblocks.0.mlp.c_fc.weight", {384, 96}},
          {"visual.transformer.resblocks.2.x", {1}},
          {"transformer.resblocks.0.mlp.c_fc.weight", {256, 128}}};
}

TEST(ClipConfig, SizesFollowFromTensors) {
  auto config = ClipConfig::fromTensors(makeShapes(), {{"act", "gelu"}, {"ln_eps", "1e-6"}});
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->image, 48);
  EXPECT_EQ(config->patch, 16);
  EXPECT_EQ(config->vision.layers, 3);
  EXPECT_EQ(config->vision.getHeads(), 1) << "widths below 128 have one head";
  EXPECT_EQ(config->text.layers, 1);
  EXPECT_EQ(config->text.getHeads(), 2);
  EXPECT_EQ(config->text.getMlp(), 256);
  EXPECT_EQ(config->context, 11);
  EXPECT_EQ(config->vocabulary, 50);
  EXPECT_EQ(config->embed, 24);
  EXPECT_EQ(config->activation, Activation::Gelu);
  EXPECT_EQ(config->eps, 1e-6);
}

TEST(ClipConfig, MetadataGivesHeads) {
  auto config = ClipConfig::fromTensors(makeShapes(), {{"vision_heads", "3"}, {"heads", "4"}});
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->vision.getHeads(), 3);
  EXPECT_EQ(config->text.getHeads(), 4);
}

TEST(ClipConfig, AllThatIsMissingIsNamed) {
  auto shapes = makeShapes();
  shapes.erase("visual.proj");
  shapes["token_embedding.weight"] = {50};
  auto config = ClipConfig::fromTensors(shapes, {{"act", "relu"}});
  ASSERT_FALSE(bool(config));
  std::string message = llvm::toString(config.takeError());
  EXPECT_NE(message.find("'visual.proj' is missing"), std::string::npos) << message;
  EXPECT_NE(message.find("'token_embedding.weight' has 1 dimensions"), std::string::npos) << message;
  EXPECT_NE(message.find("got 'relu'"), std::string::npos) << message;
}

TEST(ClipConfig, GridMustBeSquare) {
  auto shapes = makeShapes();
  shapes["visual.positional_embedding"] = {12, 96};
  auto config = ClipConfig::fromTensors(shapes, {});
  ASSERT_FALSE(bool(config));
  EXPECT_NE(llvm::toString(config.takeError()).find("square"), std::string::npos);
}

TEST(ClipConfig, SettingsAreCheckedAllAtOnce) {
  ClipConfig config = getClipPresets().front().config;
  EXPECT_FALSE(bool(config.apply({{"text.layers", "1"}, {"activation", "gelu"}})));
  EXPECT_EQ(config.text.layers, 1);
  std::string message = llvm::toString(config.apply({{"text.layer", "1"}, {"embed", "x"}}));
  EXPECT_NE(message.find("did you mean 'text.layers'"), std::string::npos) << message;
  EXPECT_NE(message.find("embed: expected a whole number, got 'x'"), std::string::npos) << message;
}

TEST(ClipConfig, ImpossibleSizesAreRefused) {
  ClipConfig config = getClipPresets().front().config;
  config.image = 33;
  config.text.heads = 5;
  config.embed = 0;
  std::string message = llvm::toString(config.verify());
  EXPECT_NE(message.find("image = 33 is no multiple of patch = 16"), std::string::npos) << message;
  EXPECT_NE(message.find("text.width = 64 is no multiple of text.heads = 5"), std::string::npos) << message;
  EXPECT_NE(message.find("embed = 0"), std::string::npos) << message;
}

TEST(Models, UnknownPresetNamesTheNearest) {
  std::string message = llvm::toString(findPreset("clip/ViT-B32").takeError());
  EXPECT_NE(message.find("did you mean 'clip/ViT-B-32'"), std::string::npos) << message;
}
