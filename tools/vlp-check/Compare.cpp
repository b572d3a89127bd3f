// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A compiled model against the reference interpreter, kernel by kernel.
#include "tools/vlp-check/Compare.h"

#include "dialect/Plan/Plan.h"
#include "models/common/Architecture.h"
#include "passes/Pipelines/Registration.h"
#include "tools/vlp-check/KernelAlone.h"
#include "tools/vlp-check/RandomInputs.h"
#include "tools/vlp-check/Reproducer.h"
#include "tools/vlpc/CommandLine.h"
#include "tools/vlpc/Diagnostics.h"
#include "llvm/Support/FormatVariadic.h"
#include <bit>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

namespace {
/// One op of the plan: which results of which kernel are complete after it, and where they lie.
struct PlanStep {
  size_t kernel = 0;
  std::vector<std::pair<unsigned, size_t>> results; // (result, argument of the launch)
  /// Whether it is a kernel's first launch. Then, where the kernel's operands lie before it, by number; none for those
  /// that are not read.
  bool starts = false;
  std::map<unsigned, plan::SlotAttr> operands = {};
};
} // namespace

/// Of what is finite: an infinite norm would allow any error.
static double getNorm(const Array<double> &array) {
  double sum = 0;
  for (double x : array.values)
    sum += std::isinf(x) ? 0 : x * x;
  return std::sqrt(sum);
}

/// State of a fresh session as arrays.
static State<double> readState(LoadedModel &model) {
  State<double> state;
  for (const format::StateTensor &tensor : model.module->manifest().state())
    state[tensor.tensor().name()] = readTensor<double>(model.session->state(tensor.tensor().name()), tensor.tensor());
  return state;
}

template <typename T>
static llvm::Error observe(ModuleOp kernels, StringRef entry, const Arrays<double> &inputs, const State<double> &state,
                           typename Interpreter<T>::Observer observer) {
  auto function = kernels.lookupSymbol<func::FuncOp>(entry);
  std::vector<Array<T>> arguments;
  for (const std::string &name : getArgumentNames(function))
    arguments.push_back(convert<T>(inputs.at(name)));
  State<T> values;
  for (auto &[name, array] : state)
    values[name] = convert<T>(array);
  Interpreter<T> interpreter(kernels);
  interpreter.setObserver(std::move(observer));
  if (failed(interpreter.run(entry, arguments, values)))
    return models::makeError("the reference interpreter failed on entry '" + entry + "'");
  return llvm::Error::success();
}

static llvm::Expected<std::vector<KernelReference>>
runReferences(ModuleOp kernels, StringRef entry, const Arrays<double> &inputs, const State<double> &state) {
  std::vector<KernelReference> references;
  if (llvm::Error error = observe<double>(kernels, entry, inputs, state, [&](Operation *op, auto, auto results) {
        if (!isa<KernelOp>(op))
          return;
        KernelReference &reference = references.emplace_back();
        for (const Array<double> *result : results)
          reference.results.push_back(*result);
      }))
    return error;
  size_t next = 0;
  if (llvm::Error error = observe<float>(kernels, entry, inputs, state, [&](Operation *op, auto, auto results) {
        if (!isa<KernelOp>(op))
          return;
        KernelReference &reference = references[next++];
        for (auto [exact, rounded] : llvm::zip_equal(reference.results, results))
          reference.noise.push_back(getDistance(exact, convert<double>(*rounded)));
      }))
    return error;
  return references;
}

/// The steps of a planned entry, in the order of the compiled file's ops.
static std::vector<PlanStep> getSteps(ModuleOp plan, plan::EntryOp entry) {
  std::vector<PlanStep> steps;
  size_t kernels = 0, first = 0;
  for (Operation &op : entry.getBody().front()) {
    PlanStep &step = steps.emplace_back();
    auto launch = dyn_cast<plan::LaunchOp>(op);
    if (!launch)
      continue;
    kernels += launch.getStage() == 0;
    step.starts = launch.getStage() == 0;
    first = step.starts ? steps.size() - 1 : first;
    step.kernel = kernels - 1;
    auto kernel = plan.lookupSymbol<plan::KernelOp>(launch.getKernel());
    auto namesResult = [&](int64_t stage, StringRef name) {
      return llvm::is_contained(kernel.getStage(stage).getArguments(), StringAttr::get(plan.getContext(), name));
    };
    plan::StageAttr stage = kernel.getStage(launch.getStage());
    for (auto [index, argument] : llvm::enumerate(stage.getArguments().getAsRange<StringAttr>())) {
      StringRef name = argument.getValue();
      unsigned result, operand;
      if (name.consume_front("in") && !name.getAsInteger(10, operand))
        steps[first].operands.try_emplace(operand, cast<plan::SlotAttr>(launch.getArguments()[index]));
      if (!name.consume_front("out") || name.getAsInteger(10, result))
        continue;
      bool again = false;
      for (int64_t later = launch.getStage() + 1; later < int64_t(kernel.getStages().size()); ++later)
        again |= namesResult(later, argument.getValue());
      if (!again)
        step.results.emplace_back(result, index);
    }
  }
  return steps;
}

