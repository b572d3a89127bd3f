// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Holds compiled models against official ones (parity) and against the reference interpreter (compare).
#include "models/common/Architecture.h"
#include "passes/CPU/CompileCPU.h"
#include "runtime/report/Table.h"
#include "tools/vlp-check/Compare.h"
#include "tools/vlp-check/Parity.h"
#include "tools/vlpc/CommandLine.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace vlp;
using namespace vlp::tools;
using llvm::StringRef;
namespace cl = llvm::cl;

namespace {
struct Options {
  cl::OptionCategory category{"vlp-check options"};
  cl::SubCommand parity{"parity", "losses and gradients against an official model's: parity clip GOLDEN.safetensors"};
  cl::SubCommand compare{"compare", "kernel by kernel against the interpreter: compare MODEL"};
  cl::list<std::string> parityArguments{cl::Positional, cl::desc("ARCH GOLDEN.safetensors"), cl::sub(parity),
                                        cl::cat(category)};
  cl::opt<std::string> parityDevice{"device", cl::desc("reference, cpu or cpu:CHIP"), cl::init("reference"), cl::sub(parity),
                                    cl::cat(category)};
  cl::opt<std::string> precision{"precision", cl::desc("of --device=reference: f64 or f32"), cl::init("f64"),
                                 cl::sub(parity), cl::cat(category)};
  cl::list<std::string> models{cl::Positional, cl::desc("MODEL (a preset or a .mlir file)"), cl::sub(compare),
                               cl::cat(category)};
  cl::opt<std::string> compareDevice{"device", cl::desc("cpu"), cl::init("cpu"), cl::sub(compare), cl::cat(category)};
  cl::list<std::string> entries{"entry", cl::desc("Entries and their sizes, as for vlpc; by default all, with batch=3"),
                                cl::CommaSeparated, cl::sub(compare), cl::cat(category)};
  cl::list<std::string> settings{"set", cl::desc("Sizes that differ from the preset's, as for vlpc"),
                                 cl::CommaSeparated, cl::sub(compare), cl::cat(category)};
  cl::list<std::string> disabled{"disable-pass", cl::desc("Leave out an optional pass"), cl::CommaSeparated,
                                 cl::sub(compare), cl::cat(category)};
  cl::opt<std::string> reproducer{"reproducer", cl::desc("File for the first kernel that diverges"),
                                  cl::init("reproducer.mlir"), cl::sub(compare), cl::cat(category)};
};
} // namespace

static int runParity(const Options &options) {
  const auto &arguments = options.parityArguments;
  if (arguments.size() != 2)
    return reportError(models::makeError("expected: vlp-check parity ARCH GOLDEN.safetensors --device=reference|cpu"));
  if (arguments[0] != "clip")
    return reportError(
        models::makeError("unknown architecture '" + arguments[0] + "'; " + models::suggest(arguments[0], {"clip"})));
  std::vector<std::string> devices = {"reference", "cpu"}, precisions = {"f64", "f32"};
  for (StringRef chip : cpu::supportedChips())
    devices.push_back(("cpu:" + chip).str());
  StringRef name = options.parityDevice;
  if (!llvm::is_contained(devices, name))
    return reportError(models::makeError("unknown device '" + name + "'; " + models::suggest(name, devices)));
  if (!llvm::is_contained(precisions, options.precision))
    return reportError(models::makeError("--precision: expected f64 or f32, got '" + options.precision + "'"));
  Device device;
  device.kind = name.starts_with("cpu")      ? DeviceKind::Cpu
                : options.precision == "f32" ? DeviceKind::ReferenceF32
                                             : DeviceKind::ReferenceF64;
  device.chip = name.split(':').second.str();
  llvm::Expected<ParityReport> report = checkClipParity(arguments[1], device);
  if (!report)
    return reportError(report.takeError());
  report::Table table({{"tensor", report::Align::Left}, {"norm"}, {"error"}, {"tolerance"}, {"", report::Align::Left}});
  unsigned failed = 0;
  for (const ParityRow &row : report->rows) {
    const char *verdict = !row.passed ? "OUT" : row.skipped ? "ok (zero)" : "ok";
    table.addRow({row.tensor, llvm::formatv("{0:e3}", row.norm), llvm::formatv("{0:e2}", row.error),
                  llvm::formatv("{0:e0}", row.tolerance), verdict});
    failed += !row.passed;
  }
  llvm::outs() << table.text();
  auto worst = llvm::max_element(report->rows, [](const ParityRow &a, const ParityRow &b) {
    return a.error / a.tolerance < b.error / b.tolerance;
  });
  llvm::outs() << llvm::formatv("{0} of {1} tensors within tolerance; closest to its bound: {2}, error {3:e2}\n",
                                report->rows.size() - failed, report->rows.size(), worst->tensor, worst->error);
  return failed ? 1 : 0;
}

static int runCompare(const Options &options) {
  if (options.models.size() != 1)
    return reportError(models::makeError("expected: vlp-check compare MODEL --device=cpu"));
  if (options.compareDevice != "cpu")
    return reportError(models::makeError("unknown device '" + options.compareDevice + "'; known: cpu"));
  auto entries = parseEntries(options.entries);
  if (!entries)
    return reportError(entries.takeError());
  auto settings = parseSettings(options.settings);
  if (!settings)
    return reportError(settings.takeError());
  CompareRequest request{{options.models[0], *entries, *settings}, {}, options.reproducer};
  request.pipeline.disabledPasses.assign(options.disabled.begin(), options.disabled.end());
  return compareModel(request, llvm::outs());
}

int main(int argc, char **argv) {
  Options options;
  cl::HideUnrelatedOptions({&options.category});
  if (!parseCommandLine(
          argc, argv, "vlp-check: holds compiled models against official ones and against the reference interpreter\n"))
    return 1;
  if (options.parity)
    return runParity(options);
  if (options.compare)
    return runCompare(options);
  return reportError(models::makeError("expected a command: parity or compare (--help shows more)"));
}
