// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scores checkpoints on the evaluation sets of a dataset, beside what can be had without learning.
#pragma once

#include "runtime/data/PixelBaseline.h"
#include "runtime/report/Html.h"
#include "runtime/train/Encoder.h"
#include "runtime/train/Retrieval.h"

namespace vlp::training {

/// The ranks of one model on one evaluation set.
struct SetRanks {
  data::Split split;
  RetrievalRanks ranks;
};

/// Embeds and ranks the scored items of every evaluation set of the test, or of validation. Pictures match the texts of
/// all items with their name. A dataset without such items is an error.
Expected<std::vector<SetRanks>> evaluateSets(Encoder &encoder, const data::Dataset &dataset, bool test,
                                             const Encoder::Tick &tick = {});
/// The scored items of all those sets together: the total of evaluateSets' ticks is twice that, pictures then texts.
size_t evaluationItems(const data::Dataset &dataset, bool test);

/// What checkpoints are chosen by: the mean over sets of the mean of R@1, R@5 and R@10, both directions averaged, in
/// percent.
double selectionScore(std::span<const SetRanks> sets);

/// An estimate in percent with its 95 % interval over items and, with several checkpoints, over checkpoints.
struct Estimate {
  double value = 0;
  report::Interval items, seeds;
};

struct SetReport {
  data::Split split;
  size_t items = 0;
  std::vector<RetrievalScore> checkpoints; ///< in the order given
  RetrievalScore mean;                     ///< over checkpoints
  Estimate at1, at5, at10;                 ///< both directions averaged
  std::optional<data::BaselineReport> baseline;
};

struct EvaluationReport {
  std::string model, dataset;
  std::vector<std::string> checkpoints;
  bool test = true;
  int bootstrapRounds = 0;
  std::vector<SetReport> sets;

  report::Table table() const;
  std::string json() const;
  Status saveHtml(const std::string &path) const;
};

/// `ranks[c]` are the sets of checkpoint c. Item scores are averaged over checkpoints before items are resampled.
std::vector<SetReport> summarise(std::span<const std::vector<SetRanks>> ranks,
                                 std::vector<data::BaselineReport> baselines, int bootstrapRounds);

} // namespace vlp::training
