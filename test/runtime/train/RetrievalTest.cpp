// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards recall against hand-made cases: ties, equal names, NaN, one item; and against the definition by sorting.
#include "runtime/train/Retrieval.h"

#include "runtime/data/Random.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

using namespace vlp;
using namespace vlp::training;

using Ranks = std::vector<uint32_t>;

TEST(Retrieval, PerfectAndReversed) {
  std::vector<float> eye = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::vector<int32_t> labels = {0, 1, 2};
  RetrievalRanks ranks = retrievalRanks(eye, eye, 3, labels);
  EXPECT_EQ(ranks.imageToText, (Ranks{1, 1, 1}));
  EXPECT_EQ(score(ranks).mean.at1, 100);
  std::vector<float> negative = {-1, 0, 0, 0, -1, 0, 0, 0, -1};
  ranks = retrievalRanks(eye, negative, 3, labels);
  EXPECT_EQ(ranks.textToImage, (Ranks{3, 3, 3}));
  EXPECT_EQ(score(ranks).mean.at1, 0);
  EXPECT_EQ(score(ranks).mean.at5, 100);
  EXPECT_EQ(score(ranks).medianRank, 3);
}

TEST(Retrieval, DirectionsDiffer) {
  // Both pictures like text 0 best; each text likes its own picture best.
  std::vector<float> images = {1, 0, 0.6f, 0.5f}, texts = {1, 0, 0, 1};
  std::vector<int32_t> labels = {0, 1};
  RetrievalRanks ranks = retrievalRanks(images, texts, 2, labels);
  EXPECT_EQ(ranks.imageToText, (Ranks{1, 2}));
  EXPECT_EQ(ranks.textToImage, (Ranks{1, 1}));
  RetrievalScore result = score(ranks);
  EXPECT_EQ(result.imageToText.at1, 50);
  EXPECT_EQ(result.textToImage.at1, 100);
  EXPECT_EQ(result.mean.at1, 75);
  EXPECT_EQ(itemHits(ranks, 1), (std::vector<double>{100, 50}));
}

TEST(Retrieval, TiesEarnNothing) {
  std::vector<float> same(12 * 4, 0.5f);
  std::vector<int32_t> labels(12);
  std::iota(labels.begin(), labels.end(), 0);
  RetrievalRanks ranks = retrievalRanks(same, same, 4, labels);
  EXPECT_EQ(ranks.imageToText, Ranks(12, 12));
  EXPECT_EQ(score(ranks).mean.at10, 0);
}

TEST(Retrieval, EqualNamesMatch) {
  // Pictures 0 and 1 share a name; each finds the other's text.
  std::vector<float> images = {1, 0, 0, 0, 1, 0, 0, 0, 1}, texts = {0, 1, 0, 1, 0, 0, 0, 0, 1};
  std::vector<std::string> names = {"cat", "cat", "dog"};
  std::vector<int32_t> labels = labelsOf(names);
  EXPECT_EQ(labels, (std::vector<int32_t>{0, 0, 1}));
  EXPECT_EQ(score(retrievalRanks(images, texts, 3, labels)).mean.at1, 100);
  labels = {0, 1, 2};
  EXPECT_NEAR(score(retrievalRanks(images, texts, 3, labels)).mean.at1, 100.0 / 3, 1e-9);
}

TEST(Retrieval, WrongNamesThatRepeatTakeTheirPlaces) {
  // Five copies of a wrong text lie before the right one: not within the first five.
  std::vector<float> images(6 * 2), texts(6 * 2);
  for (int i = 0; i < 5; ++i)
    images[size_t(i) * 2] = texts[size_t(i) * 2] = 1;
  images[10] = 1, texts[10] = 0.5f;
  std::vector<int32_t> labels = {0, 0, 0, 0, 0, 1};
  RetrievalRanks ranks = retrievalRanks(images, texts, 2, labels);
  EXPECT_EQ(ranks.imageToText[5], 6u);
  EXPECT_EQ(ranks.imageToText[0], 1u);
}

TEST(Retrieval, NotANumber) {
  std::vector<float> images = {1, 0, 0, 1, NAN, NAN}, texts = {1, 0, 0, 1, 1, 1};
  std::vector<int32_t> labels = {0, 1, 2};
  RetrievalRanks ranks = retrievalRanks(images, texts, 2, labels);
  EXPECT_EQ(ranks.imageToText[2], 4u); // nothing to rank: behind all
  EXPECT_EQ(ranks.textToImage[0], 2u); // the picture that is NaN counts as before it
}

TEST(Retrieval, OneItemAndNone) {
  std::vector<float> one = {1, 2};
  std::vector<int32_t> label = {7};
  EXPECT_EQ(score(retrievalRanks(one, one, 2, label)).mean.at1, 100);
  RetrievalScore none = score(retrievalRanks({}, {}, 2, {}));
  EXPECT_EQ(none.items, 0u);
  EXPECT_EQ(none.mean.at10, 0);
  EXPECT_EQ(none.medianRank, 0);
}

TEST(Retrieval, AgreesWithSorting) {
  const size_t n = 57, width = 11; // neither a multiple of the eight partial sums
  std::vector<float> images(n * width), texts(n * width);
  data::Draws draws(3, 0, 0, 0);
  for (float &value : images)
    value = float(draws.uniform(-1, 1));
  for (float &value : texts)
    value = float(draws.uniform(-1, 1));
  std::vector<int32_t> labels(n);
  for (size_t i = 0; i < n; ++i)
    labels[i] = int32_t(i / 2);
  RetrievalRanks ranks = retrievalRanks(images, texts, width, labels);
  for (uint32_t k : {1u, 5u, 10u}) {
    size_t hits = 0;
    for (size_t q = 0; q < n; ++q) {
      std::vector<std::pair<double, size_t>> order;
      for (size_t c = 0; c < n; ++c) {
        double sum = 0;
        for (size_t j = 0; j < width; ++j)
          sum += double(images[q * width + j]) * texts[c * width + j];
        order.push_back({-sum, c});
      }
      std::sort(order.begin(), order.end());
      hits +=
          std::any_of(order.begin(), order.begin() + k, [&](auto &entry) { return labels[entry.second] == labels[q]; });
    }
    EXPECT_NEAR(recallAt(ranks.imageToText, k), 100.0 * double(hits) / n, 1e-9) << k;
  }
}
