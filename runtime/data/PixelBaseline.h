// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What can be had without learning: the nearest training picture, chance, and an oracle that knows only the Unicode
// group.
#pragma once

#include "runtime/data/Dataset.h"

namespace vlp::data {

/// Percent of queries whose match is among the first 1, 5, 10.
struct Recall {
  double at1 = 0, at5 = 0, at10 = 0;
};

struct BaselineReport {
  Split split = Split::Test;
  size_t items = 0;
  Recall chance;
  /// The nearest training picture (squared distance of every second pixel), then word overlap (F1) of its name with
  /// each candidate name. Ties between candidates count with the probability of guessing right.
  Recall imageToText, textToImage, mean;
  /// Guesses at random within the right Unicode group.
  Recall groupOracle;
  double neighbourExact = 0; ///< percent of queries whose neighbour has the same name
  double neighbourF1 = 0;    ///< mean word overlap with the neighbour's name, 0 to 1
};

/// One report for each evaluation split with scored items (validation or test). Fails when there is no training item.
Expected<std::vector<BaselineReport>> pixelBaseline(const Dataset &dataset, bool test);

/// Word overlap of two texts: F1 over multisets of lower-case letter runs and single digits.
double wordOverlap(std::string_view a, std::string_view b);

} // namespace vlp::data
