// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Global memory, launches and checks of simulated kernels.
#include "test/passes/CUDA/SimulatedRun.h"

#include "passes/Sim/CompileSim.h"
#include "runtime/sim/Engine.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
int64_t bytesOf(RankedTensorType type) { return type.getNumElements() * type.getElementTypeBitWidth() / 8; }

constexpr char kUnwritten = '\xFF'; // what global memory is full of: NaN in f32 and bf16

/// One tensor in simulated memory. In plain mode a zone on either side shows writes that miss it; in checked mode the
/// engine itself watches every byte, and the tensor lies alone.
class Buffer {
public:
  Buffer(sim::GlobalMemory &memory, int64_t bytes, bool checked) : bytes(bytes), zone(checked ? 0 : kZone) {
    base = reinterpret_cast<char *>(memory.allocate(bytes + 2 * zone));
    EXPECT_NE(base, nullptr);
  }
  char *data() const { return base + zone; }
  std::vector<char> contents() const { return {data(), data() + bytes}; }
  bool intact() const {
    auto untouched = [](char byte) { return byte == kUnwritten; };
    return std::all_of(base, data(), untouched) && std::all_of(data() + bytes, data() + bytes + zone, untouched);
  }

  int64_t bytes;

private:
  static constexpr int64_t kZone = 256;
  int64_t zone;
  char *base;
};

struct Mode {
  std::string name;
  sim::EngineOptions options;
  bool inPlace = false; // results take the place of inputs where the plan offers it
};

/// Each result and each input in at most one pair.
std::vector<std::pair<unsigned, unsigned>> disjointPairs(const KernelPlan &plan) {
  std::vector<std::pair<unsigned, unsigned>> chosen;
  for (auto [result, input] : plan.inPlace)
    if (llvm::none_of(chosen, [&](auto pair) { return pair.first == result || pair.second == input; }))
      chosen.push_back({result, input});
  return chosen;
}

class Run {
public:
  Run(const Mode &mode, const test::PreparedCase &prepared, const test::DeviceKernel &kernel, const sim::Code &code)
      : kernel(kernel), code(code), prepared(prepared), engine(memory, mode.options) {
    bool checked = mode.options.checked;
    for (auto [value, array] : llvm::zip_equal(KernelOp(prepared.kernel).getInputs(), prepared.inputs)) {
      images.push_back(test::toMemory(array, typeOf(value)));
      inputs.emplace_back(memory, images.back().size(), checked);
      std::memcpy(inputs.back().data(), images.back().data(), images.back().size());
      memory.markInitialised(inputs.back().data(), images.back().size());
    }
    if (mode.inPlace)
      for (auto [result, input] : disjointPairs(kernel.plan))
        sourceOf[result] = input;
    for (auto [i, value] : llvm::enumerate(KernelOp(prepared.kernel).getOutputs())) {
      bool shares = sourceOf.count(i);
      results.push_back(shares ? inputs[sourceOf[i]] : Buffer(memory, bytesOf(typeOf(value)), checked));
    }
    for (int64_t bytes : kernel.plan.partials)
      partials.emplace_back(memory, bytes, checked);
  }

  void execute() {
    for (auto [launch, symbol] : llvm::zip_equal(kernel.plan.launches, kernel.symbols)) {
      const vlp_sim_kernel *function = code.find(symbol);
      ASSERT_NE(function, nullptr) << symbol;
      EXPECT_EQ(function->parameters, launch.arguments.size());
      std::vector<uint64_t> parameters;
      for (LaunchArgument argument : launch.arguments)
        parameters.push_back(reinterpret_cast<uint64_t>(at(argument).data()));
      sim::LaunchConfig config{static_cast<uint32_t>(launch.tasks), static_cast<uint32_t>(launch.threads),
                               static_cast<uint32_t>(launch.shared), static_cast<uint32_t>(kernel.largestShared)};
      Status status = engine.launch(code, *function, config, parameters);
      EXPECT_TRUE(status.isOk()) << symbol << ": " << status.message();
      if (!status.isOk())
        break;
    }
    for (const sim::Finding &finding : engine.findings())
      ADD_FAILURE() << finding.message;
  }

  /// What must hold after any run, whatever the results are.
  void checkMemory() const {
    for (auto [i, buffer] : llvm::enumerate(inputs)) {
      EXPECT_TRUE(buffer.intact()) << "wrote outside input " << i;
      bool shared = llvm::any_of(sourceOf, [&](auto pair) { return pair.second == i; });
      EXPECT_TRUE(shared || buffer.contents() == images[i]) << "wrote to input " << i;
    }
    for (auto [i, buffer] : llvm::enumerate(partials))
      EXPECT_TRUE(buffer.intact()) << "wrote outside partial buffer " << i;
    for (auto [i, buffer] : llvm::enumerate(results)) {
      EXPECT_TRUE(buffer.intact()) << "wrote outside result " << i;
      if (!sourceOf.count(i))
        checkWritten(i);
    }
  }

