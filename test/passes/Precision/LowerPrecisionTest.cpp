// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what mixed precision must not change: the meaning in f64, what kernels compute, state in f32; and what it must
// achieve: a training step near that in f32, less memory traffic.
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "models/Models.h"
#include "passes/Kernels/Passes.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Precision/Passes.h"
#include "test/passes/Kernels/RandomGraph.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

namespace {

class LowerPrecisionTest : public testing::Test {
protected:
  LowerPrecisionTest() {
    context.loadDialect<VLPDialect, func::FuncDialect>();
    context.getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        ADD_FAILURE() << diagnostic.str();
    });
  }

  void lower(ModuleOp module) {
    PassManager manager(&context);
    manager.addNestedPass<func::FuncOp>(createLowerPrecision());
    ASSERT_TRUE(succeeded(manager.run(module)));
    ASSERT_TRUE(succeeded(verify(module)));
  }

  OwningOpRef<ModuleOp> buildStep(Precision precision, ArrayRef<Stage> stages, int64_t batch = 3) {
    auto architecture = models::findPreset("clip/tiny");
    auto module = (*architecture)->build(&context, "clip/tiny", {}, {{"train", {{"batch", batch}}}});
    if (!module) {
      ADD_FAILURE() << llvm::toString(module.takeError());
      return {};
    }
    PipelineOptions options;
    options.precision = precision;
    for (Stage stage : stages) {
      PassManager manager(&context);
      buildPipeline(manager, stage, options);
      EXPECT_TRUE(succeeded(manager.run(**module)));
    }
    return std::move(*module);
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
};

template <typename To, typename From>
Array<To> convert(const Array<From> &array) {
  Array<To> result;
  result.shape = array.shape;
  result.values.assign(array.values.begin(), array.values.end());
  result.ints = array.ints;
  return result;
}

template <typename To>
State<To> convertState(const State<float> &state) {
  State<To> result;
  for (auto &[name, array] : state)
    result[name] = convert<To>(array);
  return result;
}

/// Results and new state of an entry.
template <typename T>
std::vector<Array<T>> runEntry(ModuleOp module, StringRef name, const std::vector<Array<float>> &inputs,
                               State<T> &state) {
  std::vector<Array<T>> converted;
  for (const Array<float> &input : inputs)
    converted.push_back(convert<T>(input));
  auto results = Interpreter<T>(module).run(name, converted, state);
  EXPECT_TRUE(succeeded(results));
  return succeeded(results) ? *results : std::vector<Array<T>>();
}

double norm(const Array<float> &a) {
  double sum = 0;
  for (float x : a.values)
    sum += double(x) * x;
  return std::sqrt(sum);
}

double distance(const Array<float> &a, const Array<float> &b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a.values, b.values))
    sum += (double(x) - y) * (double(x) - y);
  return std::sqrt(sum);
}

bool isNarrow(Type type) { return cast<RankedTensorType>(type).getElementType().isBF16(); }

} // namespace

TEST_F(LowerPrecisionTest, RandomGraphsKeepTheirMeaningInF64) {
  int products = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    OwningOpRef<ModuleOp> module = makeRandomModule(context, seed, 40, /*withProducts=*/true);
    ASSERT_TRUE(module);
    auto entry = module->lookupSymbol<func::FuncOp>("main");
    std::vector<Array<float>> inputs = drawInputs(entry, seed);
    State<double> before = convertState<double>(drawState(*module, seed)), after = before;
    auto expected = runEntry<double>(*module, "main", inputs, before);
    lower(*module);
    auto results = runEntry<double>(*module, "main", inputs, after);
    for (auto [a, b] : llvm::zip_equal(expected, results))
      EXPECT_TRUE(a.values == b.values && a.ints == b.ints) << "seed " << seed;
    for (auto &[name, value] : before)
      EXPECT_EQ(value.values, after.at(name).values) << name << ", seed " << seed;
    entry.walk([&](Operation *op) {
      products += isa<LinearOp, MatmulOp, AttentionOp>(op) && isNarrow(op->getOperand(0).getType());
    });
  }
  EXPECT_GT(products, 400) << "the graphs should have products to lower";
}

// Kernels round where the ops rounded: whatever is fused, the bits are the same.
TEST_F(LowerPrecisionTest, KernelsOfLoweredRandomGraphsAreExact) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    OwningOpRef<ModuleOp> module = makeRandomModule(context, seed, 40, /*withProducts=*/true);
    ASSERT_TRUE(module);
    lower(*module);
    std::vector<Array<float>> inputs = drawInputs(module->lookupSymbol<func::FuncOp>("main"), seed);
    State<float> before = drawState(*module, seed), after = before;
    auto expected = runEntry<float>(*module, "main", inputs, before);
    PassManager manager(&context);
    buildKernelPipeline(manager);
    ASSERT_TRUE(succeeded(manager.run(*module)) && succeeded(verify(*module)));
    auto results = runEntry<float>(*module, "main", inputs, after);
    for (auto [a, b] : llvm::zip_equal(expected, results))
      EXPECT_TRUE(haveEqualBits(a, b)) << "seed " << seed;
    for (auto &[name, value] : before)
      EXPECT_TRUE(haveEqualBits(value, after.at(name))) << name << ", seed " << seed;
  }
}

