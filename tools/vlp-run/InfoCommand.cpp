// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run info: what a compiled file is, from its header alone.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/format/Container.h"
#include "runtime/report/KernelJson.h"
#include "runtime/report/KernelReport.h"
#include "runtime/report/ModelInfo.h"

namespace vlp::run {

struct InfoOptions {
  std::string file, target;
  bool json = false, kernels = false;
};

static int kernels(const format::Manifest &manifest, const InfoOptions &options) {
  std::string why;
  const format::Program *program = report::findKernelProgram(manifest, options.target, why);
  if (!program)
    return fail(Status(StatusCode::NotFound, options.file + ": " + why));
  std::string text = options.json ? report::kernelsJson(*program, options.file) : report::describeKernels(*program);
  std::fputs(text.c_str(), stdout);
  return 0;
}

static int info(const InfoOptions &options) {
  auto container = format::Container::open(options.file);
  if (!container)
    return fail(container.status());
  const format::Manifest &manifest = container->manifest();
  if (options.kernels)
    return kernels(manifest, options);
  if (!options.target.empty())
    return fail(Status(StatusCode::InvalidArgument,
                       "--target says which code's kernels to describe, expected --kernels with it"));
  std::string text =
      options.json ? report::modelJson(manifest, options.file) : report::describeModel(manifest, options.file);
  std::fputs(text.c_str(), stdout);
  return 0;
}

void addInfo(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App *command = app.add_subcommand(
      "info", "Describe a compiled model: entries, sizes, memory, costs, scalars, whether it runs here");
  command->add_option("FILE", options->file, "A compiled model")->required();
  command->add_flag("--json", options->json, "Print JSON, with every state tensor");
  command->add_flag(
      "--kernels", options->kernels,
      "Describe the GPU kernels instead: registers, occupancy, machine instructions, roofline times; needs no GPU");
  command->add_option("--target", options->target,
                      "With --kernels: whose, for instance cuda:sm_90; the file's first cuda code by default");
  command->footer("Examples:\n  vlp-run info emoji.vlp\n  vlp-run info emoji.vlp --kernels --target=cuda:sm_80");
  command->callback([options, &exitCode] { exitCode = info(*options); });
}

} // namespace vlp::run
