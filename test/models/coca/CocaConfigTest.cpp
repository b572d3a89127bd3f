// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards inference of sizes from tensors, and the errors of sizes and settings.
#include "models/coca/CocaConfig.h"
#include "models/Models.h"
#include <gtest/gtest.h>

using namespace vlp::models;

static std::map<std::string, std::vector<int64_t>> makeShapes() {
  return {{"visual.conv1.weight", {96, 3, 16, 16}},
          {"visual.positional_embedding", {10, 96}},
          {"visual.attn_pool.query", {6, 48}},
          {"visual.transformer.resblocks.0.mlp.c_fc.weight", {384, 96}},
          {"visual.transformer.resblocks.2.x", {1}},
          {"text.token_embedding.weight", {50, 48}},
          {"text.positional_embedding", {12, 48}},
          {"text.transformer.resblocks.0.mlp.c_fc.weight", {100, 48}},
          {"text_decoder.resblocks.0.mlp.c_fc.weight", {200, 48}},
          {"text_decoder.resblocks.1.x", {1}}};
}

TEST(CocaConfig, SizesFollowFromTensors) {
  auto config = CocaConfig::fromTensors(makeShapes(), {{"act", "gelu erf"}, {"ln_eps", "1e-6"}, {"pool_heads", "3"}});
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->clip.image, 48);
  EXPECT_EQ(config->clip.vision.layers, 3);
  EXPECT_EQ(config->clip.text.layers, 1);
  EXPECT_EQ(config->clip.text.mlp, 100);
  EXPECT_EQ(config->clip.context, 11) << "the last of twelve positions is the class token's";
  EXPECT_EQ(config->clip.vocabulary, 50);
  EXPECT_EQ(config->clip.embed, 48);
  EXPECT_EQ(config->queries, 6);
  EXPECT_EQ(config->poolHeads, 3);
  EXPECT_EQ(config->decoder.layers, 2);
  EXPECT_EQ(config->decoder.mlp, 200);
  EXPECT_EQ(config->clip.activation, Activation::Gelu);
  EXPECT_EQ(config->clip.eps, 1e-6);
}

TEST(CocaConfig, AllThatIsMissingIsNamed) {
  auto shapes = makeShapes();
  shapes.erase("visual.attn_pool.query");
  shapes["text.token_embedding.weight"] = {50};
  auto config = CocaConfig::fromTensors(shapes, {{"pool_heads", "none"}});
  ASSERT_FALSE(bool(config));
  std::string message = llvm::toString(config.takeError());
  EXPECT_NE(message.find("'visual.attn_pool.query' is missing"), std::string::npos) << message;
  EXPECT_NE(message.find("'text.token_embedding.weight' has 1 dimensions"), std::string::npos) << message;
  EXPECT_NE(message.find("'pool_heads': expected a number of heads, got 'none'"), std::string::npos) << message;
}

TEST(CocaConfig, ImpossibleSizesAreRefused) {
  CocaConfig config = getCocaPresets().front().config;
  config.poolHeads = 3;
  config.decoder.heads = 5;
  config.queries = 1;
  config.clip.image = 33;
  std::string message = llvm::toString(config.verify());
  for (const char *part :
       {"embed = 32 is no multiple of pool.heads = 3", "decoder.width = 32 is no multiple of decoder.heads = 5",
        "pool.queries = 1, expected at least 2", "image = 33 is no multiple of patch = 16"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  config = getCocaPresets().front().config;
  config.clip.embed = 64;
  EXPECT_NE(llvm::toString(config.verify()).find("embed = 64, expected text.width = 32"), std::string::npos);
}

TEST(CocaConfig, SettingsReachBothTowersAndTheDecoder) {
  CocaConfig config = getCocaPresets().front().config;
  EXPECT_FALSE(
      bool(config.apply({{"text.width", "64"}, {"embed", "64"}, {"decoder.layers", "3"}, {"pool.queries", "4"}})));
  EXPECT_FALSE(bool(config.verify()));
  EXPECT_EQ(config.decoder.width, 64);
  EXPECT_EQ(config.getSizes().at("decoder.layers"), 3);
  EXPECT_EQ(config.getSizes().at("text.mlp"), 256);
  std::string message = llvm::toString(config.apply({{"pool.query", "1"}}));
  EXPECT_NE(message.find("did you mean 'pool.queries'"), std::string::npos) << message;
}
