// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The log of a training run: one JSON object a line, appended as the run goes on.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/data/PixelBaseline.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace vlp::training {

/// {"step": 12, "loss": ..., "learning_rate": ..., "grad_norm": ..., "logit_scale": ..., "pairs_per_second": ...,
/// "seconds": ...}
struct StepRecord {
  uint64_t step = 0; ///< from 1
  float loss = 0, learningRate = 0, gradNorm = 0;
  float logitScale = 0;     ///< the multiplier of the similarities
  float pairsPerSecond = 0; ///< of this step
  float seconds = 0;        ///< since the run began, time before a stop included, time between not
};

/// {"step": 12, "validation": {"unseen-val": {"R@1": ..., "R@5": ..., "R@10": ...}, ...}, "score": ..., "best": true}
struct ValidationRecord {
  uint64_t step = 0;
  std::vector<std::pair<std::string, data::Recall>> sets; ///< both directions averaged, percent
  float score = 0;                                        ///< see selectionScore
  bool best = false;                                      ///< better than all before
};

struct RunHistory {
  std::string header; ///< the first line: the run's settings as JSON
  std::vector<StepRecord> steps;
  std::vector<ValidationRecord> validations;
};

class RunLog {
public:
  /// Starts a log with `header` (a JSON object) as its first line.
  static Expected<RunLog> create(const std::string &path, const std::string &header);
  /// Goes on with a log: lines of steps after `step` are dropped, they are about to be written again.
  static Expected<RunLog> resume(const std::string &path, const std::string &header, uint64_t step);

  Status write(const StepRecord &record);
  Status write(const ValidationRecord &record);
  const RunHistory &history() const { return past; }

private:
  struct Close {
    void operator()(std::FILE *file) const { std::fclose(file); }
  };
  Status line(const std::string &text);
  std::unique_ptr<std::FILE, Close> file;
  std::string path;
  RunHistory past;
};

/// Reads a log; a last line that was cut off is passed over, any other damage is an error with its line number.
Expected<RunHistory> readRunLog(const std::string &path);

} // namespace vlp::training
