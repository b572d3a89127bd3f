// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run info: what a compiled file is, from its header alone.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/format/Container.h"
#include "runtime/report/ModelInfo.h"

namespace vlp::run {

static int info(const std::string &file, bool json) {
  auto container = format::Container::open(file);
  if (!container)
    return fail(container.status());
  std::string text = json ? report::modelJson(container->manifest(), file) : report::describeModel(container->manifest(), file);
  std::fputs(text.c_str(), stdout);
  return 0;
}

void addInfo(CLI::App &app, int &exitCode) {
  struct Options {
    std::string file;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand("info", "Describe a compiled model: entries, sizes, memory, costs, scalars, whether it runs here");
  command->add_option("FILE", options->file, "A compiled model")->required();
  command->add_flag("--json", options->json, "Print JSON, with every state tensor");
  command->footer("Example:\n  vlp-run info emoji.vlp");
  command->callback([options, &exitCode] { exitCode = info(options->file, options->json); });
}

} // namespace vlp::run
