// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How well pictures find their texts and texts their pictures.
#include "runtime/train/Retrieval.h"

#include <algorithm>
#include <map>

namespace vlp::training {

/// The sum goes over eight partial sums in a fixed order, which the compiler may keep in one vector.
static float dot(const float *a, const float *b, size_t n) {
  float partial[8] = {};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; ++j)
      partial[j] += a[i + j] * b[i + j];
  float sum = 0;
  for (; i < n; ++i)
    sum += a[i] * b[i];
  for (float value : partial)
    sum += value;
  return sum;
}

static std::vector<uint32_t> ranksOf(std::span<const float> queries, std::span<const float> candidates, size_t width,
                                     std::span<const int32_t> labels) {
  size_t n = labels.size();
  std::vector<uint32_t> ranks(n);
  std::vector<float> scores(n);
  for (size_t q = 0; q < n; ++q) {
    // NaN compares false with everything: a right candidate that is NaN is never the best, a wrong one is never below
    // it.
    bool found = false;
    float best = 0;
    for (size_t c = 0; c < n; ++c) {
      scores[c] = dot(&queries[q * width], &candidates[c * width], width);
      if (labels[c] == labels[q] && scores[c] == scores[c] && (!found || scores[c] > best)) {
        best = scores[c];
        found = true;
      }
    }
    uint32_t rank = 1;
    for (size_t c = 0; c < n; ++c)
      if (labels[c] != labels[q] && !(found && scores[c] < best))
        ++rank;
    ranks[q] = found ? rank : uint32_t(n + 1);
  }
  return ranks;
}

RetrievalRanks retrievalRanks(std::span<const float> images, std::span<const float> texts, size_t width,
                              std::span<const int32_t> labels) {
  return {ranksOf(images, texts, width, labels), ranksOf(texts, images, width, labels)};
}

std::vector<int32_t> labelsOf(std::span<const std::string> names) {
  std::map<std::string_view, int32_t> known;
  std::vector<int32_t> labels;
  for (const std::string &name : names)
    labels.push_back(known.emplace(name, int32_t(known.size())).first->second);
  return labels;
}

double recallAt(std::span<const uint32_t> ranks, uint32_t k) {
  if (ranks.empty())
    return 0;
  auto hits = std::count_if(ranks.begin(), ranks.end(), [k](uint32_t rank) { return rank <= k; });
  return 100.0 * double(hits) / double(ranks.size());
}

data::Recall recallOf(std::span<const uint32_t> ranks) {
  return {recallAt(ranks, 1), recallAt(ranks, 5), recallAt(ranks, 10)};
}

RetrievalScore score(const RetrievalRanks &ranks) {
  RetrievalScore result;
  result.items = ranks.imageToText.size();
  result.imageToText = recallOf(ranks.imageToText);
  result.textToImage = recallOf(ranks.textToImage);
  result.mean = {(result.imageToText.at1 + result.textToImage.at1) / 2,
                 (result.imageToText.at5 + result.textToImage.at5) / 2,
                 (result.imageToText.at10 + result.textToImage.at10) / 2};
  std::vector<double> all(ranks.imageToText.begin(), ranks.imageToText.end());
  all.insert(all.end(), ranks.textToImage.begin(), ranks.textToImage.end());
  result.medianRank = report::median(std::move(all));
  return result;
}

std::vector<double> itemHits(const RetrievalRanks &ranks, uint32_t k) {
  std::vector<double> hits;
  for (size_t i = 0; i < ranks.imageToText.size(); ++i)
    hits.push_back(50.0 * ((ranks.imageToText[i] <= k) + (ranks.textToImage[i] <= k)));
  return hits;
}

} // namespace vlp::training
