// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Options, stages and output of vlpc.
#include "tools/vlpc/Driver.h"

#include "models/Models.h"
#include "passes/Pipelines/CodeGenerators.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/Registration.h"
#include "tools/vlpc/CommandLine.h"
#include "tools/vlpc/Diagnostics.h"
#include "tools/vlpc/LoadModel.h"
#include "tools/vlpc/ReportFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;
namespace cl = llvm::cl;

namespace {
struct Options {
  cl::OptionCategory category{"vlpc options"};
  cl::opt<std::string> model{cl::Positional, cl::desc("MODEL"), cl::cat(category)};
  cl::opt<std::string> output{"o", cl::desc("File to write (with --emit: standard output by default)"),
                              cl::value_desc("FILE"), cl::cat(category)};
  cl::list<std::string> targets{"target", cl::desc("cpu (this machine's best chip), cpu:x86-64-v3 or cpu:x86-64-v4"),
                                cl::value_desc("TARGET"), cl::CommaSeparated, cl::cat(category)};
  cl::list<std::string> entries{"entry", cl::desc("Entries and their sizes: train:batch=64,encode_image:batch=1"),
                                cl::value_desc("ENTRY"), cl::CommaSeparated, cl::cat(category)};
  cl::list<std::string> settings{"set", cl::desc("Sizes that differ from the preset's: context=16,text.layers=3"),
                                 cl::value_desc("NAME=VALUE"), cl::CommaSeparated, cl::cat(category)};
  cl::list<std::string> freeze{"freeze", cl::desc("Globs of parameters that do not learn: 'visual.*'"),
                               cl::value_desc("GLOB"), cl::CommaSeparated, cl::cat(category)};
  cl::opt<std::string> precision{"precision", cl::desc("f32"), cl::init("f32"), cl::cat(category)};
  cl::opt<std::string> emit{"emit", cl::desc("Stop at a stage and print it: model, vlp, kernels, plan or llvm"),
                            cl::value_desc("STAGE"), cl::cat(category)};
  cl::list<std::string> disabled{"disable-pass", cl::desc("Leave out an optional pass"), cl::value_desc("NAME"),
                                 cl::CommaSeparated, cl::cat(category)};
  cl::opt<std::string> report{"report", cl::desc("Write what each pass did to FILE.json or FILE.html"),
                              cl::value_desc("FILE"), cl::cat(category)};
  cl::opt<bool> strict{"strict", cl::desc("Treat warnings as errors"), cl::cat(category)};
  cl::opt<bool> listPresets{"list-presets", cl::desc("List models, their entries and settings"), cl::cat(category)};
};

/// What the options mean, checked.
struct Job {
  ModelRequest request;
  CompileOptions compile;
  std::string output, emit, report;
  bool strict;
};
} // namespace

static int listPresets() {
  for (const models::Architecture *architecture : models::getArchitectures()) {
    llvm::outs() << "presets of " << architecture->getName() << ":\n";
    for (const models::PresetInfo &preset : architecture->getPresets())
      llvm::outs() << llvm::formatv("  {0,-28} {1}\n", preset.name, preset.summary);
    llvm::outs() << "entries (--entry):\n";
    for (const models::EntryInfo &entry : architecture->getEntries())
      llvm::outs() << llvm::formatv("  {0,-28} {1}; batch={2}{3}\n", entry.name, entry.summary, entry.defaultBatch,
                                    entry.byDefault ? "" : ", not by default");
    llvm::outs() << "settings (--set):\n";
    for (auto &[name, meaning] : architecture->getSettings())
      llvm::outs() << llvm::formatv("  {0,-28} {1}\n", name, meaning);
  }
  return 0;
}

/// Everything that is wrong with the options, as one error with a line each.
static llvm::Expected<Job> makeJob(const Options &options) {
  Job job{{options.model, {}, {}}, {}, options.output, options.emit, options.report, options.strict};
  llvm::Error problems = llvm::Error::success();
  auto complain = [&](llvm::Error error) { problems = llvm::joinErrors(std::move(problems), std::move(error)); };
  auto take = [&](auto parsed, auto &into) {
    if (parsed)
      into = std::move(*parsed);
    else
      complain(parsed.takeError());
  };
  if (options.model.empty())
    complain(models::makeError("no MODEL given, expected a preset or a .mlir file (--list-presets shows the presets)"));
  take(parseEntries(options.entries), job.request.entries);
  take(parseSettings(options.settings), job.request.settings);
  std::vector<std::string> targets(options.targets.begin(), options.targets.end());
  take(parseTargets(targets.empty() ? std::vector<std::string>{"cpu"} : targets), job.compile.targets);
  job.compile.pipeline.disabledPasses.assign(options.disabled.begin(), options.disabled.end());
  job.compile.pipeline.freeze.assign(options.freeze.begin(), options.freeze.end());
  job.compile.pipeline.remarks = !job.report.empty();
  complain(checkDisabledPasses(job.compile.pipeline));
  std::vector<std::string> stages = {"model", "vlp", "kernels", "plan", "llvm"};
  if (!job.emit.empty() && !llvm::is_contained(stages, job.emit))
    complain(models::makeError("--emit: unknown stage '" + job.emit + "'; " + models::suggest(job.emit, stages)));
  if (options.precision != "f32")
    complain(models::makeError("--precision: expected f32, got '" + options.precision + "'"));
  if (!job.report.empty() && !StringRef(job.report).ends_with(".json") && !StringRef(job.report).ends_with(".html"))
    complain(models::makeError("--report: expected a file that ends in .json or .html, got '" + job.report + "'"));
  if (!job.report.empty() && !job.emit.empty())
    complain(models::makeError("--report needs a whole compilation, expected no --emit"));
  if (!options.model.empty() && job.output.empty() && job.emit.empty())
    complain(models::makeError("no output given, expected -o FILE.vlp (or --emit=STAGE)"));
  if (problems)
    return problems;
  return job;
}

