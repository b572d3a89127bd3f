// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scores checkpoints on the evaluation sets of a dataset.
#include "runtime/train/Evaluation.h"

namespace vlp::training {

size_t evaluationItems(const data::Dataset &dataset, bool test) {
  size_t n = 0;
  for (data::Split split : dataset.evaluationSplits(test))
    n += dataset.scored(split).size();
  return n;
}

Expected<std::vector<SetRanks>> evaluateSets(Encoder &encoder, const data::Dataset &dataset, bool test,
                                             const Encoder::Tick &tick) {
  std::vector<SetRanks> result;
  size_t done = 0;
  auto step = [&](size_t inSet) {
    if (tick)
      tick(done + inSet);
  };
  for (data::Split split : dataset.evaluationSplits(test)) {
    std::vector<uint32_t> items = dataset.scored(split);
    std::vector<std::string> names;
    for (uint32_t item : items)
      names.push_back(dataset.item(item).name());
    auto images = encoder.items(dataset, items, step);
    if (!images)
      return images.status();
    done += items.size();
    auto texts = encoder.texts(names, step);
    if (!texts)
      return texts.status();
    done += items.size();
    result.push_back({split, retrievalRanks(*images, *texts, encoder.width(), labelsOf(names))});
  }
  if (result.empty())
    return Status::invalid(dataset.path() + " has no " + (test ? "test" : "validation") +
                           " items to score; prepare it with a larger " + (test ? "--test" : "--val") + " percentage");
  return result;
}

double selectionScore(std::span<const SetRanks> sets) {
  std::vector<double> means;
  for (const SetRanks &set : sets) {
    data::Recall recall = score(set.ranks).mean;
    means.push_back((recall.at1 + recall.at5 + recall.at10) / 3);
  }
  return report::mean(means);
}

static data::Recall meanRecall(std::span<const RetrievalScore> scores, data::Recall RetrievalScore::*part) {
  data::Recall sum;
  for (const RetrievalScore &score : scores) {
    sum.at1 += (score.*part).at1 / double(scores.size());
    sum.at5 += (score.*part).at5 / double(scores.size());
    sum.at10 += (score.*part).at10 / double(scores.size());
  }
  return sum;
}

static RetrievalScore meanScore(std::span<const RetrievalScore> scores) {
  RetrievalScore mean;
  mean.items = scores.front().items;
  mean.imageToText = meanRecall(scores, &RetrievalScore::imageToText);
  mean.textToImage = meanRecall(scores, &RetrievalScore::textToImage);
  mean.mean = meanRecall(scores, &RetrievalScore::mean);
  for (const RetrievalScore &score : scores)
    mean.medianRank += score.medianRank / double(scores.size());
  return mean;
}

static Estimate estimate(std::span<const std::vector<SetRanks>> ranks, size_t set, uint32_t k, int rounds) {
  std::vector<double> perItem, perSeed;
  for (const std::vector<SetRanks> &checkpoint : ranks) {
    std::vector<double> hits = itemHits(checkpoint[set].ranks, k);
    perItem.resize(hits.size());
    for (size_t i = 0; i < hits.size(); ++i)
      perItem[i] += hits[i] / double(ranks.size());
    perSeed.push_back(report::mean(hits));
  }
  return {report::mean(perSeed), report::bootstrapMean(perItem, rounds), report::studentMean(perSeed)};
}

std::vector<SetReport> summarise(std::span<const std::vector<SetRanks>> ranks,
                                 std::vector<data::BaselineReport> baselines, int bootstrapRounds) {
  std::vector<SetReport> reports;
  for (size_t set = 0; !ranks.empty() && set < ranks.front().size(); ++set) {
    SetReport report;
    report.split = ranks.front()[set].split;
    for (const std::vector<SetRanks> &checkpoint : ranks)
      report.checkpoints.push_back(score(checkpoint[set].ranks));
    report.items = report.checkpoints.front().items;
    report.mean = meanScore(report.checkpoints);
    report.at1 = estimate(ranks, set, 1, bootstrapRounds);
    report.at5 = estimate(ranks, set, 5, bootstrapRounds);
    report.at10 = estimate(ranks, set, 10, bootstrapRounds);
    for (data::BaselineReport &baseline : baselines)
      if (baseline.split == report.split)
        report.baseline = baseline;
    reports.push_back(std::move(report));
  }
  return reports;
}

} // namespace vlp::training
