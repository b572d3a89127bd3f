// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the time of an entry goes: by layer and by kernel.
#pragma once

#include "runtime/core/Module.h"
#include "runtime/report/ChromeTrace.h"
#include "runtime/report/Html.h"
#include "runtime/report/Peak.h"

namespace vlp::report {

/// A sum over ops.
struct ProfileRow {
  std::string name;
  std::string detail; ///< of a kernel: its anchor
  int ops = 0;
  double seconds = 0, forwardSeconds = 0, flops = 0, bytes = 0;
};

struct EntryProfile {
  std::string entry;
  double seconds = 0; ///< of the ops together, median of the repeats for each op
  double wall = 0;    ///< of a whole run, median
  int repeats = 0;
  std::vector<ProfileRow> layers, kernels, anchors; ///< slowest first
  std::vector<OpTiming> timeline;                   ///< of the last run
};

/// Runs the entry `repeats` times after one run to warm up. Inputs must be filled.
Expected<EntryProfile> profileEntry(Session &session, const std::string &entry, int repeats);

/// Rows sorted by time; `limit` 0 shows all.
Table profileTable(const std::vector<ProfileRow> &rows, const std::string &what, const EntryProfile &profile,
                   const MachinePeak &peak, size_t limit = 0);
ChromeTrace profileTrace(const EntryProfile &profile, const format::Program &program);
Status saveProfileHtml(const std::string &path, const EntryProfile &profile, const format::Manifest &manifest,
                       const MachinePeak &peak);

} // namespace vlp::report