static KernelOp getKernel(ModuleOp kernels, StringRef entry, size_t index) {
  return *std::next(kernels.lookupSymbol<func::FuncOp>(entry).getOps<KernelOp>().begin(), index);
}

/// The tensor of `type` whose bytes are given.
static Array<double> readResult(std::span<const std::byte> memory, RankedTensorType type) {
  Array<double> array(type);
  if (type.getElementType().isBF16()) {
    std::vector<uint16_t> words(array.size());
    std::memcpy(words.data(), memory.data(), 2 * words.size());
    for (auto [value, word] : llvm::zip_equal(array.values, words))
      value = std::bit_cast<float>(uint32_t(word) << 16);
    return array;
  }
  format::Tensor tensor;
  tensor.set_dtype(array.isInteger() ? format::I32 : format::F32);
  tensor.mutable_shape()->Assign(type.getShape().begin(), type.getShape().end());
  return readTensor<double>(memory, tensor);
}

/// How far a result may be from the interpreter's: this part of its norm, and this many times the noise.
struct Tolerance {
  double norm, noise;
};

static Tolerance getTolerance(Precision precision) {
  return precision == Precision::BF16 ? Tolerance{0x1p-8, 8} : Tolerance{1e-4, 100};
}

/// Compares one result; fills `divergence` if it is out.
static double compareResult(const Array<double> &expected, const Array<double> &got, double noise, Tolerance tolerance,
                            std::optional<Divergence> &divergence) {
  if (expected.isInteger()) {
    auto [left, right] = std::mismatch(expected.ints.begin(), expected.ints.end(), got.ints.begin());
    if (left == expected.ints.end())
      return 0;
    divergence = Divergence{0, 0, 1, 0, left - expected.ints.begin(), double(*left), double(*right)};
    return 1;
  }
  double norm = getNorm(expected), distance = getDistance(expected, got);
  double allowed = tolerance.norm * norm + tolerance.noise * noise + 1e-30;
  double scale = std::max(norm, 1e-30);
  if (distance <= allowed)
    return distance / std::max(scale, 1e6 * noise); // of a value that is all rounding, no error to speak of
  double each = allowed / std::sqrt(double(expected.size()));
  int64_t element = 0;
  while (std::abs(expected.values[element] - got.values[element]) <= each && element + 1 < expected.size())
    ++element;
  divergence =
      Divergence{0, 0, distance / scale, allowed / scale, element, expected.values[element], got.values[element]};
  return distance / scale;
}

/// The operands of the kernel that starts with `step`, as they are on the device.
static std::vector<Array<double>> readOperands(LoadedModel &model, const std::string &entry, KernelOp kernel,
                                               const PlanStep &step) {
  std::vector<Array<double>> operands;
  for (auto [index, operand] : llvm::enumerate(kernel.getOperands())) {
    auto type = cast<RankedTensorType>(operand.getType());
    auto place = step.operands.find(index);
    if (place == step.operands.end()) {
      operands.emplace_back(type);
      continue;
    }
    format::Slot slot;
    slot.set_region(static_cast<format::Region>(place->second.getRegion()));
    slot.set_offset(place->second.getOffset());
    slot.set_size(place->second.getSize());
    operands.push_back(readResult(model.session->slot(entry, slot), type));
  }
  return operands;
}

namespace {
/// Looks at the results of one entry's kernels as they come.
class Comparer {
public:
  Comparer(ModuleOp kernels, LoadedModel &model, StringRef entry, std::vector<PlanStep> steps,
           std::vector<KernelReference> references, Precision precision)
      : kernels(kernels), model(model), entry(entry.str()), steps(std::move(steps)), references(std::move(references)),
        precision(precision) {
    comparison.kernels = this->references.size();
  }

