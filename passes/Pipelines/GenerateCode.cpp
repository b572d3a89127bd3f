// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Splits plans into pieces, gets them compiled in parallel or from the cache, and puts the results together.
#include "passes/Pipelines/CodeGenerators.h"

#include "dialect/Plan/Plan.h"
#include "passes/CPU/CompileCPU.h"
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/LintPTX.h"
#include "passes/CUDA/PTX.h"
#include "passes/CUDA/Sass.h"
#include "passes/Codegen/ContentCache.h"
#include "passes/Pipelines/CompilePiece.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace vlp;

/// Part of every key; raise it when what a piece's result looks like changes.
static constexpr StringRef kFormat = "1";
/// What the cache may hold after a compilation that added to it: some dozens of large models.
static constexpr uint64_t kCacheBytes = uint64_t(1) << 30;

/// A kernel without its origin: equal kernels of all models and layers have equal texts.
static std::string getText(plan::KernelOp kernel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel->print(stream, OpPrintingFlags().useLocalScope().enableDebugInfo(false));
  return text + "\n";
}

namespace {
/// A piece and its place in a program.
struct Job {
  Piece piece;
  /// Where to report that it failed.
  Location where;
  std::string result = {};
  std::string problem = {};
};

/// One plan on its way to code.
struct Program {
  PlannedTarget plan;
  std::vector<std::unique_ptr<Job>> kernels = {}; // cuda
  std::unique_ptr<Job> code = {};
  size_t missing = 0; // of kernels
  bool isCuda() const { return plan.target.target == "cuda"; }
  ModuleOp module() const { return plan.plan; }
  /// Of what concerns all kernels.
  Location where() const { return UnknownLoc::get(module().getContext()); }
};

class CodeGeneration {
public:
  CodeGeneration(const CodegenOptions &options, CodegenStatistics *statistics)
      : cache(options.cacheFolder), workers(options.jobs, compilePiece), progress(options.progress),
        statistics(statistics) {}

  /// Whole targets first: they take longest.
  LogicalResult run(std::vector<Program> &programs, bool onlyPTX);

private:
  void splitIntoKernels(Program &program);
  void start(Job &job, std::function<void()> done);
  LogicalResult startCubin(Program &program);
  LogicalResult report(ArrayRef<Program> programs);
  std::string makeJobKey(const Piece &piece);

  ContentCache cache;
  Workers workers;
  std::function<void(unsigned, unsigned)> progress;
  CodegenStatistics *statistics;
  unsigned started = 0, finished = 0;
  std::string assembler;
  bool ok = true;
};
} // namespace

std::string CodeGeneration::makeJobKey(const Piece &piece) {
  bool isCubin = piece.kind == Piece::Kind::Cubin;
  return makeKey({kFormat, isCubin ? StringRef(assembler) : StringRef(compilerIdentity()), writePiece(piece)});
}

void CodeGeneration::start(Job &job, std::function<void()> done) {
  std::string key = makeJobKey(job.piece);
  ++started;
  auto finish = [this, done] {
    ++finished;
    done();
    if (progress)
      progress(finished, started);
  };
  if (std::optional<std::string> known = cache.find(key)) {
    job.result = std::move(*known);
    return finish();
  }
  workers.submit(writePiece(job.piece), [this, &job, key, finish](Reply reply) {
    if (reply.ok)
      cache.store(key, reply.text);
    (reply.ok ? job.result : job.problem) = std::move(reply.text);
    finish();
  });
}

LogicalResult CodeGeneration::startCubin(Program &program) {
  llvm::SmallVector<StringRef> modules;
  for (const std::unique_ptr<Job> &job : program.kernels) {
    if (!job->problem.empty())
      return success(); // reported in the end
    modules.push_back(job->result);
  }
  Location where = program.where();
  llvm::Expected<std::string> ptx = cuda::mergePTX(modules);
  if (!ptx)
    return emitError(where) << llvm::toString(ptx.takeError());
  program.code = std::make_unique<Job>(Job{{Piece::Kind::Cubin, program.plan.target.chip, "", std::move(*ptx)}, where});
  start(*program.code, [] {});
  return success();
}

