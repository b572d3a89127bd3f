// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the reverse sweep as a whole: sums over the uses of a weight, frozen parameters, stopped gradients,
// determinism.
#include "GradientCheck.h"
#include "passes/Autodiff/Activity.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

namespace {

/// Gradients of a case at given parameter values, for a fixed projection.
Arrays gradientsOf(const GradientCase &gradientCase, MLIRContext &context, const State<double> &values) {
  OwningOpRef<ModuleOp> module = parseModule(getModuleText(gradientCase), context);
  auto function = module->lookupSymbol<func::FuncOp>("function");
  Array<double> projection(cast<RankedTensorType>(function.getArgumentTypes().front()));
  fillUniform(projection, "projection", -1, 1);
  EXPECT_TRUE(succeeded(differentiate(function)));
  return runGradients(*module, "function", projection, values).value_or(Arrays());
}

State<double> valuesOf(const GradientCase &gradientCase, MLIRContext &context) {
  return makeState(gradientCase, *parseModule(getModuleText(gradientCase), context));
}

std::string textOf(Operation *op) {
  std::string text;
  llvm::raw_string_ostream out(text);
  op->print(out, OpPrintingFlags().enableDebugInfo());
  return text;
}

} // namespace

// A weight that is used k times gets the sum of what k copies of it would get.
TEST(Autodiff, SharedWeightIsTheSumOfItsCopies) {
  auto context = makeContext();
  for (unsigned uses : {1, 2, 5}) {
    GradientCase shared = makeSharedWeightCase(uses), copied = makeCopiedWeightCase(uses);
    State<double> values = valuesOf(shared, *context), copies = values;
    for (unsigned i = 0; i < uses; ++i)
      copies["w" + std::to_string(i)] = values["w"];
    Arrays expected = {{"w", values["w"]}};
    expected["w"].values.assign(9, 0);
    for (auto &[name, gradient] : gradientsOf(copied, *context, copies))
      for (int64_t i = 0; i < gradient.size(); ++i)
        expected["w"].values[i] += gradient[i];
    EXPECT_EQ(compare(gradientsOf(shared, *context, values), expected, 1e-14), "");
    GradientCheck check(shared, *context);
    EXPECT_EQ(check.run({}, true), "");
  }
}

// An entry that happens to read a parameter twice gets one gradient for it.
TEST(Autodiff, TwoReadsOfOneParameterAreSummed) {
  auto context = makeContext();
  GradientCase twice = {
      "two reads", {{"x", "3"}}, "%z = vlp.read @x : <3>\n%y = vlp.mul %x, %z : (<3>, <3>) -> <3>", "3"};
  EXPECT_EQ(GradientCheck(twice, *context).run(), "");
}

// What freezing removes is work, not exactness: the others' gradients keep their bits.
TEST(Autodiff, FreezingLeavesOtherGradientsAlone) {
  auto context = makeContext();
  GradientCase all = makeCopiedWeightCase(4);
  State<double> values = valuesOf(all, *context);
  Arrays expected = gradientsOf(all, *context, values);
  GradientCase some = all;
  some.inputs[1].trainable = some.inputs[3].trainable = false;
  Arrays actual = gradientsOf(some, *context, values);
  ASSERT_EQ(actual.size(), 2u);
  for (std::string name : {"w1", "w3"})
    EXPECT_EQ(actual[name].values, expected[name].values);
}

// Frozen prefixes cost nothing: no backward op for them.
TEST(Autodiff, FrozenPrefixHasNoBackward) {
  auto context = makeContext();
  GradientCase chain = makeCopiedWeightCase(4);
  auto countBackward = [&] {
    OwningOpRef<ModuleOp> module = parseModule(getModuleText(chain), *context);
    EXPECT_TRUE(succeeded(differentiate(module->lookupSymbol<func::FuncOp>("function"))));
    std::map<std::string, unsigned> counts;
    module->walk([&](Operation *op) { counts[op->getName().getStringRef().str()] += op->hasAttr(kBackwardAttr); });
    return counts;
  };
  EXPECT_EQ(countBackward()["vlp.matmul"], 4u + 3u); // w0..w3, and the inputs of the last three
  chain.inputs[1].trainable = chain.inputs[2].trainable = false;
  EXPECT_EQ(countBackward()["vlp.matmul"], 2u + 1u);
  chain.inputs[3].trainable = false;
  EXPECT_EQ(countBackward()["vlp.matmul"], 1u);
}

