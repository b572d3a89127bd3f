// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards inference of sizes from tensors, and the errors of sizes and settings.
#include "models/beit3/Beit3Config.h"
#include <gtest/gtest.h>

using namespace vlp::models;

static std::map<std::string, std::vector<int64_t>> makeShapes() {
  return {{"beit3.vision_embed.proj.weight", {96, 3, 16, 16}},
          {"beit3.text_embed.weight", {50, 96}},
          {"beit3.encoder.embed_positions.A.weight", {12, 96}},
          {"beit3.encoder.embed_positions.B.weight", {20, 96}},
          {"beit3.encoder.layers.0.ffn.A.fc1.weight", {200, 96}},
          {"beit3.encoder.layers.2.x", {1}},
          {"mim_head.weight", {24, 96}}};
}

TEST(Beit3Config, SizesFollowFromTensors) {
  auto config = Beit3Config::fromTensors(makeShapes(), {{"heads", "3"}, {"ln_eps", "1e-6"}});
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->image, 48) << "two of twelve positions are unused, and one is the class token's";
  EXPECT_EQ(config->patch, 16);
  EXPECT_EQ(config->encoder.layers, 3);
  EXPECT_EQ(config->encoder.heads, 3);
  EXPECT_EQ(config->encoder.mlp, 200);
  EXPECT_EQ(config->vocabulary, 50);
  EXPECT_EQ(config->context, 18);
  EXPECT_EQ(config->codes, 24);
  EXPECT_EQ(config->eps, 1e-6);
}

TEST(Beit3Config, AllThatIsMissingIsNamed) {
  auto shapes = makeShapes();
  shapes.erase("mim_head.weight");
  shapes["beit3.text_embed.weight"] = {50};
  auto config = Beit3Config::fromTensors(shapes, {{"heads", "0"}});
  ASSERT_FALSE(bool(config));
  std::string message = llvm::toString(config.takeError());
  for (const char *part : {"'mim_head.weight' is missing", "'beit3.text_embed.weight' has 1 dimensions", "'heads'"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  shapes = makeShapes();
  shapes["beit3.encoder.embed_positions.A.weight"] = {11, 96};
  config = Beit3Config::fromTensors(shapes, {});
  ASSERT_FALSE(bool(config));
  EXPECT_NE(llvm::toString(config.takeError()).find("square"), std::string::npos);
}

TEST(Beit3Config, SettingsAndImpossibleSizes) {
  Beit3Config config = getBeit3Presets().front().config;
  EXPECT_FALSE(bool(config.apply({{"layers", "3"}})));
  EXPECT_EQ(config.getSizes().at("layers"), 3);
  EXPECT_NE(llvm::toString(config.apply({{"layer", "1"}})).find("did you mean 'layers'"), std::string::npos);
  config.image = 33;
  config.encoder.heads = 5;
  config.codes = 0;
  std::string message = llvm::toString(config.verify());
  for (const char *part : {"image = 33 is no multiple of patch = 16",
                           "encoder.width = 32 is no multiple of encoder.heads = 5", "codes = 0, expected at least 1"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}
