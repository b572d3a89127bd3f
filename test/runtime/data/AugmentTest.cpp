// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards samples: the evaluation crop, the range of augmentations, and the shares of caption forms.
#include "runtime/data/Augment.h"
#include "runtime/data/Resize.h"
#include "test/runtime/data/Shapes.h"
#include "test/runtime/data/TestImages.h"

#include <cmath>
#include <map>
#include <set>

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

namespace {
/// One item whose pixel at (x, y, c) is known.
class OneItem : public ::testing::Test {
protected:
  void SetUp() override { write(true); }
  void write(bool mirrorable) {
    DatasetInfo info;
    info.kind = "shapes";
    info.side = 64;
    auto writer = DatasetWriter::create(dir.path(), info);
    Item item;
    item.captions = {"pattern"};
    item.mirrorable = mirrorable;
    ASSERT_TRUE((*writer)->add(item, image.rgb).isOk());
    ASSERT_TRUE((*writer)->finish().isOk());
    dataset = *Dataset::open(dir.path());
  }
  float at(int x, int y, int c) const { return image.rgb[(size_t(y) * 64 + x) * 3 + c] / 127.5f - 1; }

  ScratchDirectory dir;
  Image image = patternImage(64, 64);
  std::shared_ptr<const Dataset> dataset;
  ImageOptions options;
  std::vector<float> result = std::vector<float>(3 * 56 * 56);
};
} // namespace

TEST_F(OneItem, EvaluationTakesTheCentre) {
  evaluationImage(*dataset, 0, options, result.data());
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 56; ++y)
      for (int x = 0; x < 56; ++x)
        ASSERT_NEAR(result[(c * 56 + y) * 56 + x], at(x + 4, y + 4, c), 1e-5);
}

TEST_F(OneItem, EvaluationResamplesToOtherSizes) {
  options.size = 28;
  result.resize(3 * 28 * 28);
  evaluationImage(*dataset, 0, options, result.data());
  Bytes expected(28 * 28 * 3);
  resizePixels(image.rgb.data(), 64, 64, 3, {4, 4, 60, 60}, Filter::Bicubic, expected.data(), 28, 28);
  for (size_t i = 0; i < 28 * 28; ++i)
    for (size_t c = 0; c < 3; ++c)
      ASSERT_NEAR(result[c * 28 * 28 + i], expected[3 * i + c] / 127.5f - 1, 1e-5);
}

TEST_F(OneItem, MeanAndDeviationArePerChannel) {
  for (int c = 0; c < 3; ++c) {
    options.mean[c] = 0.1f * float(c);
    options.deviation[c] = 0.2f + 0.1f * float(c);
  }
  evaluationImage(*dataset, 0, options, result.data());
  for (int c = 0; c < 3; ++c)
    EXPECT_NEAR(result[c * 56 * 56],
                (image.rgb[(4 * 64 + 4) * 3 + c] / 255.0f - options.mean[c]) / options.deviation[c], 1e-5);
}

TEST_F(OneItem, OffsetCropsAreShiftedAndBrightened) {
  std::set<std::pair<int, int>> offsets;
  for (uint64_t step = 0; step < 300; ++step) {
    Draws draws(1, step, 0, 2);
    AugmentOptions augment;
    augment.brightnessMin = augment.brightnessMax = 1;
    trainingImage(*dataset, 0, options, augment, draws, result.data());
    for (int y = 0; y <= 8; ++y)
      for (int x = 0; x <= 8; ++x) {
        bool same = true;
        for (int i = 0; i < 56 && same; ++i)
          same = std::fabs(result[size_t(i) * 56 + i] - at(x + i, y + i, 0)) < 1e-5 &&
                 std::fabs(result[size_t(i)] - at(x + i, y, 0)) < 1e-5;
        if (same)
          offsets.insert({x, y});
      }
  }
  EXPECT_GT(offsets.size(), 70u) << "of 81";
  float low = 9, high = 0;
  for (uint64_t step = 0; step < 200; ++step) {
    Draws a(1, step, 0, 2), b(1, step, 0, 2);
    AugmentOptions plain;
    plain.brightnessMin = plain.brightnessMax = 1;
    std::vector<float> reference(result.size());
    trainingImage(*dataset, 0, options, plain, a, reference.data());
    trainingImage(*dataset, 0, options, {}, b, result.data());
    float gain = result[100] / reference[100];
    low = std::min(low, gain);
    high = std::max(high, gain);
  }
  EXPECT_NEAR(low, 0.85, 0.01);
  EXPECT_NEAR(high, 1.10, 0.01);
}

