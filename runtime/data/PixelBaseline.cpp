// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The baseline in integers, so that it is exact and the same on every machine.
#include "runtime/data/PixelBaseline.h"
#include "runtime/data/Text.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <thread>

namespace vlp::data {

using WordCounts = std::map<std::string, int>;

static WordCounts countWords(std::string_view text) {
  WordCounts counts;
  for (std::string &word : words(text))
    ++counts[std::move(word)];
  return counts;
}

static int total(const WordCounts &counts) {
  int sum = 0;
  for (const auto &[word, count] : counts)
    sum += count;
  return sum;
}

static double overlap(const WordCounts &a, const WordCounts &b) {
  int shared = 0;
  for (const auto &[word, count] : a)
    if (auto found = b.find(word); found != b.end())
      shared += std::min(count, found->second);
  int all = total(a) + total(b);
  return all ? 2.0 * shared / all : 0.0;
}

double wordOverlap(std::string_view a, std::string_view b) { return overlap(countWords(a), countWords(b)); }

/// Every second pixel of every second row.
static Bytes thumbnail(const Dataset &dataset, size_t index) {
  ByteView pixels = dataset.pixels(index);
  size_t side = size_t(dataset.side());
  Bytes result;
  for (size_t y = 0; y < side; y += 2)
    for (size_t x = 0; x < side; x += 2)
      for (size_t c = 0; c < 3; ++c)
        result.push_back(pixels[(y * side + x) * 3 + c]);
  return result;
}

static uint64_t squaredDistance(const uint8_t *a, const uint8_t *b, size_t size, uint64_t limit) {
  uint64_t sum = 0;
  // Blocks keep the inner sum in 32 bits and give a chance to stop early.
  for (size_t at = 0; at < size && sum <= limit; at += 512) {
    size_t end = std::min(size, at + 512);
    int32_t block = 0;
    for (size_t i = at; i < end; ++i) {
      int32_t difference = int32_t(a[i]) - int32_t(b[i]);
      block += difference * difference;
    }
    sum += uint64_t(block);
  }
  return sum;
}

/// For each query the nearest of `candidates`; the first of equally near ones.
static std::vector<uint32_t> nearest(const std::vector<Bytes> &thumbnails, const std::vector<uint32_t> &queries,
                                     const std::vector<uint32_t> &candidates) {
  std::vector<uint32_t> result(queries.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t q; (q = next++) < queries.size();) {
      const Bytes &query = thumbnails[queries[q]];
      uint64_t best = std::numeric_limits<uint64_t>::max();
      for (uint32_t candidate : candidates) {
        uint64_t distance = squaredDistance(query.data(), thumbnails[candidate].data(), query.size(), best);
        if (distance < best) {
          best = distance;
          result[q] = candidate;
        }
      }
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned t = 1; t < std::min(8u, std::thread::hardware_concurrency()); ++t)
    threads.emplace_back(work);
  work();
  return result;
}

/// Percent of queries whose match ranks among the first k, given for each how many candidates score higher and how many
/// the same.
static Recall recallOf(const std::vector<std::pair<size_t, size_t>> &ranks) {
  auto at = [&](double k) {
    double sum = 0;
    for (auto [higher, equal] : ranks)
      sum += std::clamp((k - double(higher)) / double(equal + 1), 0.0, 1.0);
    return ranks.empty() ? 0.0 : 100 * sum / double(ranks.size());
  };
  return {at(1), at(5), at(10)};
}

static Recall meanOf(const Recall &a, const Recall &b) {
  return {(a.at1 + b.at1) / 2, (a.at5 + b.at5) / 2, (a.at10 + b.at10) / 2};
}

static BaselineReport evaluate(const Dataset &dataset, Split split, const std::vector<Bytes> &thumbnails,
                               const std::vector<uint32_t> &train) {
  std::vector<uint32_t> queries = dataset.scored(split);
  std::vector<uint32_t> neighbours = nearest(thumbnails, queries, train);
  size_t n = queries.size();
  std::vector<WordCounts> names, guesses;
  for (size_t i = 0; i < n; ++i) {
    names.push_back(countWords(dataset.item(queries[i]).name()));
    guesses.push_back(countWords(dataset.item(neighbours[i]).name()));
  }
  std::vector<double> scores(n * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      scores[i * n + j] = overlap(guesses[i], names[j]);

  auto ranks = [&](size_t row, size_t column) {
    std::vector<std::pair<size_t, size_t>> result(n);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j) {
        double score = scores[i * row + j * column], own = scores[i * n + i];
        result[i].first += score > own;
        result[i].second += j != i && score == own;
      }
    return result;
  };
  BaselineReport report;
  report.split = split;
  report.items = n;
  report.imageToText = recallOf(ranks(n, 1));
  report.textToImage = recallOf(ranks(1, n));
  report.mean = meanOf(report.imageToText, report.textToImage);

  std::map<std::string, size_t> groupSizes;
  for (uint32_t i : queries)
    ++groupSizes[dataset.item(i).group];
  std::vector<std::pair<size_t, size_t>> guessing(n, {0, n - 1}), withinGroup;
  for (size_t i = 0; i < n; ++i) {
    const Item &item = dataset.item(queries[i]);
    withinGroup.push_back({0, groupSizes[item.group] - 1});
    report.neighbourExact += 100.0 * (item.name() == dataset.item(neighbours[i]).name()) / double(n);
    report.neighbourF1 += scores[i * n + i] / double(n);
  }
  report.chance = recallOf(guessing);
  report.groupOracle = recallOf(withinGroup);
  return report;
}

Expected<std::vector<BaselineReport>> pixelBaseline(const Dataset &dataset, bool test) {
  std::vector<uint32_t> train = dataset.indices(Split::Train);
  if (train.empty())
    return Status::invalid(dataset.path() + ": no training items, so there is no baseline");
  std::vector<Bytes> thumbnails;
  for (size_t i = 0; i < dataset.size(); ++i)
    thumbnails.push_back(thumbnail(dataset, i));
  std::vector<BaselineReport> reports;
  for (Split split : dataset.evaluationSplits(test))
    reports.push_back(evaluate(dataset, split, thumbnails, train));
  return reports;
}

} // namespace vlp::data
