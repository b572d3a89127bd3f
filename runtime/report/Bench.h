// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How long an entry of a compiled file takes, on inputs that are made up.
#pragma once

#include "runtime/core/Module.h"
#include "runtime/report/Peak.h"

namespace vlp::report {

struct BenchOptions {
  std::string entry;
  int warmup = 2, repeats = 10;
};

struct BenchResult {
  std::string entry;
  int64_t batch = 0;
  double medianSeconds = 0, bestSeconds = 0;
  double flops = 0, bytes = 0; ///< of one run, as the compiler counts them
  std::vector<double> seconds; ///< of each repeat
};

/// Fills the inputs of an entry with plausible values, the same on every call: pictures with normal deviates, token
/// rows that begin and end as CLIP's do with ids within `vocabulary`, and different pair ids.
Status fillInputs(Session &session, const std::string &entry, int vocabulary);

/// Initialises the state, fills the inputs, and times the entry.
Expected<BenchResult> bench(Session &session, const BenchOptions &options);

/// A few lines for a terminal: times, rows a second, GF/s and the fraction of the peak.
std::string describeBench(const BenchResult &result, const MachinePeak &peak);
std::string benchJson(const BenchResult &result, const MachinePeak &peak);

} // namespace vlp::report