void CodeGeneration::splitIntoKernels(Program &program) {
  const TargetInfo &target = program.plan.target;
  for (auto kernel : program.module().getOps<plan::KernelOp>())
    program.kernels.push_back(std::make_unique<Job>(
        Job{{Piece::Kind::PTX, target.chip, target.matmulTile, getText(kernel)}, kernel.getLoc()}));
  program.missing = program.kernels.size();
}

/// All kernels of a plan as one piece.
static std::unique_ptr<Job> makeWholeJob(const Program &program) {
  std::string text;
  for (auto kernel : program.module().getOps<plan::KernelOp>())
    text += getText(kernel);
  Piece::Kind kind = program.plan.target.target == "sim" ? Piece::Kind::SimObject : Piece::Kind::SharedObject;
  return std::make_unique<Job>(
      Job{{kind, program.plan.target.chip, program.plan.target.matmulTile, std::move(text)}, program.where()});
}

LogicalResult CodeGeneration::run(std::vector<Program> &programs, bool onlyPTX) {
  for (Program &program : programs) {
    if (program.isCuda() && !onlyPTX && assembler.empty() &&
        (assembler = cuda::assemblerIdentity(program.where())).empty())
      return failure();
    if (!program.isCuda())
      start(*(program.code = makeWholeJob(program)), [] {});
  }
  for (Program &program : programs) {
    if (!program.isCuda())
      continue;
    splitIntoKernels(program);
    for (std::unique_ptr<Job> &job : program.kernels)
      start(*job, [this, &program, onlyPTX] {
        if (--program.missing == 0 && !onlyPTX && failed(startCubin(program)))
          ok = false;
      });
    if (program.kernels.empty() && !onlyPTX)
      return emitError(program.where()) << "expected at least one kernel for " << program.plan.target.chip
                                        << ", got none";
  }
  workers.wait();
  if (cache.stores())
    cache.trim(kCacheBytes);
  if (statistics)
    *statistics = {started, cache.hits()};
  return report(programs);
}

LogicalResult CodeGeneration::report(ArrayRef<Program> programs) {
  auto complain = [&](const Program &program, const Job *job) {
    if (!job || job->problem.empty())
      return;
    emitError(job->where) << "no code for " << program.plan.target.target << ":" << program.plan.target.chip << ": "
                          << job->problem;
    ok = false;
  };
  for (const Program &program : programs) {
    for (const std::unique_ptr<Job> &job : program.kernels)
      complain(program, job.get());
    complain(program, program.code.get());
  }
  if (!cache.problem().empty() && !programs.empty())
    emitWarning(programs.front().where()) << cache.problem();
  return success(ok);
}

/// The assembler's and the machine code's facts of each kernel; warns of those that use local memory.
static FailureOr<std::vector<KernelFacts>> collectFacts(const Program &program, const cuda::Cubin &cubin) {
  auto counts = cuda::countInstructions(cubin.bytes);
  if (!counts)
    return emitError(program.where()) << "expected to read the assembler's code: "
                                      << llvm::toString(counts.takeError());
  llvm::StringMap<KernelFacts> facts;
  for (const cuda::KernelStatistics &kernel : cubin.kernels) {
    KernelFacts &fact = facts[kernel.name];
    fact.registers = kernel.registers;
    fact.spills = kernel.spillStores + kernel.spillLoads;
    fact.stack = kernel.stack;
    fact.staticShared = kernel.staticShared;
  }
  std::vector<KernelFacts> list;
  for (const cuda::InstructionCounts &count : *counts) {
    KernelFacts fact = facts.lookup(count.kernel);
    fact.name = count.kernel;
    fact.instructions = count.total;
    fact.tensorInstructions = count.tensor;
    fact.tf32Instructions = count.tensorTF32;
    fact.localInstructions = count.local;
    if (fact.spills || fact.stack)
      emitWarning(program.where()) << "kernel '" << fact.name << "' uses local memory on " << program.plan.target.chip
                                   << ": " << fact.spills << " bytes of spills, a stack of " << fact.stack << " bytes";
    list.push_back(std::move(fact));
  }
  llvm::sort(list, [](const KernelFacts &a, const KernelFacts &b) { return a.name < b.name; });
  return list;
}