  EntryComparison comparison;

  Status visit(size_t index, const format::Op &op) {
    if (comparison.first || index >= steps.size())
      return Status::ok();
    const PlanStep &step = steps[index];
    if (op.has_launch() && step.kernel >= references.size())
      return Status(StatusCode::Internal, "the plan has more kernels than the module it was made from");
    if (op.has_launch())
      for (auto [result, argument] : step.results)
        if (!comparison.first)
          compare(step.kernel, result, op.launch().args(int(argument)));
    if (index + 1 < steps.size() && steps[index + 1].starts)
      operands = readOperands(model, entry, getKernel(kernels, entry, steps[index + 1].kernel), steps[index + 1]);
    return Status::ok();
  }

private:
  void compare(size_t index, unsigned result, const format::Slot &slot) {
    KernelOp kernel = getKernel(kernels, entry, index);
    Array<double> got =
        readResult(model.session->slot(entry, slot), cast<RankedTensorType>(kernel.getResult(result).getType()));
    std::optional<Divergence> divergence;
    double error = compareResult(references[index].results[result], got, references[index].noise[result],
                                 getTolerance(precision), divergence);
    if (divergence && isRounding(references[index], result) && agreesAlone(kernel, result, got))
      return;
    if (divergence) {
      comparison.first = divergence;
      comparison.first->kernel = index;
      comparison.first->result = result;
    } else if (error > comparison.worstError) {
      comparison.worstError = error;
      comparison.worstKernel = index;
    }
  }

  /// Whether another run's rounding may be many times as large as the value: of anything in bf16, in f32 of what is zero
  /// but for rounding, like the gradient of a key's bias and its square in AdamW.
  bool isRounding(const KernelReference &reference, unsigned result) const {
    return precision == Precision::BF16 || reference.noise[result] > 1e-3 * getNorm(reference.results[result]);
  }

  /// A result that is far from the exact run's may still be the right one for inputs that are (a step of AdamW has the
  /// sign of a gradient, however small). Then the kernel's own inputs decide.
  bool agreesAlone(KernelOp kernel, unsigned result, const Array<double> &got) {
    if (operands.empty())
      return false;
    auto alone = runAlone(kernel, operands);
    if (!alone)
      return llvm::consumeError(alone.takeError()), false;
    std::optional<Divergence> divergence;
    compareResult(alone->results[result], got, alone->noise[result], getTolerance(precision), divergence);
    return !divergence;
  }

  ModuleOp kernels;
  LoadedModel &model;
  std::string entry;
  std::vector<PlanStep> steps;
  std::vector<KernelReference> references;
  Precision precision;
  /// bf16: of the kernel in progress.
  std::vector<Array<double>> operands;
};
} // namespace

llvm::Expected<EntryComparison> tools::compareEntry(ModuleOp kernels, ModuleOp plan, LoadedModel &model,
                                                    StringRef entry, const Arrays<double> &inputs,
                                                    Precision precision) {
  std::string name = entry.str();
  auto references = runReferences(kernels, entry, inputs, readState(model));
  if (!references)
    return references.takeError();
  for (auto &[input, array] : inputs) {
    Expected<std::span<std::byte>> memory = model.session->input(name, input);
    if (!memory)
      return toError(memory.status());
    if (llvm::Error error = writeTensor(*memory, array, input))
      return error;
  }
  Comparer comparer(kernels, model, entry, getSteps(plan, plan.lookupSymbol<plan::EntryOp>(entry)),
                    std::move(*references), precision);
  auto visit = [&](size_t index, const format::Op &op) { return comparer.visit(index, op); };
  if (Status status = model.session->runObserved(name, visit, /*keepState=*/true); !status)
    return toError(status);
  return comparer.comparison;
}

static std::string describe(KernelOp kernel) {
  auto symbol = kernel->getAttrOfType<StringAttr>("vlp.symbol");
  std::string layer = getLayerName(kernel.getLoc());
  return "layer '" + layer + "', kernel " + (symbol ? symbol.str() : kernel.getAnchor().str());
}

static CompileOptions getOptions(const CompareRequest &request) {
  CompileOptions options = getCompileOptions(request.device);
  options.pipeline = request.pipeline;
  options.pipeline.precision = request.device.precision;
  return options;
}

