// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the gradients of a whole model: a small CLIP against central differences in f64, before and after
// simplification; what freezing a tower removes.
#include "GradientCheck.h"
#include "mlir/Pass/PassManager.h"
#include "models/clip/Clip.h"
#include "passes/Autodiff/Activity.h"
#include "passes/Autodiff/Passes.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

namespace {

constexpr int64_t kBatch = 3;

models::ClipConfig smallClip() {
  models::ClipConfig config;
  config.image = 4, config.patch = 2, config.context = 5, config.vocabulary = 11, config.embed = 5;
  config.vision = {6, 2, 2, 7};
  config.text = {4, 2, 1, 9};
  return config;
}

class ModelGradient : public testing::Test {
protected:
  ModelGradient() {
    auto built = models::buildClip(context.get(), "clip/small", smallClip(), {{"gradients", {{"batch", kBatch}}}});
    EXPECT_TRUE(bool(built)) << llvm::toString(built.takeError());
    module = std::move(*built);
    for (auto &[name, type] : getStateTypes(*module)) {
      state[name] = Array<double>(type);
      // Away from zero for gains, as trained models are.
      bool isGain = StringRef(name).contains("ln_") && StringRef(name).ends_with("weight");
      fillUniform(state[name], name, isGain ? 0.5 : -0.8, isGain ? 1.5 : 0.8);
    }
    for (Type type : entry().getArgumentTypes())
      inputs.push_back(Array<double>(cast<RankedTensorType>(type)));
    fillUniform(inputs[0], "image", -1, 1);
    for (size_t i = 0; i < inputs[1].ints.size(); ++i)
      inputs[1].ints[i] = static_cast<int32_t>((7 * i + 3) % 11); // repeated ids, the largest at different places
  }

  func::FuncOp entry() { return module->lookupSymbol<func::FuncOp>("gradients"); }

  double lossAt(const State<double> &at) {
    State<double> copy = at;
    auto results = Interpreter<double>(*module).run("gradients", inputs, copy);
    return succeeded(results) ? (*results)[0].values[0] : NAN;
  }

  /// Gradients by the pipeline (or by the sweep alone) with some parameters frozen.
  Arrays gradients(ArrayRef<std::string> freeze = {}, bool pipeline = true) {
    differentiated = module->clone();
    PassManager manager(context.get());
    MarkTrainableOptions options;
    llvm::append_range(options.freeze, freeze);
    if (pipeline) {
      buildAutodiffPipeline(manager, options);
    } else {
      manager.addPass(createAutodiff());
    }
    EXPECT_TRUE(succeeded(manager.run(*differentiated)));
    return runGradients(*differentiated, "gradients", inputs, state).value_or(Arrays());
  }

  std::unique_ptr<MLIRContext> context = makeContext();
  OwningOpRef<ModuleOp> module, differentiated;
  State<double> state;
  std::vector<Array<double>> inputs;
};

} // namespace

TEST_F(ModelGradient, AgreesWithCentralDifferences) {
  constexpr double kStep = 1e-5, kTolerance = 1e-7;
  Arrays actual = gradients();
  EXPECT_EQ(actual.size(), state.size()) << "every parameter learns";
  for (auto &[name, gradient] : actual) {
    // Every parameter along two random directions, and element by element at a few places.
    std::vector<Array<double>> directions(2, gradient);
    fillUniform(directions[0], name + "first", -1, 1);
    fillUniform(directions[1], name + "second", -1, 1);
    for (int64_t element : {int64_t(0), gradient.size() / 2, gradient.size() - 1}) {
      directions.emplace_back(gradient);
      directions.back().values.assign(gradient.size(), 0);
      directions.back().values[element] = 1;
    }
    for (const Array<double> &direction : directions) {
      State<double> above = state, below = state;
      double slope = 0;
      for (int64_t i = 0; i < gradient.size(); ++i) {
        above[name].values[i] += kStep * direction[i];
        below[name].values[i] -= kStep * direction[i];
        slope += gradient[i] * direction[i];
      }
      double expected = (lossAt(above) - lossAt(below)) / (2 * kStep);
      EXPECT_NEAR(slope, expected, kTolerance * (1 + std::abs(expected))) << name;
    }
  }
}

// Constants fold in their own precision: the seed 1 / (2 batch) is rounded to f32, which the f64 interpreter shows
// (2^-24 relative).
TEST_F(ModelGradient, SimplificationChangesNoValueBeyondConstants) {
  Arrays plain = gradients({}, /*pipeline=*/false), simplified = gradients();
  ASSERT_EQ(simplified.size(), plain.size());
  for (auto &[name, gradient] : plain)
    for (int64_t i = 0; i < gradient.size(); ++i)
      EXPECT_NEAR(simplified[name][i], gradient[i], 0x1p-23 * std::abs(gradient[i]) + 1e-14)
          << name << ", element " << i;
}

// The gradients of query, key and value meet in one concat: no padded copies.
TEST_F(ModelGradient, FusedProjectionsGetOneConcat) {
  gradients();
  unsigned concats = 0;
  differentiated->walk([&](ConcatOp op) { concats += op->hasAttr(kBackwardAttr) && op.getInputs().size() == 3; });
  EXPECT_EQ(concats, 4u); // two layers a tower
  differentiated->walk([&](AccumulateOp op) {
    auto isPad = [](Value term) { return term.getDefiningOp<PadOp>() != nullptr; };
    EXPECT_LE(llvm::count_if(op.getInputs(), isPad), 1) << getLayerName(op.getLoc());
  });
}

// A frozen tower gets no backward op, and the other tower's gradients keep their bits.
TEST_F(ModelGradient, FrozenTowerCostsNothing) {
  Arrays all = gradients();
  Arrays some = gradients({"visual.*"});
  differentiated->walk([&](Operation *op) {
    if (op->hasAttr(kBackwardAttr))
      EXPECT_FALSE(StringRef(getLayerName(op->getLoc())).starts_with("visual")) << getLayerName(op->getLoc());
  });
  ASSERT_FALSE(some.empty());
  for (auto &[name, gradient] : all) {
    ASSERT_EQ(some.count(name), !StringRef(name).starts_with("visual"));
    if (some.count(name))
      EXPECT_EQ(gradient.values, some[name].values) << name;
  }
}
