// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards inference of sizes from tensors, and the errors of sizes and settings.
#include "models/vlmo/VlmoConfig.h"
#include "models/Models.h"
#include <gtest/gtest.h>

using namespace vlp::models;

static std::map<std::string, std::vector<int64_t>> makeShapes() {
  return {{"transformer.patch_embed.proj.weight", {96, 3, 16, 16}},
          {"transformer.blocks.0.mlp_imag.fc1.weight", {200, 96}},
          {"transformer.blocks.0.gamma_1", {96}},
          {"transformer.blocks.3.mlp_vl.fc1.weight", {200, 96}},
          {"transformer.blocks.4.mlp_vl.fc1.weight", {200, 96}},
          {"text_embeddings.word_embeddings.weight", {50, 96}},
          {"text_embeddings.position_embeddings.weight", {7, 96}},
          {"relative_position_bias_table", {28 + 2 + 2 * 9, 15}}};
}

TEST(VlmoConfig, SizesFollowFromTensors) {
  auto config = VlmoConfig::fromTensors(
      makeShapes(),
      {{"heads", "3"}, {"image", "48"}, {"ln_eps", "1e-5"}, {"text_emb_ln_eps", "1e-11"}, {"mlm_weight", "0.5"}});
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->image, 48);
  EXPECT_EQ(config->tower.width, 96);
  EXPECT_EQ(config->tower.layers, 5);
  EXPECT_EQ(config->tower.heads, 3);
  EXPECT_EQ(config->tower.mlp, 200);
  EXPECT_EQ(config->firstPair, 3);
  EXPECT_EQ(config->vocabulary, 50);
  EXPECT_EQ(config->context, 7);
  EXPECT_EQ(config->relativeTokens, 9);
  EXPECT_EQ(config->layerScale, 1);
  EXPECT_EQ(config->eps, 1e-5);
  EXPECT_EQ(config->textEps, 1e-11);
  EXPECT_EQ(config->maskedWeight, 0.5);
}

TEST(VlmoConfig, AbsolutePositionsShowThePicture) {
  auto shapes = makeShapes();
  shapes.erase("relative_position_bias_table");
  shapes.erase("transformer.blocks.0.gamma_1");
  shapes["transformer.pos_embed"] = {1, 10, 96};
  auto config = VlmoConfig::fromTensors(shapes, {{"heads", "3"}});
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->image, 48);
  EXPECT_EQ(config->relativeTokens, 0);
  EXPECT_EQ(config->layerScale, 0);
}

TEST(VlmoConfig, AllThatIsMissingIsNamed) {
  auto shapes = makeShapes();
  shapes.erase("text_embeddings.word_embeddings.weight");
  shapes["relative_position_bias_table"] = {29, 15};
  auto config = VlmoConfig::fromTensors(shapes, {{"heads", "3"}, {"image", "48"}, {"ln_eps", "small"}});
  ASSERT_FALSE(bool(config));
  std::string message = llvm::toString(config.takeError());
  for (const char *part : {"'text_embeddings.word_embeddings.weight' is missing",
                           "'relative_position_bias_table' has 29 rows, expected an even number more than the 30 of a "
                           "picture of 48 pixels",
                           "'ln_eps': expected a number, got 'small'"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(VlmoConfig, ImpossibleSizesAreRefused) {
  VlmoConfig config = getVlmoPresets().front().config;
  config.image = 33;
  config.tower.heads = 3;
  config.firstPair = 5;
  config.context = 13;
  std::string message = llvm::toString(config.verify());
  for (const char *part :
       {"image = 33 is no multiple of patch = 16", "tower.width = 32 is no multiple of tower.heads = 3",
        "pair.layers = 5, expected at most layers = 4", "context = 13, expected at most 12"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}
