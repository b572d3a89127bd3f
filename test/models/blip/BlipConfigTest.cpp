// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards inference of sizes from tensors, and the errors of sizes and settings.
#include "models/blip/BlipConfig.h"
#include "models/Models.h"
#include <gtest/gtest.h>

using namespace vlp::models;

static std::map<std::string, std::vector<int64_t>> makeShapes() {
  return {{"visual_encoder.patch_embed.proj.weight", {96, 3, 16, 16}},
          {"visual_encoder.pos_embed", {1, 10, 96}},
          {"visual_encoder.blocks.0.mlp.fc1.weight", {200, 96}},
          {"visual_encoder.blocks.2.x", {1}},
          {"text_encoder.embeddings.word_embeddings.weight", {50, 48}},
          {"text_encoder.embeddings.position_embeddings.weight", {12, 48}},
          {"text_encoder.encoder.layer.0.intermediate.dense.weight", {100, 48}},
          {"text_encoder.encoder.layer.0.crossattention.self.query.weight", {48, 48}},
          {"text_encoder.encoder.layer.4.crossattention.self.query.weight", {48, 48}},
          {"vision_proj.weight", {20, 96}},
          {"image_queue", {20, 30}}};
}

TEST(BlipConfig, SizesFollowFromTensors) {
  auto config = BlipConfig::fromTensors(makeShapes(), {{"heads", "3"},
                                                       {"ln_eps_vit", "1e-5"},
                                                       {"ln_eps_text", "1e-11"},
                                                       {"alpha", "0.25"},
                                                       {"momentum", "0.5"},
                                                       {"bos", "40"},
                                                       {"enc", "41"},
                                                       {"label_smoothing", "0.25"}});
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->vision.image, 48);
  EXPECT_EQ(config->vision.tower.layers, 3);
  EXPECT_EQ(config->vision.tower.mlp, 200);
  EXPECT_EQ(config->vision.tower.heads, 3);
  EXPECT_EQ(config->vision.eps, 1e-5);
  EXPECT_EQ(config->bert.tower.width, 48);
  EXPECT_EQ(config->bert.tower.layers, 5);
  EXPECT_EQ(config->bert.tower.mlp, 100);
  EXPECT_EQ(config->bert.firstCross, 0);
  EXPECT_EQ(config->bert.tokenTypes, 0);
  EXPECT_EQ(config->bert.positions, 12);
  EXPECT_EQ(config->bert.eps, 1e-11);
  EXPECT_EQ(config->embed, 20);
  EXPECT_EQ(config->queue, 30);
  EXPECT_EQ(config->alpha, 0.25);
  EXPECT_EQ(config->momentum, 0.5);
  EXPECT_EQ(config->getDecodeToken(), 40);
  EXPECT_EQ(config->getMatchToken(), 41);
  EXPECT_EQ(config->smoothing, 0.25);
}

TEST(BlipConfig, AllThatIsMissingIsNamed) {
  auto shapes = makeShapes();
  shapes.erase("image_queue");
  shapes["vision_proj.weight"] = {20};
  shapes["visual_encoder.pos_embed"] = {1, 9, 96};
  auto config = BlipConfig::fromTensors(shapes, {{"alpha", "much"}});
  ASSERT_FALSE(bool(config));
  std::string message = llvm::toString(config.takeError());
  for (const char *part : {"'image_queue' is missing", "'vision_proj.weight' has 1 dimensions",
                           "'visual_encoder.pos_embed' has 9 rows", "'alpha': expected a number, got 'much'"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(BlipConfig, ImpossibleSizesAreRefused) {
  BlipConfig config = getBlipPresets().front().config;
  config.vision.image = 33;
  config.vision.tower.heads = 5;
  config.bert.tower.heads = 5;
  config.matchToken = 62;
  config.context = 17;
  config.embed = 0;
  std::string message = llvm::toString(config.verify());
  for (const char *part :
       {"image = 33 is no multiple of patch = 16", "vision.width = 48 is no multiple of vision.heads = 5",
        "text.width = 32 is no multiple of text.heads = 5", "special token 62, expected one of vocab = 62",
        "context = 17, expected at most positions = 16", "embed = 0, expected at least 1"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(BlipConfig, SettingsByName) {
  BlipConfig config = getBlipPresets().front().config;
  EXPECT_FALSE(bool(config.apply({{"queue", "32"}, {"text.layers", "6"}})));
  EXPECT_EQ(config.getSizes().at("queue"), 32);
  EXPECT_EQ(config.getSizes().at("text.layers"), 6);
  std::string message = llvm::toString(config.apply({{"quee", "1"}}));
  EXPECT_NE(message.find("did you mean 'queue'"), std::string::npos) << message;
}
