// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiled file as the runtime reads it back.
#include "passes/Package/Package.h"
#include "dialect/Plan/Plan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "runtime/format/Container.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;

static const char *plannedText = R"(
module attributes {vlp.model = "toy", vlp.architecture = "clip", vlp.config = {width = 8 : i64, scale = 0.5 : f64},
    vlp.preprocessing = {image_size = 32 : i64, context_length = 20 : i64, vocabulary_size = 512 : i64,
        mean = array<f32: 0.5, 0.25, 0.125>, std = array<f32: 1.0, 2.0, 3.0>}, vlp.aliases = {"old.p" = "p"}} {
  plan.state parameter @p : tensor<2x4xf32> at <state, 0, 32> {init = #vlp.init<normal, 0.0 : f64, 0.125 : f64>, trainable, decay}
  plan.state counter @"train.step" : tensor<i32> at <state, 64, 4> {init = #vlp.init<constant, 3.0 : f64, 0.0 : f64>}
  plan.state scalar @"train.lr" : tensor<f32> at <state, 128, 4> {init = #vlp.init<constant, 0.001 : f64, 0.0 : f64>, doc = "rate"}
  plan.constant dense<[1.0, 2.0]> : tensor<2xf32> at <constants, 0, 8>
  plan.constant dense<7> : tensor<3xi32> at <constants, 64, 12>
  plan.kernel @k "elementwise" stages [#plan.stage<"_a", ["in0", "part0"], 1>, #plan.stage<"", ["part0", "out0"], 1>] in_place [0, 0] {
  ^bb0(%x: tensor<8xf32>):
    %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
    ^bb0(%a: tensor<8xf32>):
      %b = vlp.gelu %a : (tensor<8xf32>) -> tensor<8xf32>
      vlp.yield %b : tensor<8xf32>
    }
  }
  plan.entry @train inputs [#plan.tensor<"x", tensor<8xf32>, <input, 0, 32, 0>>]
      outputs [#plan.tensor<"y", tensor<8xf32>, <output, 0, 32, 2>>, #plan.tensor<"finite", tensor<i32>, <output, 64, 4, 3>>]
      initial [#plan.slot<state, 64, 4, 3>] final [#plan.slot<state, 64, 4, 3>] arena 64 input 64 output 128 options {batch = 2 : i64} finite "finite" {
    plan.launch @k stage 0 [#plan.slot<input, 0, 32, 0>, #plan.slot<arena, 0, 48, 1>] {tasks = 5 : i64, scratch = 128 : i64, written = 1 : i64, layer = "visual", flops = 2.0 : f64, bytes = 64.0 : f64, backward}
    plan.launch @k stage 1 [#plan.slot<arena, 0, 48, 1>, #plan.slot<output, 0, 32, 2>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "visual", flops = 0.0 : f64, bytes = 0.0 : f64}
    plan.copy #plan.slot<state, 64, 4, 3> to #plan.slot<output, 64, 4, 3> {layer = "train"}
  }
})";

namespace {
class PackageTest : public ::testing::Test {
protected:
  PackageTest() {
    context.loadDialect<VLPDialect, plan::PlanDialect, func::FuncDialect>();
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) { errors += diagnostic.str() + "\n"; });
  }

  OwningOpRef<ModuleOp> parse(StringRef text) { return parseSourceString<ModuleOp>(text, &context); }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::string errors;
};

TEST_F(PackageTest, EverythingArrives) {
  OwningOpRef<ModuleOp> module = parse(plannedText);
  ASSERT_TRUE(module);
  CodeBlob code{"cpu",
                "x86-64-v4",
                {"avx512f", "fma"},
                std::string("\x7f"
                            "ELF",
                            4)};
  FailureOr<std::string> bytes = packageModel({{*module, code}}, {"0.1.0"});
  ASSERT_TRUE(succeeded(bytes)) << errors;
  auto container = format::Container::parse(std::vector<char>(bytes->begin(), bytes->end()), "toy.vlp");
  ASSERT_TRUE(container) << container.status().message();
  const format::Manifest &m = container->manifest();
  EXPECT_EQ(m.model(), "toy");
  EXPECT_EQ(m.architecture(), "clip");
  EXPECT_EQ(m.compiler_version(), "0.1.0");
  EXPECT_EQ(m.config().at("width"), 8);
  EXPECT_EQ(m.config().at("scale"), 0.5);
  EXPECT_EQ(m.aliases().at("old.p"), "p");
  EXPECT_EQ(m.preprocessing().context_length(), 20u);
  EXPECT_EQ(m.preprocessing().vocabulary_size(), 512u);
  ASSERT_EQ(m.preprocessing().mean_size(), 3);
  EXPECT_EQ(m.preprocessing().std(2), 3.0f);
  EXPECT_EQ(m.world_size(), 1u);
  ASSERT_EQ(m.state_size(), 3);
  EXPECT_EQ(m.state(0).init().kind(), format::Initializer::NORMAL);
  EXPECT_EQ(m.state(0).init().b(), 0.125);
  EXPECT_TRUE(m.state(0).trainable() && m.state(0).decay());
  EXPECT_EQ(m.state(1).kind(), format::StateTensor::COUNTER);
  EXPECT_EQ(m.state(1).tensor().dtype(), format::I32);
  EXPECT_EQ(m.state(2).doc(), "rate");
  EXPECT_EQ(m.state_bytes(), 192u);
  ASSERT_EQ(m.programs(0).kernels_size(), 2);
  EXPECT_EQ(m.programs(0).kernels(0).name(), "k_a");
  EXPECT_EQ(m.programs(0).kernels(1).name(), "k");
  ASSERT_EQ(m.programs(0).entries_size(), 1);
  const format::Entry &entry = m.programs(0).entries(0);
  EXPECT_EQ(entry.options().at("batch"), 2);
  EXPECT_TRUE(entry.writes_state());
  EXPECT_EQ(entry.finite_flag(), "finite");
  ASSERT_EQ(entry.ops_size(), 3);
  const format::Launch &launch = entry.ops(0).launch();
  EXPECT_EQ(launch.kernel(), 0u);
  EXPECT_EQ(launch.tasks(), 5);
  EXPECT_EQ(launch.scratch(), 128u);
  ASSERT_EQ(launch.results_size(), 1);
  EXPECT_EQ(launch.results(0), format::Launch::OTHER); // a partial
  EXPECT_TRUE(launch.backward());
  EXPECT_EQ(launch.args(1).region(), format::ARENA);
  EXPECT_EQ(entry.ops(1).launch().kernel(), 1u);
  ASSERT_EQ(entry.ops(1).launch().results_size(), 1);
  EXPECT_EQ(entry.ops(1).launch().results(0), format::Launch::FLOAT32);
  EXPECT_EQ(entry.ops(2).copy().dst().offset(), 64u);
  ASSERT_EQ(m.programs_size(), 1);
  EXPECT_EQ(m.programs(0).features(1), "fma");
  auto section = container->section(m.programs(0).section());
  ASSERT_TRUE(section);
  EXPECT_EQ(std::string(section->begin(), section->end()), code.bytes);
  auto constants = container->section(0);
  ASSERT_TRUE(constants);
  EXPECT_EQ(constants->size(), 76u);
  float second;
  std::memcpy(&second, constants->data() + 4, 4);
  EXPECT_EQ(second, 2.0f);
  for (int i = 0; i < 3; ++i) {
    int32_t splat;
    std::memcpy(&splat, constants->data() + 64 + 4 * i, 4);
    EXPECT_EQ(splat, 7);
  }
}

TEST_F(PackageTest, EqualInputGivesEqualBytes) {
  CodeBlob code{"cpu", "x86-64-v4"};
  OwningOpRef<ModuleOp> firstPlan = parse(plannedText);
  FailureOr<std::string> first = packageModel({{*firstPlan, code}}, {"0.1.0"});
  MLIRContext other(MLIRContext::Threading::DISABLED);
  other.loadDialect<VLPDialect, plan::PlanDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> secondPlan = parseSourceString<ModuleOp>(plannedText, &other);
  FailureOr<std::string> second = packageModel({{*secondPlan, code}}, {"0.1.0"});
  ASSERT_TRUE(succeeded(first) && succeeded(second)) << errors;
  EXPECT_EQ(*first, *second);
}

TEST_F(PackageTest, AllProblemsAreReported) {
  OwningOpRef<ModuleOp> module = parse(R"(
module attributes {vlp.model = 3 : i64, vlp.config = {width = "wide"}, vlp.preprocessing = {mean = 0.5 : f64}} {
  func.func private @left()
})");
  ASSERT_TRUE(module);
  EXPECT_TRUE(failed(packageModel({{*module, {"cpu", "x86-64-v4"}}}, {})));
  EXPECT_NE(errors.find("expected 'vlp.model' to be a string, got 3"), std::string::npos) << errors;
  EXPECT_NE(errors.find("expected numbers in 'vlp.config'"), std::string::npos) << errors;
  EXPECT_NE(errors.find("expected 'mean' to be an array<f32>"), std::string::npos) << errors;
  EXPECT_NE(errors.find("expected a module of plan ops, got 'func.func'"), std::string::npos) << errors;
}
} // namespace
