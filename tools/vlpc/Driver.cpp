// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Options, stages and output of vlpc.
#include "tools/vlpc/Driver.h"

#include "models/Models.h"
#include "passes/Codegen/ContentCache.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/Registration.h"
#include "runtime/format/Container.h"
#include "runtime/report/Progress.h"
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
  cl::list<std::string> targets{
      "target", cl::desc("cpu (this machine's best chip), cpu:x86-64-v4, cuda:sm_80, cuda:sm_90, sim, ...; repeatable"),
      cl::value_desc("TARGET"), cl::CommaSeparated, cl::cat(category)};
  cl::list<std::string> entries{"entry", cl::desc("Entries and their sizes: train:batch=64,encode_image:batch=1"),
                                cl::value_desc("ENTRY"), cl::CommaSeparated, cl::cat(category)};
  cl::list<std::string> settings{"set", cl::desc("Sizes that differ from the preset's: context=16,text.layers=3"),
                                 cl::value_desc("NAME=VALUE"), cl::CommaSeparated, cl::cat(category)};
  cl::list<std::string> freeze{"freeze", cl::desc("Globs of parameters that do not learn: 'visual.*'"),
                               cl::value_desc("GLOB"), cl::CommaSeparated, cl::cat(category)};
  cl::opt<std::string> precision{"precision", cl::desc("f32, or bf16: products on bf16 operands, accumulated in f32"),
                                 cl::value_desc("TYPE"), cl::init("f32"), cl::cat(category)};
  cl::opt<std::string> matmulTile{
      "matmul-tile",
      cl::desc("How GPUs cut up matrix products: rows x columns x depth of a block, of a warp, stages, splits"),
      cl::value_desc("128x128x64,64x32,3,1"), cl::cat(category)};
  cl::opt<std::string> emit{"emit", cl::desc("Stop at a stage and print it: model, vlp, kernels, plan, llvm or ptx"),
                            cl::value_desc("STAGE"), cl::cat(category)};
  cl::list<std::string> disabled{"disable-pass", cl::desc("Leave out an optional pass"), cl::value_desc("NAME"),
                                 cl::CommaSeparated, cl::cat(category)};
  cl::opt<std::string> report{"report", cl::desc("Write what each pass did to FILE.json or FILE.html"),
                              cl::value_desc("FILE"), cl::cat(category)};
  cl::opt<std::string> jobs{"jobs",
                            cl::desc("Kernels that are compiled at the same time; 0, the default, means one a core"),
                            cl::init("0"), cl::value_desc("N"), cl::cat(category)};
  cl::opt<std::string> cacheFolder{
      "cache-dir", cl::desc("Where compiled kernels are kept; $XDG_CACHE_HOME/vlpc or ~/.cache/vlpc by default"),
      cl::value_desc("DIR"), cl::cat(category)};
  cl::opt<bool> noCache{"no-cache", cl::desc("Keep no compiled kernels, use none"), cl::cat(category)};
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