TEST_F(OneItem, MirroringNeedsTheMarkAndTheOption) {
  AugmentOptions augment;
  augment.brightnessMin = augment.brightnessMax = 1;
  options.cropFraction = 1;
  options.size = 64;
  result.resize(3 * 64 * 64);
  auto mirrored = [&](bool option) {
    int count = 0;
    augment.mirror = option;
    for (uint64_t step = 0; step < 100; ++step) {
      Draws draws(1, step, 0, 2);
      trainingImage(*dataset, 0, options, augment, draws, result.data());
      bool flipped = std::fabs(result[0] - at(63, 0, 0)) < 1e-5 && std::fabs(result[1] - at(62, 0, 0)) < 1e-5;
      EXPECT_TRUE(flipped || std::fabs(result[0] - at(0, 0, 0)) < 1e-5);
      count += flipped;
    }
    return count;
  };
  EXPECT_NEAR(mirrored(true), 50, 20);
  EXPECT_EQ(mirrored(false), 0);
  write(false);
  EXPECT_EQ(mirrored(true), 0);
}

TEST_F(OneItem, RandomResizedCropsStayInsideAndVary) {
  AugmentOptions augment;
  augment.crop = Crop::RandomResized;
  augment.scaleMin = 0.01f;
  augment.ratioMin = 0.1f;
  augment.ratioMax = 10;
  std::set<float> values;
  for (uint64_t step = 0; step < 200; ++step) {
    Draws draws(1, step, 0, 2);
    trainingImage(*dataset, 0, options, augment, draws, result.data());
    for (float value : result)
      ASSERT_TRUE(value >= -1.1f && value <= 1.1f);
    values.insert(result[500]);
  }
  EXPECT_GT(values.size(), 100u);
}

TEST(Caption, FormsHaveTheirShares) {
  Item item;
  item.captions = {"grinning face"};
  item.keywords = {"k1", "k2", "k3"};
  std::map<std::string, int> forms;
  constexpr int n = 4000;
  for (uint64_t step = 0; step < n; ++step) {
    Draws draws(5, step, 0, 3);
    std::string caption = sampleCaption(item, {}, draws);
    std::string form = caption == "grinning face"                ? "plain"
                       : caption == "a picture of grinning face" ? "picture"
                       : caption.starts_with("grinning face k")  ? "both"
                                                                 : "keywords";
    ++forms[form];
    if (form == "both")
      EXPECT_EQ(caption.size(), std::string("grinning face k1 k2").size()) << caption;
    std::set<std::string> parts;
    for (size_t at = caption.find('k'); at != caption.npos; at = caption.find('k', at + 1))
      EXPECT_TRUE(parts.insert(caption.substr(at, 2)).second) << "repeated keyword in " << caption;
  }
  EXPECT_NEAR(forms["keywords"], 0.30 * n, 120);
  EXPECT_NEAR(forms["both"], 0.20 * n, 120);
  EXPECT_NEAR(forms["picture"], 0.15 * n, 120);
  EXPECT_NEAR(forms["plain"], 0.35 * n, 120);
}

TEST(Caption, WithoutKeywordsTheNameRemains) {
  Item item;
  item.captions = {"a", "b"};
  std::set<std::string> seen, plain;
  for (uint64_t step = 0; step < 200; ++step) {
    Draws draws(5, step, 0, 3), again(5, step, 0, 3);
    seen.insert(sampleCaption(item, {}, draws));
    plain.insert(sampleCaption(item, CaptionOptions::forKind("folder"), again));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"a", "b", "a picture of a", "a picture of b"}));
  EXPECT_EQ(plain, (std::set<std::string>{"a", "b"}));
}

TEST(QueryImage, EqualsTheStoredPictureOfTheSameSource) {
  Image image = patternImage(64, 64);
  RgbaImage rgba{64, 64, {}};
  for (size_t i = 0; i < 64 * 64; ++i)
    rgba.rgba.insert(rgba.rgba.end(), {image.rgb[3 * i], image.rgb[3 * i + 1], image.rgb[3 * i + 2], 255});
  auto query = queryImage(rgba, 64, {});
  ASSERT_TRUE(query);
  EXPECT_NEAR((*query)[0], image.rgb[(4 * 64 + 4) * 3] / 127.5f - 1, 1e-5);
  EXPECT_FALSE(queryImage(RgbaImage{}, 64, {}));
}