  const std::vector<sim::Finding> &findings() const { return engine.findings(); }
  void compareResult(unsigned i, const test::KernelCase &c) const {
    RankedTensorType type = typeOf(KernelOp(prepared.kernel).getOutputs()[i]);
    test::compare(prepared.expected[i], test::fromMemory(results[i].contents().data(), type), type, c, i);
  }

  std::vector<Buffer> results;

private:
  void checkWritten(unsigned i) const {
    RankedTensorType type = typeOf(KernelOp(prepared.kernel).getOutputs()[i]);
    int64_t size = type.getElementTypeBitWidth() / 8;
    for (int64_t e = 0; e < type.getNumElements(); ++e) {
      const char *at = results[i].data() + e * size;
      bool isMinusOne = type.getElementType().isInteger() && prepared.expected[i].ints[e] == -1;
      if (!isMinusOne && std::all_of(at, at + size, [](char byte) { return byte == kUnwritten; })) {
        ADD_FAILURE() << "left element " << e << " of result " << i << " unwritten";
        return;
      }
    }
  }

  const Buffer &at(LaunchArgument argument) const {
    switch (argument.kind) {
    case LaunchArgument::Kind::Input: return inputs[argument.index];
    case LaunchArgument::Kind::Result: return results[argument.index];
    case LaunchArgument::Kind::Partial: return partials[argument.index];
    }
    llvm_unreachable("argument kind");
  }

  const test::DeviceKernel &kernel;
  const sim::Code &code;
  const test::PreparedCase &prepared;
  sim::GlobalMemory memory;
  sim::Engine engine;
  std::vector<std::vector<char>> images; // of the inputs
  std::vector<Buffer> inputs, partials;
  std::map<unsigned, unsigned> sourceOf; // result -> the input whose place it takes
};

std::vector<Mode> modesOf(const KernelPlan &plan) {
  using sim::ThreadOrder;
  std::vector<Mode> modes = {{"forward, copies land at once", {false, ThreadOrder::Forward, 0, false}},
                             {"reverse", {false, ThreadOrder::Reverse, 0, true}},
                             {"random", {false, ThreadOrder::Random, 1, true}},
                             {"checked", {true, ThreadOrder::Random, 2, true}}};
  if (!plan.inPlace.empty()) {
    modes.push_back({"in place, reverse", {false, ThreadOrder::Reverse, 0, true}, true});
    modes.push_back({"in place, checked", {true, ThreadOrder::Random, 3, true}, true});
  }
  return modes;
}

} // namespace

static std::unique_ptr<sim::Code> load(const llvm::Module &device) {
  FailureOr<std::string> object = sim::compileModule(device, [](const std::string &text) { ADD_FAILURE() << text; });
  if (failed(object))
    return nullptr;
  auto code = sim::Code::load(*object);
  EXPECT_TRUE(code) << code.status().message();
  return code ? std::move(*code) : nullptr;
}

void test::simulate(const KernelCase &c, const PreparedCase &prepared, const DeviceKernel &kernel, bool checkedOnly) {
  std::unique_ptr<sim::Code> code = load(kernel.device);
  ASSERT_TRUE(code);
  std::vector<std::vector<char>> first;
  for (const Mode &mode : modesOf(kernel.plan)) {
    if (checkedOnly && !mode.options.checked)
      continue;
    SCOPED_TRACE(mode.name);
    Run run(mode, prepared, kernel, *code);
    run.execute();
    run.checkMemory();
    for (auto [i, result] : llvm::enumerate(run.results)) {
      if (first.size() == i) {
        first.push_back(result.contents());
        run.compareResult(i, c);
      } else {
        EXPECT_TRUE(first[i] == result.contents()) << "result " << i << " depends on the order";
      }
    }
  }
}

std::vector<std::vector<sim::Finding>> test::simulateChecked(const KernelCase &c, const PreparedCase &prepared,
                                                             const DeviceKernel &kernel) {
  using sim::ThreadOrder;
  std::unique_ptr<sim::Code> code = load(kernel.device);
  if (!code)
    return {};
  std::vector<std::vector<sim::Finding>> findings;
  for (ThreadOrder order : {ThreadOrder::Forward, ThreadOrder::Reverse, ThreadOrder::Random}) {
    sim::EngineOptions options = {.checked = true, .order = order, .seed = 2, .watchdogSeconds = 1};
    Run run({"checked", options}, prepared, kernel, *code);
    run.execute();
    run.checkMemory();
    for (unsigned i = 0; i < run.results.size(); ++i)
      run.compareResult(i, c);
    findings.push_back(run.findings());
  }
  return findings;
}
