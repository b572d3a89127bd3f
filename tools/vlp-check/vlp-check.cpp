// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Holds compiled models against official ones (parity) and against the reference interpreter (compare).
#include "models/common/Architecture.h"
#include "runtime/report/Table.h"
#include "tools/vlp-check/Compare.h"
#include "tools/vlp-check/Parity.h"
#include "tools/vlpc/CommandLine.h"
#include "llvm/ADT/StringExtras.h"
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
  cl::opt<std::string> parityDevice{"device", cl::desc("reference, cpu, cpu:CHIP, cuda[:N] or sim[:OPTIONS]"),
                                    cl::init("reference"), cl::sub(parity), cl::cat(category)};
  cl::opt<std::string> parityTarget{"target", cl::desc("Whose code a GPU is to run: cuda:sm_90, sim:sm_80"),
                                    cl::value_desc("TARGET"), cl::sub(parity), cl::cat(category)};
  cl::opt<std::string> precision{"precision", cl::desc("f32 or bf16, or f64, the default, on --device=reference alone"),
                                 cl::value_desc("TYPE"), cl::sub(parity), cl::cat(category)};
  cl::opt<std::string> autocast{"autocast",
                                cl::desc("Errors of PyTorch's bf16 autocast, from tools/reference/clip_autocast.py"),
                                cl::value_desc("FILE.json"), cl::sub(parity), cl::cat(category)};
  cl::list<std::string> models{cl::Positional, cl::desc("MODEL (a preset or a .mlir file)"), cl::sub(compare),
                               cl::cat(category)};
  cl::opt<std::string> compareDevice{"device", cl::desc("cpu, cpu:CHIP, cuda[:N] or sim[:OPTIONS]"), cl::init("cpu"),
                                     cl::sub(compare), cl::cat(category)};
  cl::opt<std::string> compareTarget{"target", cl::desc("Whose code a GPU is to run: cuda:sm_90, sim:sm_80"),
                                     cl::value_desc("TARGET"), cl::sub(compare), cl::cat(category)};
  cl::opt<std::string> comparePrecision{"precision",      cl::desc("f32 or bf16"),
                                        cl::init("f32"),  cl::value_desc("TYPE"),
                                        cl::sub(compare), cl::cat(category)};
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

/// Everything about where and how parity runs.
static llvm::Expected<Device> parseDevice(const Options &options) {
  std::vector<std::string> precisions = {"f32", "bf16"};
  StringRef name = options.parityDevice;
  llvm::Expected<Device> device = findDevice(name, options.parityTarget, /*allowReference=*/true);
  if (!device)
    return device.takeError();
  bool isReference = name == "reference";
  if (isReference)
    precisions.push_back("f64");
  std::string precision = options.precision;
  if (precision.empty())
    precision = isReference ? "f64" : "f32";
  if (!llvm::is_contained(precisions, precision))
    return models::makeError("--precision: expected one of " + llvm::join(precisions, ", ") + " on device '" + name +
                             "', got '" + precision + "'");
  if (isReference && precision != "f64")
    device->kind = DeviceKind::ReferenceF32;
  device->precision = precision == "bf16" ? Precision::BF16 : Precision::F32;
  return device;
}

/// Prints the rows; returns how many are out.
static unsigned printReport(const ParityReport &report, bool isBF16) {
  using report::Align;
  std::vector<report::Column> columns = {
      {"tensor", Align::Left}, {"norm"}, {"error"}, {"tolerance"}, {"", Align::Left}};
  if (isBF16)
    columns.insert(columns.begin() + 3, {"autocast"});
  report::Table table(columns);
  unsigned failed = 0;
  for (const ParityRow &row : report.rows) {
    const char *verdict = !row.passed ? "OUT" : row.skipped ? "ok (zero)" : "ok";
    std::vector<std::string> cells = {row.tensor, llvm::formatv("{0:e3}", row.norm), llvm::formatv("{0:e2}", row.error),
                                      llvm::formatv(isBF16 ? "{0:e2}" : "{0:e0}", row.tolerance), verdict};
    if (isBF16)
      cells.insert(cells.begin() + 3, llvm::formatv("{0:e2}", row.autocast));
    table.addRow(cells);
    failed += !row.passed;
  }
  llvm::outs() << table.text();
  return failed;
}

static int runParity(const Options &options) {
  const auto &arguments = options.parityArguments;
  if (arguments.size() != 2)
    return reportError(
        models::makeError("expected: vlp-check parity ARCH GOLDEN.safetensors --device=reference|cpu|cuda|sim"));
  llvm::Expected<Device> device = parseDevice(options);
  if (!device)
    return reportError(device.takeError());
  llvm::Expected<ParityReport> report = checkParity(arguments[0], arguments[1], *device, options.autocast);
  if (!report)
    return reportError(report.takeError());
  unsigned failed = printReport(*report, device->precision == Precision::BF16);
  auto worst = llvm::max_element(report->rows, [](const ParityRow &a, const ParityRow &b) {
    return a.error / a.tolerance < b.error / b.tolerance;
  });
  llvm::outs() << llvm::formatv("{0} of {1} tensors within tolerance; closest to its bound: {2}, error {3:e2}\n",
                                report->rows.size() - failed, report->rows.size(), worst->tensor, worst->error);
  return failed ? 1 : 0;
}

static int runCompare(const Options &options) {
  if (options.models.size() != 1)
    return reportError(models::makeError("expected: vlp-check compare MODEL --device=cpu|cuda|sim"));
  llvm::Expected<Device> device = findDevice(options.compareDevice, options.compareTarget, /*allowReference=*/false);
  if (!device)
    return reportError(device.takeError());
  llvm::Expected<Precision> precision = parsePrecision(options.comparePrecision);
  if (!precision)
    return reportError(precision.takeError());
  device->precision = *precision;
  auto entries = parseEntries(options.entries);
  if (!entries)
    return reportError(entries.takeError());
  auto settings = parseSettings(options.settings);
  if (!settings)
    return reportError(settings.takeError());
  CompareRequest request{{options.models[0], *entries, *settings}, {}, options.reproducer, *device};
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
