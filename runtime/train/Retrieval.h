// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How well pictures find their texts and texts their pictures.
#pragma once

#include "runtime/data/PixelBaseline.h"
#include "runtime/report/Statistics.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace vlp::training {

/// Ranks of a set of picture-text pairs among themselves, one per query, from 1.
struct RetrievalRanks {
  std::vector<uint32_t> imageToText; ///< of each picture's best text
  std::vector<uint32_t> textToImage; ///< of each text's best picture
};

/// Ranks by dot product. `images` and `texts` are [n, width], row i of both being a pair; `labels` [n] says what
/// matches: a candidate whose label equals the query's is right (pictures with the same name). The rank of a query is
/// one more than the number of wrong candidates that score at least as much as its best right one, so that a model that
/// gives everything the same score earns nothing from it. A score that is not a number counts as beaten.
RetrievalRanks retrievalRanks(std::span<const float> images, std::span<const float> texts, size_t width,
                              std::span<const int32_t> labels);

/// Equal strings get equal numbers.
std::vector<int32_t> labelsOf(std::span<const std::string> names);

/// Percent of the ranks that are at most `k`; 0 for no ranks.
double recallAt(std::span<const uint32_t> ranks, uint32_t k);
data::Recall recallOf(std::span<const uint32_t> ranks);

/// What is reported of one evaluation set.
struct RetrievalScore {
  size_t items = 0;
  data::Recall imageToText, textToImage, mean;
  double medianRank = 0; ///< over the queries of both directions
};
RetrievalScore score(const RetrievalRanks &ranks);

/// Per item, the percentage of its two queries (picture and text) that are answered within `k`: 0, 50 or 100. Their
/// mean is the recall averaged over both directions, and items are what is resampled for its interval.
std::vector<double> itemHits(const RetrievalRanks &ranks, uint32_t k);

} // namespace vlp::training
