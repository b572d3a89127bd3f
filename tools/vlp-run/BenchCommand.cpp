// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run bench: how fast an entry runs here.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/cpu/CpuFeatures.h"
#include "runtime/report/Bench.h"

#include <iostream>

namespace vlp::run {

namespace {

struct Arguments {
  ModelOptions model;
  std::vector<std::string> entries;
  report::BenchOptions options;
  std::string json;
};

int runBench(const Arguments &arguments) {
  auto session = arguments.model.open();
  if (!session)
    return fail(session.status());
  std::vector<std::string> entries = arguments.entries;
  if (entries.empty())
    for (const format::Entry &entry : (*session)->module().program().entries())
      entries.push_back(entry.name());
  for (const std::string &entry : entries) // before any work is done
    if (auto found = (*session)->module().entry(entry); !found)
      return fail(found.status());
  unsigned threads = arguments.model.device.threads ? arguments.model.device.threads : availableCores();
  report::MachinePeak peak = report::peakOf((*session)->module(), threads);
  std::string json;
  for (const std::string &entry : entries) {
    report::BenchOptions options = arguments.options;
    options.entry = entry;
    auto result = report::bench(**session, options);
    if (!result)
      return fail(result.status());
    std::cout << report::describeBench(*result, peak) << "\n";
    json += (json.empty() ? "[" : ",") + report::benchJson(*result, peak);
  }
  if (arguments.json.empty())
    return 0;
  Status written = writeText(arguments.json, json + "]\n");
  return written.isOk() ? 0 : fail(written);
}

} // namespace

void addBench(CLI::App &app, int &exitCode) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command = app.add_subcommand(
      "bench", "Time entries on made-up inputs: rows a second, GF/s, fraction of this machine's peak");
  arguments->model.add(*command);
  command->add_option("--entry", arguments->entries, "Entries to time (default: all)")->delimiter(',');
  command->add_option("--repeats", arguments->options.repeats, "Runs that are timed")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--warmup", arguments->options.warmup, "Runs before them")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->add_option("--json", arguments->json, "Write the results as JSON to this file");
  command->footer("Example:\n  vlp-run bench emoji.vlp --entry=train --repeats=20 --threads=1");
  command->callback([arguments, &exitCode] { exitCode = runBench(*arguments); });
}

} // namespace vlp::run
