// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The training loop: batches in, steps, log, validation, checkpoints.
#pragma once

#include "runtime/train/Evaluation.h"
#include "runtime/train/RunLog.h"
#include "runtime/train/Settings.h"

namespace vlp::training {

/// Told what happens, for a terminal.
class TrainObserver {
public:
  virtual ~TrainObserver() = default;
  /// Before the first step. `steps` are done already; `total` is an estimate where a time limit decides.
  virtual void started(const TrainSettings &settings, uint64_t steps, uint64_t total) {}
  virtual void stepped(const StepRecord &record, uint64_t total) {}
  virtual void validated(const ValidationRecord &record) {}
  virtual void noted(const std::string &line) {}
};

struct TrainResult {
  enum class End { Finished, Stopped, TimeUp };
  End end = End::Finished;
  uint64_t steps = 0, total = 0; ///< done since the run began; of the whole run
  double seconds = 0;            ///< of this process
  double pairsPerSecond = 0;     ///< of the steps alone
  uint64_t bestStep = 0;         ///< 0 where there are no validation items
  double bestScore = 0;
  std::string checkpoint, report; ///< files
};

/// Trains the entry "train" of the session's file on the training items of `dataset`, or goes on with a run. The result
/// depends on the file, the data, the options and the seed only: not on threads, nor on where a run was stopped and
/// resumed. When the loss or the gradient norm is not finite, the state of the step before is saved and a NotFinite
/// status names the step and the first layer that made it.
Expected<TrainResult> train(Session &session, std::shared_ptr<const data::Dataset> dataset, const TrainOptions &options,
                            TrainObserver &observer);

/// The page with a run's curves.
Status saveTrainReport(const std::string &path, const TrainSettings &settings, const RunHistory &history);

} // namespace vlp::training
