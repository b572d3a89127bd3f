// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the search for the first layer that is not finite, and that looking changes nothing.
#include "TestModule.h"
#include "runtime/core/Module.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace vlp;
using namespace vlp::test;

static std::vector<float> copyOf(Session &session, const char *name) {
  auto values = floats(session.state(name));
  return {values.begin(), values.end()};
}

TEST(FindNonFinite, NothingToFind) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  auto weight = copyOf(*session, "weight");
  auto found = session->findNonFinite("train");
  ASSERT_TRUE(found) << found.status().message();
  EXPECT_EQ(*found, "");
  EXPECT_EQ(copyOf(*session, "weight"), weight);
  EXPECT_EQ(*session->counter("train.step"), 0);
}

// Finite inputs whose sum overflows: the layer that overflows is named, not one that only passes it on.
TEST(FindNonFinite, NamesTheFirstLayer) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  auto image = floats(*session->input("train", "image"));
  for (int64_t row = 0; row < kToyBatch; ++row)
    image[size_t(row * kToyWidth + 5)] = 3e38f;
  auto found = session->findNonFinite("train");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "layer 'visual.pool' (kernel toy_mean)");

  fillToyImage(*session, "train", 0);
  floats(session->state("weight"))[36] = 1e30f;
  found = session->findNonFinite("train");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "layer 'loss' (kernel toy_loss)");
}

// Bits that are a NaN as one type are a number as another.
TEST(FindNonFinite, ReadsResultsAsTheirType) {
  using Result = format::Launch::Result;
  auto find = [](Result type, uint32_t bits) {
    TemporaryFolder folder;
    auto session = toySession(folder, 2, [&](format::Manifest &manifest) {
      auto &launch = *manifest.mutable_programs(0)->mutable_entries(0)->mutable_ops(0)->mutable_launch();
      launch.set_results(0, type);
    });
    auto image = floats(*session->input("train", "image")); // one mean of it is `bits`, the others zero
    std::fill(image.begin(), image.end(), 0.0f);
    for (int64_t row = 0; row < kToyBatch; ++row)
      image[size_t(row * kToyWidth + 5)] = std::bit_cast<float>(bits); // three times it is exact
    return *session->findNonFinite("train");
  };
  const std::string pool = "layer 'visual.pool' (kernel toy_mean)";
  constexpr uint32_t kOneAndALowHalf = 0x3f807f80; // 1.0038...; as two bf16, infinity and one
  EXPECT_NE(find(format::Launch::FLOAT32, kOneAndALowHalf), pool);
  EXPECT_EQ(find(format::Launch::BFLOAT16, kOneAndALowHalf), pool);
  EXPECT_NE(find(format::Launch::BFLOAT16, 0x3f800000), pool);
  EXPECT_NE(find(format::Launch::OTHER, kOneAndALowHalf), pool);
}

TEST(FindNonFinite, NamesTheOptimizerAndKeepsState) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  ASSERT_TRUE(session->setScalar("train.learning_rate", 3e38f));
  floats(session->state("weight"))[3] = 1e19f;
  auto weight = copyOf(*session, "weight"), moment = copyOf(*session, "adam.m/weight");
  auto found = session->findNonFinite("train");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "layer 'optimizer' (kernel toy_step, backward)");
  EXPECT_EQ(copyOf(*session, "weight"), weight);
  EXPECT_EQ(copyOf(*session, "adam.m/weight"), moment);
  EXPECT_EQ(*session->counter("train.step"), 0);
}

// What came in not finite is named as such: no layer made it.
TEST(FindNonFinite, NamesInputsAndParameters) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  floats(session->state("weight"))[7] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(*session->findNonFinite("train"), "parameter 'weight' (element 7)");
  floats(*session->input("train", "image"))[40] = std::nanf("");
  EXPECT_EQ(*session->findNonFinite("train"), "input 'image' (element 40)");
  EXPECT_FALSE(session->findNonFinite("nothing"));
}

// The i32 flag and counter are no floats: -1 would look like NaN.
TEST(FindNonFinite, PassesOverIntegers) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  int32_t step = -2;
  std::memcpy(session->state("train.step").data(), &step, sizeof step);
  EXPECT_EQ(*session->findNonFinite("train"), "");
}

TEST(FindNonFinite, StepWithNaNLeavesStateAsItWas) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  ASSERT_TRUE(session->run("train"));
  auto weight = copyOf(*session, "weight");
  floats(*session->input("train", "image"))[0] = std::nanf("");
  ASSERT_TRUE(session->run("train"));
  int32_t finite;
  std::memcpy(&finite, session->output("train", "finite")->data(), sizeof finite);
  EXPECT_EQ(finite, 0);
  EXPECT_EQ(copyOf(*session, "weight"), weight);
  EXPECT_EQ(*session->counter("train.step"), 1);
}

TEST(RunObserved, SeesEveryOpAndKeepsStateWhenAsked) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  auto weight = copyOf(*session, "weight");
  std::vector<float> mean;
  size_t seen = 0;
  auto visit = [&](size_t index, const format::Op &op) {
    EXPECT_EQ(index, seen++);
    if (index == 0) {
      auto values = floats(session->slot("train", op.launch().args(2)));
      mean.assign(values.begin(), values.end());
    }
    return Status::ok();
  };
  ASSERT_TRUE(session->runObserved("train", visit, true));
  EXPECT_EQ(seen, 5u);
  auto image = floats(*session->input("train", "image"));
  EXPECT_EQ(mean[4], (image[4] + image[4 + kToyWidth] + image[4 + 2 * kToyWidth]) / 3);
  EXPECT_EQ(copyOf(*session, "weight"), weight);
  seen = 0;
  ASSERT_TRUE(session->runObserved("train", visit, false));
  EXPECT_NE(copyOf(*session, "weight"), weight);
  EXPECT_EQ(*session->counter("train.step"), 1);
}

TEST(RunObserved, StopsAtAnErrorWithStateRestored) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  auto weight = copyOf(*session, "weight");
  size_t seen = 0;
  Status status = session->runObserved(
      "train",
      [&](size_t index, const format::Op &) { return ++seen, index == 3 ? Status::invalid("stop") : Status::ok(); },
      true);
  EXPECT_EQ(status.message(), "stop");
  EXPECT_EQ(seen, 4u);
  EXPECT_EQ(copyOf(*session, "weight"), weight);
}
