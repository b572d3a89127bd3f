// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the length of a run, the record of its settings, and what may change on resuming.
#include "runtime/train/Settings.h"

#include "test/runtime/train/ToyClip.h"

#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;
using namespace vlp::training;

static Expected<TrainSettings> resolve(const ScratchFolder &folder, const TrainOptions &options, uint64_t batch = 128) {
  return resolveSettings(options, *toyShapes(folder, 16, 3), 1000, batch);
}

TEST(Settings, Length) {
  ScratchFolder folder;
  TrainOptions options;
  EXPECT_EQ(resolve(folder, options)->totalSteps, 469u); // 60,000 pairs
  options.pairs = 129;
  EXPECT_EQ(resolve(folder, options)->totalSteps, 2u);
  options.pairs.reset();
  options.epochs = 2.5;
  EXPECT_EQ(resolve(folder, options)->totalSteps, 20u);
  options.epochs.reset();
  options.timeLimit = 60;
  EXPECT_EQ(resolve(folder, options)->totalSteps, 0u);
  options.steps = 7;
  EXPECT_EQ(resolve(folder, options)->totalSteps, 7u);
  EXPECT_EQ(resolve(folder, options)->timeLimit, 60);
}

TEST(Settings, LengthsThatMakeNoSense) {
  ScratchFolder folder;
  TrainOptions options;
  options.steps = 5;
  options.pairs = 5;
  EXPECT_NE(resolve(folder, options).status().message().find("at most one of"), std::string::npos);
  options = {};
  options.steps = 0;
  EXPECT_NE(resolve(folder, options).status().message().find("at least one step"), std::string::npos);
  options = {};
  options.epochs = -1;
  EXPECT_FALSE(resolve(folder, options));
  options = {};
  options.timeLimit = 0;
  EXPECT_FALSE(resolve(folder, options));
  options = {};
  options.steps = uint64_t(1) << 30;
  EXPECT_FALSE(resolve(folder, options));
}

TEST(Settings, JsonRoundTrip) {
  TrainSettings settings;
  settings.seed = 18446744073709551615u;
  settings.totalSteps = 12;
  settings.batch = 8;
  settings.model = "clip/emoji";
  settings.augment.crop = data::Crop::RandomResized;
  settings.augment.brightnessMin = 0.7f;
  settings.captions.picturePrefix = 0.25f;
  settings.conceptBalance = 0.5f;
  auto parsed = TrainSettings::parse(settings.json());
  ASSERT_TRUE(parsed) << parsed.status().message();
  EXPECT_EQ(parsed->json(), settings.json());
  EXPECT_EQ(parsed->seed, settings.seed);
  EXPECT_EQ(parsed->augment.brightnessMin, 0.7f);
  EXPECT_EQ(parsed->conceptBalance, 0.5f);
  EXPECT_FALSE(TrainSettings::parse("{\"seed\": 1}"));
  EXPECT_FALSE(TrainSettings::parse("nonsense"));
}

TEST(Settings, ResumingListsAllThatDiffers) {
  TrainSettings saved;
  TrainOptions options;
  EXPECT_TRUE(checkAgainst(options, saved).isOk());
  options.seed = 0; // as saved
  options.steps = 99;
  EXPECT_TRUE(checkAgainst(options, saved).isOk());
  options.seed = 1;
  options.mirror = true;
  options.conceptBalance = 1;
  options.initFrom = "x";
  Status status = checkAgainst(options, saved);
  ASSERT_FALSE(status.isOk());
  EXPECT_NE(status.message().find("--seed, --mirror, --concept-balance, --init"), std::string::npos) << status.message();
}
