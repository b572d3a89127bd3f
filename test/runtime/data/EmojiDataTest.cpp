// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the real emoji dataset, when VLP_EMOJI_DATA names one prepared without a salt at 64 pixels: pixels against
// Pillow's, concepts and splits against the Python that defined them, the baseline against its exact expectation.
#include "runtime/core/Sha256.h"
#include "runtime/data/Dataset.h"
#include "runtime/data/PixelBaseline.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <map>

using namespace vlp;
using namespace vlp::data;

namespace {
class EmojiData : public ::testing::Test {
protected:
  void SetUp() override {
    const char *path = std::getenv("VLP_EMOJI_DATA");
    if (!path)
      GTEST_SKIP() << "VLP_EMOJI_DATA is not set";
    auto opened = Dataset::open(path);
    ASSERT_TRUE(opened) << opened.status().message();
    dataset = *opened;
    if (dataset->side() != 64 || !dataset->info().salt.empty() || dataset->size() != 5433)
      GTEST_SKIP() << "prepared from other packages or with other options";
  }
  std::shared_ptr<const Dataset> dataset;
};
} // namespace

TEST_F(EmojiData, PixelsArePillows) {
  Sha256 hash;
  for (size_t i = 0; i < dataset->size(); ++i)
    hash.update({reinterpret_cast<const char *>(dataset->pixels(i).data()), dataset->itemBytes()});
  EXPECT_EQ(hash.hexDigest(), "06dabfc4dff6e85fd20be57b9011d3c2a958c90aaa3b5b03715a323ddd47d4f3");
}

TEST_F(EmojiData, ConceptsArePythons) {
  Sha256 hash;
  for (size_t i = 0; i < dataset->size(); ++i)
    hash.update(dataset->item(i).name() + "\t" + dataset->item(i).conceptName + "\n");
  EXPECT_EQ(hash.hexDigest(), "212909b12b4d8f88d2315aa4768eb6326eed27e97b1282b11fb1db0513a34b4f");
}

TEST_F(EmojiData, SplitsArePythonsForEverySalt) {
  const std::tuple<const char *, size_t, const char *> cases[] = {
      {"", 3991, "3665a90dc6e6ba773cd9fb898e607eafdd7dd674e9bf8dc3229b7696e5f745bc"},
      {"f1", 3953, "9628f51369194e89b6305ef4777e2104e9184b9c7f7e72bf0102f97efa77fd9b"},
      {"f2", 3841, "5db6d308c50438382ffb13ae9fa98db3c502a8e381c7c097f46e3cf136802253"}};
  for (auto [salt, train, expected] : cases) {
    Sha256 hash;
    std::map<Split, size_t> counts;
    for (size_t i = 0; i < dataset->size(); ++i) {
      const Item &item = dataset->item(i);
      Split split = emojiSplit(item.name(), item.style, item.group, salt);
      hash.update(item.style + "\t" + item.name() + "\t" + std::string(splitName(split)) + "\n");
      ++counts[split];
    }
    EXPECT_EQ(counts[Split::Train], train) << salt;
    EXPECT_EQ(hash.hexDigest(), expected) << salt;
  }
}

TEST_F(EmojiData, NothingLeaks) { EXPECT_EQ(verifyNoLeak(*dataset).message(), ""); }

TEST_F(EmojiData, BaselineIsTheExpectationOfPythons) {
  const std::map<Split, std::pair<size_t, Recall>> expected = {{Split::ComposeTest, {223, {64.3497, 88.8580, 93.4401}}},
                                                               {Split::CrossTest, {209, {22.3513, 34.1390, 37.9877}}},
                                                               {Split::UnseenTest, {190, {12.7640, 22.3550, 27.3121}}}};
  auto reports = pixelBaseline(*dataset, true);
  ASSERT_TRUE(reports);
  ASSERT_EQ(reports->size(), 3u);
  for (const BaselineReport &report : *reports) {
    auto [items, recall] = expected.at(report.split);
    EXPECT_EQ(report.items, items);
    EXPECT_NEAR(report.mean.at1, recall.at1, 1e-3) << splitName(report.split);
    EXPECT_NEAR(report.mean.at5, recall.at5, 1e-3) << splitName(report.split);
    EXPECT_NEAR(report.mean.at10, recall.at10, 1e-3) << splitName(report.split);
  }
}
