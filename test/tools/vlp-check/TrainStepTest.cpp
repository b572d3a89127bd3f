// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the compiled training step of every architecture: a run that is stopped and resumed is the uninterrupted one,
// and bf16 on a simulated GPU follows f32 on the CPU.
#include "models/Models.h"
#include "passes/Pipelines/Registration.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "tools/vlp-check/Device.h"
#include "tools/vlp-check/RandomInputs.h"
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

static constexpr int64_t kBatch = 4;

namespace {
class TrainStepTest : public testing::TestWithParam<const models::Architecture *> {
protected:
  TrainStepTest() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {}

  void SetUp() override {
    registerTargets();
    std::string preset = GetParam()->getName().str() + "/tiny";
    auto built = GetParam()->build(&context, preset, {}, {{"train", {{"batch", kBatch}}}});
    ASSERT_TRUE(bool(built)) << llvm::toString(built.takeError());
    module = std::move(*built);
  }

  CompiledModel compile(const Device &device) {
    FailureOr<CompiledModel> compiled = compileModel(*module, getCompileOptions(device));
    EXPECT_TRUE(succeeded(compiled));
    return std::move(*compiled);
  }

  /// Initial state is that of seed 1.
  LoadedModel prepare(const CompiledModel &compiled, const Device &device) {
    auto loaded = load(compiled, device);
    EXPECT_TRUE(bool(loaded)) << llvm::toString(loaded.takeError());
    loaded->session->initialize(1);
    return std::move(*loaded);
  }

  void step(LoadedModel &model, uint64_t number) {
    Arrays<double> inputs = makeRandomInputs(module->lookupSymbol<func::FuncOp>("train"), 100 + number);
    for (auto &[name, array] : inputs) {
      auto memory = model.session->input("train", name);
      ASSERT_TRUE(memory) << memory.status().message();
      ASSERT_FALSE(bool(writeTensor(*memory, array, name)));
    }
    Status status = model.session->run("train");
    ASSERT_TRUE(status) << status.message();
  }

  double readOutput(LoadedModel &model, const std::string &name) {
    auto memory = model.session->output("train", name);
    EXPECT_TRUE(memory) << memory.status().message();
    float value;
    std::memcpy(&value, memory->data(), sizeof value);
    return value;
  }

  /// A state tensor's elements.
  static std::vector<double> readState(LoadedModel &model, const format::Tensor &tensor) {
    auto bytes = model.session->readState(tensor.name());
    EXPECT_TRUE(bytes) << bytes.status().message();
    Array<double> array = readTensor<double>(*bytes, tensor);
    if (array.isInteger())
      return {array.ints.begin(), array.ints.end()};
    return array.values;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }
};

/// The distance of f32 numbers next to 1, up to twice.
constexpr double kUnit = 0x1p-22;

double getLargest(const std::vector<double> &a) {
  double largest = 0;
  for (double value : a)
    largest = std::max(largest, std::fabs(value));
  return largest;
}

double getLargestDifference(const std::vector<double> &a, const std::vector<double> &b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::fabs(a[i] - b[i]));
  return largest;
}
} // namespace

TEST_P(TrainStepTest, ResumedRunIsTheUninterruptedOne) {
  Device cpu{DeviceKind::Cpu};
  CompiledModel model = compile(cpu);
  LoadedModel whole = prepare(model, cpu), first = prepare(model, cpu), second = prepare(model, cpu);
  second.session->initialize(2);
  std::string path =
      (std::filesystem::path(testing::TempDir()) / ("vlp_step_" + GetParam()->getName() + ".safetensors").str());
  for (uint64_t number = 0; number < 10; ++number)
    step(whole, number);
  for (uint64_t number = 0; number < 5; ++number)
    step(first, number);
  ASSERT_TRUE(saveCheckpoint(*first.session, path));
  ASSERT_TRUE(loadCheckpoint(*second.session, path, LoadMode::Full));
  std::filesystem::remove(path);
  for (uint64_t number = 5; number < 10; ++number)
    step(second, number);
  bool moved = false;
  for (const format::StateTensor &state : whole.module->manifest().state()) {
    std::vector<double> end = readState(whole, state.tensor());
    EXPECT_EQ(end, readState(second, state.tensor())) << state.tensor().name();
    moved |= end != readState(first, state.tensor());
  }
  EXPECT_TRUE(moved);
  EXPECT_EQ(*whole.session->counter("train.step"), 10);
}

// One step from equal state. Losses and the gradient's norm follow within a few roundings of bf16; a parameter's first
// step of AdamW is at most the learning rate either way; what the model carries along follows within the rounding of
// features; averages are computed in f32.
TEST_P(TrainStepTest, BF16OnASimulatedGPUFollowsF32OnTheCPU) {
  Device cpu{DeviceKind::Cpu}, gpu{DeviceKind::Gpu};
  LoadedModel exact = prepare(compile(cpu), cpu);
  gpu.name = "sim:checked";
  gpu.precision = Precision::BF16;
  LoadedModel rounded = prepare(compile(gpu), gpu);
  step(exact, 0);
  step(rounded, 0);
  auto entry = exact.module->entry("train");
  ASSERT_TRUE(entry);
  for (const format::Tensor &output : (*entry)->outputs()) {
    if (output.dtype() != format::F32 || output.shape_size())
      continue;
    double expected = readOutput(exact, output.name());
    double bound = output.name() == "grad_norm" ? 0.05 : 0x1p-6;
    EXPECT_NEAR(readOutput(rounded, output.name()), expected, bound * std::fabs(expected)) << output.name();
  }
  double rate = readOutput(exact, "learning_rate");
  EXPECT_GT(rate, 0);
  for (const format::StateTensor &state : exact.module->manifest().state()) {
    std::vector<double> a = readState(exact, state.tensor()), b = readState(rounded, state.tensor());
    double difference = getLargestDifference(a, b);
    const std::string &name = state.tensor().name();
    if (state.kind() == format::StateTensor::PARAMETER)
      EXPECT_LE(difference, 2.001 * (state.trainable() ? rate : 0) + kUnit * getLargest(a)) << name;
    else if (state.kind() == format::StateTensor::BUFFER)
      EXPECT_LE(difference, 0.03) << name;
    else if (state.kind() == format::StateTensor::COUNTER)
      EXPECT_EQ(difference, 0) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, TrainStepTest, testing::ValuesIn(models::getArchitectures().vec()),
                         [](const auto &info) { return info.param->getName().str(); });
