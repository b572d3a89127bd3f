// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How long an entry of a compiled file takes.
#include "runtime/report/Bench.h"

#include "runtime/data/Random.h"
#include "runtime/report/Format.h"
#include "runtime/report/ModelInfo.h"
#include "runtime/report/Statistics.h"
#include "runtime/report/Table.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

namespace vlp::report {

static void fillFloats(std::span<float> values) {
  data::Draws draws(0, 0, 0, 1);
  for (size_t i = 0; i + 1 < values.size() || i < values.size(); i += 2) {
    double radius = std::sqrt(-2 * std::log(1 - draws.uniform())), angle = 2 * M_PI * draws.uniform();
    values[i] = float(radius * std::cos(angle));
    if (i + 1 < values.size())
      values[i + 1] = float(radius * std::sin(angle));
  }
}

/// Rows of a start mark, ids, an end mark (the largest id) and zeros.
static void fillTokens(std::span<int32_t> values, int64_t length, int vocabulary) {
  data::Draws draws(0, 0, 0, 2);
  vocabulary = std::max(vocabulary, 4);
  for (size_t row = 0; row + size_t(length) <= values.size(); row += size_t(length)) {
    int64_t words = length > 2 ? 1 + draws.below(uint32_t(length - 2)) : 0;
    for (int64_t i = 0; i < length; ++i) {
      int32_t id = i == 0 ? vocabulary - 2 : i <= words ? int32_t(draws.below(uint32_t(vocabulary - 2))) : 0;
      values[row + size_t(i)] = i == words + 1 ? vocabulary - 1 : id;
    }
  }
}

Status fillInputs(Session &session, const std::string &entryName, int vocabulary) {
  auto entry = session.module().entry(entryName);
  if (!entry)
    return entry.status();
  for (const format::Tensor &tensor : (*entry)->inputs()) {
    auto bytes = session.input(entryName, tensor.name());
    if (!bytes)
      return bytes.status();
    size_t n = bytes->size() / 4;
    if (tensor.dtype() == format::F32) {
      fillFloats({reinterpret_cast<float *>(bytes->data()), n});
      continue;
    }
    std::span<int32_t> values(reinterpret_cast<int32_t *>(bytes->data()), n);
    if (tensor.shape_size() == 2)
      fillTokens(values, tensor.shape(1), vocabulary);
    else
      for (size_t i = 0; i < n; ++i)
        values[i] = int32_t(i);
  }
  return Status::ok();
}

Expected<BenchResult> bench(Session &session, const BenchOptions &options) {
  using Clock = std::chrono::steady_clock;
  auto entry = session.module().entry(options.entry);
  if (!entry)
    return entry.status();
  session.initialize(0);
  VLP_RETURN_IF_ERROR(
      fillInputs(session, options.entry, int(session.module().manifest().preprocessing().vocabulary_size())));
  BenchResult result;
  result.entry = options.entry;
  result.batch = batchOf(**entry);
  EntryCosts costs = costsOf(**entry);
  result.flops = costs.flops;
  result.bytes = costs.bytes;
  // As training does it: the inputs of the next run go to a GPU while it computes this one.
  auto run = [&]() -> Status {
    VLP_RETURN_IF_ERROR(session.start(options.entry));
    VLP_RETURN_IF_ERROR(session.stage(options.entry));
    return session.wait();
  };
  for (int i = 0; i < options.warmup; ++i)
    VLP_RETURN_IF_ERROR(run());
  for (int i = 0; i < std::max(1, options.repeats); ++i) {
    Clock::time_point begin = Clock::now();
    VLP_RETURN_IF_ERROR(run());
    result.seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  result.medianSeconds = median(result.seconds);
  result.bestSeconds = *std::min_element(result.seconds.begin(), result.seconds.end());
  return result;
}

std::string describeBench(const BenchResult &result, const MachinePeak &peak) {
  Table table({{result.entry, Align::Left}, {"time"}, {"rows/s"}, {"GF/s"}, {"of peak"}, {"GB/s"}});
  for (auto [name, seconds] : {std::pair("median", result.medianSeconds), {"best", result.bestSeconds}}) {
    double gflops = result.flops / seconds * 1e-9;
    table.addRow({name, duration(seconds), fixed(double(result.batch) / seconds, 1), fixed(gflops, 1),
                  shareOfPeak(gflops, peak), fixed(result.bytes / seconds * 1e-9, 1)});
  }
  return table.text() + "batch " + std::to_string(result.batch) + ", " + std::to_string(result.seconds.size()) +
         " repeats, " + count(result.flops) + "flops a run; " + describePeak(peak) + "\n";
}

std::string benchJson(const BenchResult &result, const MachinePeak &peak) {
  nlohmann::ordered_json document = {{"entry", result.entry},
                                     {"batch", result.batch},
                                     {"median_seconds", result.medianSeconds},
                                     {"best_seconds", result.bestSeconds},
                                     {"seconds", result.seconds},
                                     {"flops", result.flops},
                                     {"bytes", result.bytes},
                                     {"rows_per_second", double(result.batch) / result.medianSeconds},
                                     {"gflops", result.flops / result.medianSeconds * 1e-9},
                                     {"peak_gflops", peak.gflops},
                                     {"peak_gigabytes", peak.gigabytes},
                                     {"threads", peak.threads},
                                     {"device", peak.device.empty() ? "cpu" : peak.device}};
  return document.dump(2) + "\n";
}

} // namespace vlp::report