// The branch under stop_gradient is a constant to the gradient, but not to the value.
TEST(Autodiff, StopGradientCutsOneBranch) {
  auto context = makeContext();
  GradientCase stopped = {
      "stop", {{"x", "3"}}, "%s = vlp.stop_gradient %x : (<3>) -> <3>\n%y = vlp.mul %x, %s : (<3>, <3>) -> <3>", "3"};
  State<double> values = valuesOf(stopped, *context);
  Arrays gradients = gradientsOf(stopped, *context, values);
  Array<double> weights = values["x"];
  fillUniform(weights, "projection", -1, 1);
  for (int64_t i = 0; i < 3; ++i)
    EXPECT_DOUBLE_EQ(gradients["x"][i], values["x"][i] * weights[i]);
}

// Differentiating twice gives the same text, and that text runs to the same bits.
TEST(Autodiff, IsDeterministic) {
  for (const GradientCase &gradientCase : getGradientCases()) {
    auto first = makeContext(), second = makeContext();
    std::string texts[2];
    for (int i : {0, 1}) {
      MLIRContext &context = i ? *second : *first;
      OwningOpRef<ModuleOp> module = parseModule(getModuleText(gradientCase), context);
      ASSERT_TRUE(succeeded(differentiate(module->lookupSymbol<func::FuncOp>("function")))) << gradientCase.name;
      texts[i] = textOf(*module);
    }
    EXPECT_EQ(texts[0], texts[1]);
    State<double> values = valuesOf(gradientCase, *first);
    Arrays a = gradientsOf(gradientCase, *first, values), b = gradientsOf(gradientCase, *first, values);
    for (auto &[name, gradient] : a)
      EXPECT_EQ(gradient.values, b[name].values) << gradientCase.name;
  }
}

// The rules are exact in f32 too, up to its rounding.
TEST(Autodiff, GradientsInSinglePrecisionAreClose) {
  auto context = makeContext();
  for (const GradientCase &gradientCase : getGradientCases()) {
    OwningOpRef<ModuleOp> module = parseModule(getModuleText(gradientCase), *context);
    auto function = module->lookupSymbol<func::FuncOp>("function");
    ASSERT_TRUE(succeeded(differentiate(function)));
    State<double> values = makeState(gradientCase, *module);
    Array<double> projection(cast<RankedTensorType>(function.getArgumentTypes().front()));
    fillUniform(projection, "projection", -1, 1);
    State<float> single;
    auto toSingle = [](const Array<double> &from) {
      Array<float> to;
      to.shape = from.shape;
      to.values.assign(from.values.begin(), from.values.end());
      return to;
    };
    for (auto &[name, array] : values)
      single[name] = toSingle(array);
    auto expected = Interpreter<double>(*module).run("function", projection, values);
    auto actual = Interpreter<float>(*module).run("function", toSingle(projection), single);
    ASSERT_TRUE(succeeded(expected) && succeeded(actual)) << gradientCase.name;
    double tolerance = gradientCase.name == "cast" ? 1e-2 : 1e-5; // bf16 keeps 8 bits
    for (size_t r = 0; r < expected->size(); ++r)
      for (size_t i = 0; i < (*expected)[r].values.size(); ++i)
        EXPECT_NEAR((*actual)[r].values[i], (*expected)[r].values[i],
                    tolerance * (1 + std::abs((*expected)[r].values[i])))
            << gradientCase.name;
  }
}