/// Warns of what no kernel's PTX may contain, and of code that is not what its tiles ask for.
static void lint(const Program &program) {
  cuda::PtxLint lint = cuda::lintPTX(program.code->piece.source);
  for (const std::string &problem : lint.problems)
    emitWarning(program.where()) << problem;
  llvm::StringMap<const cuda::PtxCounts *> counts;
  for (const cuda::PtxCounts &kernel : lint.kernels)
    counts[kernel.kernel] = &kernel;
  for (auto kernel : program.module().getOps<plan::KernelOp>()) {
    KernelPlan plan = cuda::findEmitter(kernel.getAnchor())->plan(kernel.getKernel(), program.plan.target);
    for (const LaunchPlan &launch : plan.launches)
      if (const cuda::PtxCounts *found = counts.lookup((kernel.getSymName() + launch.suffix).str()))
        for (const std::string &difference : cuda::compareCounts(*found, launch.instructions))
          emitWarning(kernel.getLoc()) << difference;
  }
}

static FailureOr<CodeBlob> makeCudaBlob(Program &program, bool withPTX) {
  Location where = program.where();
  llvm::Expected<cuda::Cubin> cubin = readCubin(program.code->result);
  if (!cubin)
    return emitError(where) << llvm::toString(cubin.takeError());
  FailureOr<std::vector<KernelFacts>> facts = collectFacts(program, *cubin);
  FailureOr<uint32_t> driver = cuda::requiredDriver(program.code->piece.source, where);
  if (failed(facts) || failed(driver))
    return failure();
  lint(program);
  return CodeBlob{
      "cuda",  program.plan.target.chip, {}, std::move(cubin->bytes), withPTX ? program.code->piece.source : "",
      *driver, std::move(*facts)};
}

/// The one whose chip is the newest; null if there is none.
static const Program *findNewestCuda(ArrayRef<Program> programs) {
  ArrayRef<StringRef> chips = getChips("cuda");
  const Program *newest = nullptr;
  for (const Program &program : programs)
    if (program.isCuda() &&
        (!newest || llvm::find(chips, newest->plan.target.chip) < llvm::find(chips, program.plan.target.chip)))
      newest = &program;
  return newest;
}

FailureOr<std::vector<CodeBlob>> vlp::generateCode(ArrayRef<PlannedTarget> plans, const CodegenOptions &options,
                                                   CodegenStatistics *statistics) {
  std::vector<Program> programs;
  for (const PlannedTarget &plan : plans)
    programs.push_back({plan});
  if (failed(CodeGeneration(options, statistics).run(programs, /*onlyPTX=*/false)))
    return failure();
  const Program *newest = findNewestCuda(programs);
  std::vector<CodeBlob> blobs;
  for (Program &program : programs) {
    const TargetInfo &target = program.plan.target;
    if (program.isCuda()) {
      FailureOr<CodeBlob> blob = makeCudaBlob(program, &program == newest);
      if (failed(blob))
        return failure();
      blobs.push_back(std::move(*blob));
      continue;
    }
    llvm::SmallVector<std::string> features = cpu::requiredFeatures(target.target == "cpu" ? target.chip : "x86-64-v3");
    blobs.push_back({target.target, target.chip, {features.begin(), features.end()}, std::move(program.code->result)});
  }
  return blobs;
}

FailureOr<std::string> vlp::generatePTX(const PlannedTarget &plan, const CodegenOptions &options) {
  std::vector<Program> programs;
  programs.push_back({plan});
  if (failed(CodeGeneration(options, nullptr).run(programs, /*onlyPTX=*/true)))
    return failure();
  llvm::SmallVector<StringRef> modules;
  for (const std::unique_ptr<Job> &job : programs.front().kernels)
    modules.push_back(job->result);
  llvm::Expected<std::string> ptx = cuda::mergePTX(modules);
  if (!ptx)
    return emitError(programs.front().where()) << llvm::toString(ptx.takeError());
  return std::move(*ptx);
}