/// The kernel alone, on the interpreter's inputs: tells code that is wrong from a plan that is.
static llvm::Expected<std::string> writeFirst(ModuleOp kernels, LoadedModel &model, StringRef entry,
                                              const Arrays<double> &inputs, const Divergence &first,
                                              const CompareRequest &request) {
  KernelOp kernel = getKernel(kernels, entry, first.kernel);
  std::vector<Array<double>> operands;
  if (llvm::Error error =
          observe<double>(kernels, entry, inputs, readState(model), [&](Operation *op, auto values, auto) {
            if (op == kernel)
              for (const Array<double> *value : values)
                operands.push_back(*value);
          }))
    return error;
  OwningOpRef<ModuleOp> reproducer = makeReproducer(kernel, operands);
  if (llvm::Error error = writeReproducer(*reproducer, request.reproducer))
    return error;
  std::string text = "  reproducer: " + request.reproducer + "\n";
  CompileOptions options = getOptions(request);
  options.pipeline.precision = Precision::F32; // the kernel is in bf16 already
  FailureOr<CompiledModel> compiled = compileModel(*reproducer, options);
  if (failed(compiled))
    return text;
  llvm::Expected<LoadedModel> loaded = load(*compiled, request.device);
  if (!loaded)
    return loaded.takeError();
  auto alone =
      compareEntry(*compiled->kernels.front(), *compiled->plans.front(), *loaded, "reproducer", {}, request.device.precision);
  if (!alone)
    return alone.takeError();
  return text + (alone->first
                     ? "  the kernel alone diverges too: its code is wrong\n"
                     : "  the kernel alone agrees: suspect the plan (buffers, order) or the values before it\n");
}

/// Compares all entries; returns whether all agree.
static llvm::Expected<bool> compareAll(ModuleOp module, const CompareRequest &request, llvm::raw_ostream &out) {
  std::map<std::string, Arrays<double>> inputs;
  for (auto function : module.getOps<func::FuncOp>())
    inputs[function.getSymName().str()] = makeRandomInputs(function, /*seed=*/1);
  FailureOr<CompiledModel> compiled = compileModel(module, getOptions(request));
  if (failed(compiled))
    return models::makeError("compilation for " + request.device.target() + " failed");
  llvm::Expected<LoadedModel> loaded = load(*compiled, request.device);
  if (!loaded)
    return loaded.takeError();
  bool agree = true;
  for (auto &[entry, values] : inputs) {
    loaded->session->initialize(/*seed=*/1);
    auto comparison =
        compareEntry(*compiled->kernels.front(), *compiled->plans.front(), *loaded, entry, values, request.device.precision);
    if (!comparison)
      return comparison.takeError();
    if (!comparison->first) {
      out << llvm::formatv(
          "{0}: {1} kernels agree, largest error {2:e1}{3}\n", entry, comparison->kernels, comparison->worstError,
          comparison->kernels ? " in " + describe(getKernel(*compiled->kernels.front(), entry, comparison->worstKernel)) : "");
      continue;
    }
    agree = false;
    const Divergence &first = *comparison->first;
    out << llvm::formatv(
        "{0}: kernel {1} of {2} diverges first: {3}, result {4}: error {5:e2}, allowed {6:e2}; element {7} is {8}, "
        "expected {9}\n",
        entry, first.kernel + 1, comparison->kernels, describe(getKernel(*compiled->kernels.front(), entry, first.kernel)),
        first.result, first.error, first.allowed, first.element, first.got, first.expected);
    auto text = writeFirst(*compiled->kernels.front(), *loaded, entry, values, first, request);
    if (!text)
      return text.takeError();
    out << *text;
    break;
  }
  return agree;
}

int tools::compareModel(const CompareRequest &request, llvm::raw_ostream &out) {
  DialectRegistry registry;
  registerDialects(registry);
  registerTargets();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  DiagnosticPrinter diagnostics(&context);
  if (llvm::Error error = checkDisabledPasses(request.pipeline))
    return reportError(std::move(error));
  ModelRequest model = request.model;
  bool isFile = StringRef(model.model).ends_with(".mlir");
  if (model.entries.empty() && !isFile)
    for (const char *entry : {"train", "encode_image", "encode_text"})
      model.entries.push_back({entry, {}});
  for (models::EntryRequest &entry : model.entries)
    if (!isFile)
      entry.options.emplace("batch", 3);
  auto module = loadModel(&context, model);
  if (!module)
    return reportError(module.takeError());
  auto agree = compareAll(**module, request, out);
  if (!agree)
    return reportError(agree.takeError());
  return *agree ? 0 : 1;
}
