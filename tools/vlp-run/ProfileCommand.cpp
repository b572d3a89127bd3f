// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run profile: where the time of an entry goes.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/cpu/CpuFeatures.h"
#include "runtime/report/Bench.h"
#include "runtime/report/Format.h"
#include "runtime/report/Profile.h"

#include <iostream>

namespace vlp::run {

namespace {

struct Arguments {
  ModelOptions model;
  std::string entry = "train", trace, html;
  int repeats = 5;
  size_t top = 15;
};

int profile(const Arguments &arguments) {
  auto session = arguments.model.open();
  if (!session)
    return fail(session.status());
  const format::Manifest &manifest = (*session)->module().manifest();
  (*session)->initialize(0);
  Status filled = report::fillInputs(**session, arguments.entry, int(manifest.preprocessing().vocabulary_size()));
  if (!filled.isOk())
    return fail(filled);
  unsigned threads = arguments.model.device.threads ? arguments.model.device.threads : availableCores();
  report::MachinePeak peak = report::peakOf((*session)->module(), threads);
  auto result = report::profileEntry(**session, arguments.entry, arguments.repeats);
  if (!result)
    return fail(result.status());
  std::cout << manifest.model() << ", entry " << arguments.entry << ": " << report::duration(result->wall)
            << " a run, ops " << report::duration(result->seconds) << " (medians of " << result->repeats << "); "
            << report::describePeak(peak) << "\n\n"
            << report::profileTable(result->anchors, "kind of kernel", *result, peak).text() << "\n"
            << report::profileTable(result->layers, "layer", *result, peak, arguments.top).text() << "\n"
            << report::profileTable(result->kernels, "kernel", *result, peak, arguments.top).text();
  if (!arguments.trace.empty())
    if (Status saved = report::profileTrace(*result, (*session)->module().program()).save(arguments.trace);
        !saved.isOk())
      return fail(saved);
  if (!arguments.html.empty())
    if (Status saved = report::saveProfileHtml(arguments.html, *result, manifest, peak); !saved.isOk())
      return fail(saved);
  return 0;
}

} // namespace

void addProfile(CLI::App &app, int &exitCode) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command = app.add_subcommand("profile", "Show where the time of an entry goes, by layer and by kernel");
  arguments->model.add(*command);
  command->add_option("--entry", arguments->entry, "The entry")->capture_default_str();
  command->add_option("--repeats", arguments->repeats, "Runs; the median of each op counts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--top", arguments->top, "Rows of the tables; 0 = all")->capture_default_str();
  command->add_option("--trace", arguments->trace, "Write a timeline for chrome://tracing or Perfetto to this file");
  command->add_option("--html", arguments->html, "Write a page with charts to this file");
  command->footer("Example:\n  vlp-run profile emoji.vlp --entry=train --trace=train.json --html=train.html");
  command->callback([arguments, &exitCode] { exitCode = profile(*arguments); });
}

} // namespace vlp::run