TEST_F(LowerPrecisionTest, TrainingStepIsExactInF64AndNearInF32) {
  OwningOpRef<ModuleOp> wide = buildStep(Precision::F32, {Stage::Graph}),
                        mixed = buildStep(Precision::BF16, {Stage::Graph});
  auto entry = wide->lookupSymbol<func::FuncOp>("train");
  std::vector<Array<float>> inputs = drawInputs(entry, 1);
  for (size_t i = 0; i < inputs[1].ints.size(); ++i)
    inputs[1].ints[i] = static_cast<int32_t>((7 * i + 3) % 61);
  for (size_t i = 0; i < inputs[2].ints.size(); ++i)
    inputs[2].ints[i] = static_cast<int32_t>(i);
  State<float> start = drawState(*wide, 2);
  for (auto &[name, array] : start) // gains near 1, as in trained models
    for (float &value : array.values)
      value = StringRef(name).contains("ln_") && StringRef(name).ends_with("weight") ? 1 + value / 4 : value / 4;
  addConstantState(*wide, start);

  State<double> wide64 = convertState<double>(start), mixed64 = wide64;
  auto expected64 = runEntry<double>(*wide, "train", inputs, wide64);
  auto results64 = runEntry<double>(*mixed, "train", inputs, mixed64);
  for (auto [a, b] : llvm::zip_equal(expected64, results64))
    EXPECT_EQ(a.values, b.values);
  for (auto &[name, value] : wide64)
    EXPECT_EQ(value.values, mixed64.at(name).values) << name;

  State<float> wide32 = start, mixed32 = start;
  auto expected = runEntry<float>(*wide, "train", inputs, wide32);
  auto results = runEntry<float>(*mixed, "train", inputs, mixed32);
  EXPECT_EQ(results.back().ints.front(), 1) << "the step should be finite";
  EXPECT_LT(distance(expected[0], results[0]), 0.02 * norm(expected[0])) << "loss";
  EXPECT_NE(expected[0].values, results[0].values) << "bf16 should round something";
  // The first moments after one step from zero are the gradients, scaled. A key's bias has none but for rounding, which
  // its third of an input projection's bias keeps small.
  double error = 0, all = 0;
  for (auto &[name, value] : wide32) {
    if (!StringRef(name).starts_with("adam.m/"))
      continue;
    double own = distance(value, mixed32.at(name));
    EXPECT_LT(own, 0.1 * norm(value)) << name;
    error += own * own;
    all += norm(value) * norm(value);
  }
  EXPECT_LT(std::sqrt(error), 0.04 * std::sqrt(all));
  EXPECT_GT(std::sqrt(error), 1e-4 * std::sqrt(all));
}

TEST_F(LowerPrecisionTest, TrainingStepComputesOnBF16AndKeepsStateInF32) {
  OwningOpRef<ModuleOp> module = buildStep(Precision::BF16, {Stage::Graph});
  auto entry = module->lookupSymbol<func::FuncOp>("train");
  unsigned narrowProducts = 0;
  SmallVector<std::string> wideProducts;
  llvm::DenseMap<Value, int> casts;
  entry.walk([&](Operation *op) {
    if (isa<LinearOp, MatmulOp, PatchEmbedOp, AttentionOp, AttentionGradOp>(op)) {
      if (isNarrow(op->getOperand(0).getType()))
        ++narrowProducts;
      else
        wideProducts.push_back(getLayerName(op->getLoc()));
    }
    if (auto cast = dyn_cast<CastOp>(op); cast && cast.getInput().getDefiningOp<ReadOp>())
      ++casts[cast.getInput()];
    if (auto norm = dyn_cast<LayerNormOp>(op))
      EXPECT_FALSE(isNarrow(norm.getInput().getType())) << "the residual stream";
    if (isa<AdamWOp, WriteOp, GlobalNormOp, func::ReturnOp>(op))
      EXPECT_TRUE(llvm::none_of(op->getOperandTypes(), isNarrow)) << op->getName().getStringRef().str();
  });
  // Per block and tower: four linears with two gradients each, attention and its gradient. The stem's gradient is for
  // its weight alone.
  EXPECT_EQ(narrowProducts, 2u * 2 * (4 * 3 + 2) + 2 + 2 * 3);
  EXPECT_EQ(wideProducts, SmallVector<std::string>(3, "logits"));
  EXPECT_EQ(casts.size(), 2u * 2 * 4 + 3) << "one for each weight";
  for (auto [read, count] : casts)
    EXPECT_EQ(count, 1) << getLayerName(read.getLoc());
}

// Operands and results of all kernels; what is read twice counts twice.
static double getTraffic(ModuleOp module) {
  double bytes = 0;
  module.walk([&](KernelOp kernel) {
    if (kernel.getAnchor() != "adamw") // state: the same in all precisions
      bytes += getCompulsoryBytes(kernel);
  });
  return bytes;
}

TEST_F(LowerPrecisionTest, KernelsStoreNothingInF32ThatIsStoredInBF16ButStreamsAndWeights) {
  constexpr int64_t kBatch = 128; // activations outweigh weights, as in training
  OwningOpRef<ModuleOp> wide = buildStep(Precision::F32, {Stage::Graph, Stage::Kernels}, kBatch),
                        mixed = buildStep(Precision::BF16, {Stage::Graph, Stage::Kernels}, kBatch);
  unsigned both = 0;
  mixed->walk([&](KernelOp kernel) {
    auto yields = kernel.getBody().front().getTerminator()->getOperands();
    for (Value value : yields)
      if (auto cast = value.getDefiningOp<CastOp>(); cast && llvm::is_contained(yields, cast.getInput())) {
        ++both;
        EXPECT_TRUE(cast.getInput().getDefiningOp<AccumulateOp>()) << getLayerName(kernel.getLoc());
      }
  });
  EXPECT_EQ(both, 2u * 3) << "the gradient of the residual stream between the norms of each tower's two blocks";
  EXPECT_LT(getTraffic(*mixed), 0.75 * getTraffic(*wide));
}
