// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards sums, order and shares of profiles, and the inputs that benchmarks make up.
#include "runtime/report/Profile.h"
#include "runtime/report/Bench.h"

#include "test/runtime/train/ToyClip.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vlp;
using namespace vlp::report;

namespace {
MachinePeak roundPeak() {
  MachinePeak peak;
  peak.gflops = 100;
  peak.gigabytes = 10;
  peak.threads = 1;
  peak.instructions = "test";
  return peak;
}
} // namespace

TEST(Profile, SumsEqualTheWhole) {
  test::ScratchFolder folder;
  auto session = test::toyClipSession(folder);
  session->initialize(0);
  ASSERT_TRUE(fillInputs(*session, "train", test::kToyClipVocabulary).isOk());
  auto profile = profileEntry(*session, "train", 3);
  ASSERT_TRUE(profile) << profile.status().message();
  EXPECT_EQ(profile->layers.size(), 4u);
  EXPECT_EQ(profile->kernels.size(), 4u);
  EXPECT_EQ(profile->anchors.size(), 1u);
  double sum = 0;
  for (const ProfileRow &row : profile->layers) {
    sum += row.seconds;
    EXPECT_LE(row.forwardSeconds, row.seconds);
  }
  EXPECT_NEAR(sum, profile->seconds, 1e-9);
  EXPECT_TRUE(std::is_sorted(profile->layers.begin(), profile->layers.end(),
                             [](auto &a, auto &b) { return a.seconds > b.seconds; }));
  Table table = profileTable(profile->layers, "layer", *profile, roundPeak(), 2);
  EXPECT_NE(table.text().find("(others)"), std::string::npos);
  EXPECT_NE(table.text().find("100.0 %"), std::string::npos);
  ASSERT_TRUE(saveProfileHtml(folder.file("p.html"), *profile, session->module().manifest(), roundPeak()).isOk());
  EXPECT_FALSE(profileEntry(*session, "nothing", 1));
}

TEST(Bench, MadeUpInputsArePlausible) {
  test::ScratchFolder folder;
  auto session = test::toyClipSession(folder);
  ASSERT_TRUE(fillInputs(*session, "train", test::kToyClipVocabulary).isOk());
  auto text = session->input("train", "text");
  ASSERT_TRUE(text);
  const int32_t *ids = reinterpret_cast<const int32_t *>(text->data());
  for (size_t row = 0; row < 8; ++row) {
    EXPECT_EQ(ids[row * 8], test::kToyClipVocabulary - 2);
    EXPECT_EQ(std::count(ids + row * 8, ids + row * 8 + 8, test::kToyClipVocabulary - 1), 1);
    EXPECT_TRUE(std::all_of(ids + row * 8, ids + row * 8 + 8,
                            [](int32_t id) { return id >= 0 && id < test::kToyClipVocabulary; }));
  }
  auto image = session->input("train", "image");
  double sum = 0, square = 0;
  size_t n = image->size() / 4;
  for (size_t i = 0; i < n; ++i) {
    double value = double(reinterpret_cast<const float *>(image->data())[i]);
    sum += value;
    square += value * value;
  }
  EXPECT_NEAR(sum / double(n), 0, 0.1);
  EXPECT_NEAR(square / double(n), 1, 0.1);
}

TEST(Bench, Result) {
  test::ScratchFolder folder;
  auto session = test::toyClipSession(folder);
  auto result = bench(*session, {"encode_image", 1, 5});
  ASSERT_TRUE(result) << result.status().message();
  EXPECT_EQ(result->seconds.size(), 5u);
  EXPECT_LE(result->bestSeconds, result->medianSeconds);
  EXPECT_GT(result->bestSeconds, 0);
  EXPECT_EQ(result->batch, 8);
  EXPECT_NE(describeBench(*result, roundPeak()).find("100.0 GF/s"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::accept(benchJson(*result, roundPeak())));
  auto unknown = bench(*session, {"caption", 1, 5});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.status().message().find("encode_text"), std::string::npos);
}