static int printModule(ModuleOp module, const Job &job) {
  llvm::Error error = llvm::writeToOutput(job.output.empty() ? "-" : job.output, [&](llvm::raw_ostream &out) {
    module.print(out, OpPrintingFlags().enableDebugInfo(job.emit != "llvm"));
    out << "\n";
    return llvm::Error::success();
  });
  return error ? reportError(std::move(error)) : 0;
}

/// Runs the stages up to the one to print, and prints it.
static int emitStage(ModuleOp module, const Job &job) {
  PipelineOptions pipeline = job.compile.pipeline;
  const TargetInfo &target = job.compile.targets.front();
  pipeline.target = getEmitterTarget(target.target);
  pipeline.chip = target.chip;
  const std::pair<Stage, StringRef> stages[] = {
      {Stage::Graph, "vlp"}, {Stage::Kernels, "kernels"}, {Stage::Plan, "plan"}};
  if (job.emit == "model")
    return printModule(module, job);
  for (auto [stage, name] : stages) {
    if (failed(runStage(module, stage, pipeline)))
      return 1;
    if (job.emit == name)
      return printModule(module, job);
  }
  FailureOr<OwningOpRef<ModuleOp>> code = emitPlan(module, target);
  return failed(code) ? 2 : printModule(**code, job);
}

static std::vector<std::string> getNames(const Job &job) {
  std::vector<std::string> names;
  for (const TargetInfo &target : job.compile.targets)
    names.push_back(getName(target));
  return names;
}

static int compile(ModuleOp module, const Job &job) {
  auto start = std::chrono::steady_clock::now();
  std::optional<PassReport> passes;
  if (!job.report.empty())
    passes.emplace(module.getContext());
  FailureOr<CompiledModel> compiled = compileModel(module, job.compile, passes ? &*passes : nullptr);
  if (failed(compiled))
    return 1;
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  llvm::Error error = llvm::writeToOutput(job.output, [&](llvm::raw_ostream &out) {
    out << compiled->bytes;
    return llvm::Error::success();
  });
  if (passes && !error)
    error = writeReport(
        {job.request.model, getNames(job), seconds, compiled->bytes.size(), passes->getRecords(), *compiled->plans.front()},
        job.report);
  if (error)
    return reportError(std::move(error));
  llvm::outs() << llvm::formatv("{0}: {1} for {2} in {3:f1} s, {4:f1} MB\n", job.output, job.request.model,
                                llvm::join(getNames(job), ", "), seconds, double(compiled->bytes.size()) / 1e6);
  return 0;
}

int tools::runVlpc(int argc, char **argv) {
  Options options;
  cl::HideUnrelatedOptions(options.category);
  cl::SetVersionPrinter([](llvm::raw_ostream &out) { out << "vlpc 0.1.0 (LLVM " << LLVM_VERSION_STRING << ")\n"; });
  if (!parseCommandLine(argc, argv,
                        "vlpc: compiles a vision-language model into one file\n\n"
                        "  MODEL is a preset (clip/tiny, clip/ViT-B-32, ...) or a .mlir file of vlp ops.\n"))
    return 1;
  if (options.listPresets)
    return listPresets();
  llvm::Expected<Job> job = makeJob(options);
  if (!job)
    return reportError(job.takeError());

  DialectRegistry registry;
  registerDialects(registry);
  registerTargets();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  DiagnosticPrinter diagnostics(&context);
  auto module = loadModel(&context, job->request);
  if (!module)
    return diagnostics.getErrors() ? (llvm::consumeError(module.takeError()), 1) : reportError(module.takeError());
  int status = job->emit.empty() ? compile(**module, *job) : emitStage(**module, *job);
  if (!status && job->strict && diagnostics.getWarnings())
    return reportError(
        models::makeError(llvm::Twine(diagnostics.getWarnings()) + " warnings, expected none with --strict"));
  return status;
}
