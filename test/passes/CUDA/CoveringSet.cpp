// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A greedy pairwise covering set.
#include "test/passes/CUDA/CoveringSet.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

using namespace vlp::test;

std::vector<Choice> vlp::test::allChoices(const std::vector<int> &sizes) {
  std::vector<Choice> all = {{}};
  for (int size : sizes) {
    std::vector<Choice> longer;
    for (const Choice &choice : all)
      for (int value = 0; value < size; ++value) {
        longer.push_back(choice);
        longer.back().push_back(value);
      }
    all = std::move(longer);
  }
  return all;
}

/// Two dimensions and a value of each.
using Pair = std::tuple<size_t, size_t, int, int>;

static std::vector<Pair> pairsOf(const Choice &choice) {
  std::vector<Pair> pairs;
  for (size_t i = 0; i < choice.size(); ++i)
    for (size_t j = i + 1; j < choice.size(); ++j)
      pairs.push_back({i, j, choice[i], choice[j]});
  return pairs;
}

std::vector<Choice> vlp::test::pairwiseChoices(const std::vector<int> &sizes) {
  std::vector<Choice> all = allChoices(sizes), chosen;
  auto key = [](const Choice &c) { return std::pair(std::accumulate(c.begin(), c.end(), 0), c); };
  std::sort(all.begin(), all.end(), [&](const Choice &a, const Choice &b) { return key(a) < key(b); });
  std::set<Pair> missing;
  for (const Choice &choice : all)
    for (const Pair &pair : pairsOf(choice))
      missing.insert(pair);
  while (!missing.empty()) {
    const Choice *best = nullptr;
    size_t most = 0;
    for (const Choice &choice : all) {
      std::vector<Pair> pairs = pairsOf(choice);
      size_t count = std::count_if(pairs.begin(), pairs.end(), [&](const Pair &pair) { return missing.count(pair); });
      if (count > most) {
        best = &choice;
        most = count;
      }
    }
    for (const Pair &pair : pairsOf(*best))
      missing.erase(pair);
    chosen.push_back(*best);
  }
  return chosen;
}