/// Later stages differ between targets: one of them must be meant.
static llvm::Error checkEmitTarget(const Job &job) {
  const std::vector<TargetInfo> &targets = job.compile.targets;
  if (targets.empty() || (job.emit != "plan" && job.emit != "llvm" && job.emit != "ptx"))
    return llvm::Error::success();
  if (targets.size() > 1)
    return models::makeError("--emit=" + job.emit + " shows one target, expected one --target, got " +
                             llvm::Twine(targets.size()));
  if (job.emit == "ptx" && targets.front().target != "cuda")
    return models::makeError("--emit=ptx: expected a cuda target, for instance --target=cuda:sm_80, got " +
                             getName(targets.front()));
  return llvm::Error::success();
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
  if (!options.matmulTile.empty())
    complain(setMatmulTile(options.matmulTile, job.compile.targets));
  job.compile.pipeline.disabledPasses.assign(options.disabled.begin(), options.disabled.end());
  job.compile.pipeline.freeze.assign(options.freeze.begin(), options.freeze.end());
  job.compile.pipeline.remarks = !job.report.empty();
  complain(checkDisabledPasses(job.compile.pipeline));
  if (StringRef(options.jobs).getAsInteger(10, job.compile.codegen.jobs) || job.compile.codegen.jobs > 1024)
    complain(models::makeError("--jobs: expected a number of processes up to 1024, got '" + options.jobs + "'"));
  if (options.noCache && !options.cacheFolder.empty())
    complain(models::makeError("--no-cache and --cache-dir exclude each other, expected at most one"));
  if (!options.noCache)
    job.compile.codegen.cacheFolder =
        options.cacheFolder.empty() ? ContentCache::defaultFolder() : std::string(options.cacheFolder);
  std::vector<std::string> stages = {"model", "vlp", "kernels", "plan", "llvm", "ptx"};
  if (!job.emit.empty() && !llvm::is_contained(stages, job.emit))
    complain(models::makeError("--emit: unknown stage '" + job.emit + "'; " + models::suggest(job.emit, stages)));
  complain(checkEmitTarget(job));
  take(parsePrecision(options.precision), job.compile.pipeline.precision);
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

static int printStage(const Job &job, llvm::function_ref<void(llvm::raw_ostream &)> print) {
  llvm::Error error = llvm::writeToOutput(job.output.empty() ? "-" : job.output, [&](llvm::raw_ostream &out) {
    print(out);
    return llvm::Error::success();
  });
  return error ? reportError(std::move(error)) : 0;
}

static int printModule(ModuleOp module, const Job &job) {
  return printStage(job, [&](llvm::raw_ostream &out) {
    module.print(out, OpPrintingFlags().enableDebugInfo(job.emit != "llvm"));
    out << "\n";
  });
}

/// Runs the stages up to the one to print, and prints it.
static int emitStage(ModuleOp module, const Job &job) {
  PipelineOptions pipeline = job.compile.pipeline;
  const TargetInfo &target = job.compile.targets.front();
  pipeline.target = getEmitterTarget(target.target);
  pipeline.chip = target.chip;
  pipeline.matmulTile = target.matmulTile;
  const std::pair<Stage, StringRef> stages[] = {
      {Stage::Graph, "vlp"}, {Stage::Kernels, "kernels"}, {Stage::Target, ""}, {Stage::Plan, "plan"}};
  if (job.emit == "model")
    return printModule(module, job);
  for (auto [stage, name] : stages) {
    if (failed(runStage(module, stage, pipeline)))
      return 1;
    if (job.emit == name)
      return printModule(module, job);
  }
  if (job.emit == "ptx") {
    FailureOr<std::string> ptx = generatePTX({module, target}, job.compile.codegen);
    return failed(ptx) ? 2 : printStage(job, [&](llvm::raw_ostream &out) { out << *ptx; });
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

/// "; 3 of 40 pieces of code from the cache", or nothing.
static std::string describeCache(const CodegenStatistics &statistics) {
  if (!statistics.cached)
    return "";
  return llvm::formatv("; {0} of {1} pieces of code from the cache", statistics.cached, statistics.pieces).str();
}

/// How far code generation is: a bar on a terminal, elsewhere a line each ten seconds, so that what is quick says
/// nothing.
static std::function<void(unsigned, unsigned)> makeProgress() {
  using Clock = std::chrono::steady_clock;
  auto settings = report::Progress::Settings::forStream(stderr);
  if (settings.bar)
    return [bar = std::make_shared<report::Progress>("compiling kernels", 0, settings)](unsigned done, unsigned total) {
      bar->setTotal(total);
      bar->update(done);
      if (done == total)
        bar->finish();
    };
  return [last = Clock::now()](unsigned done, unsigned total) mutable {
    if (Clock::now() - last < std::chrono::seconds(10))
      return;
    last = Clock::now();
    llvm::errs() << "compiling kernels: " << done << " of " << total << " done\n";
  };
}

static int compile(ModuleOp module, const Job &job) {
  auto start = std::chrono::steady_clock::now();
  CompileOptions options = job.compile;
  options.codegen.progress = makeProgress();
  std::optional<PassReport> passes;
  if (!job.report.empty())
    passes.emplace(module.getContext());
  FailureOr<CompiledModel> compiled = compileModel(module, options, passes ? &*passes : nullptr);
  if (failed(compiled))
    return 1;
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  llvm::Error error = llvm::writeToOutput(job.output, [&](llvm::raw_ostream &out) {
    out << compiled->bytes;
    return llvm::Error::success();
  });
  if (passes && !error) {
    CompileReport report{job.request.model,      getNames(job),        seconds,
                         compiled->bytes.size(), passes->getRecords(), *compiled->plans.front()};
    auto container = format::Container::parse({compiled->bytes.begin(), compiled->bytes.end()}, job.output);
    if (!container)
      return reportError(models::makeError(container.status().message()));
    report.manifest = container->manifest();
    error = writeReport(report, job.report);
  }
  if (error)
    return reportError(std::move(error));
  llvm::outs() << llvm::formatv("{0}: {1} for {2} in {3:f1} s, {4:f1} MB{5}\n", job.output, job.request.model,
                                llvm::join(getNames(job), ", "), seconds, double(compiled->bytes.size()) / 1e6,
                                describeCache(compiled->statistics));
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
