// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A whole CLIP training step: kernels and plan compute, bit for bit, what the graph computed.
#include "mlir/Pass/PassManager.h"
#include "models/Models.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Plan/Passes.h"
#include "test/passes/Kernels/RandomGraph.h"
#include "test/passes/Plan/PlanRunner.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

namespace {
class ClipPlanTest : public ::testing::TestWithParam<std::tuple<const char *, Precision>> {
protected:
  ClipPlanTest() {
    context.loadDialect<VLPDialect, plan::PlanDialect, func::FuncDialect>();
    context.getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        ADD_FAILURE() << diagnostic.str();
    });
  }

  OwningOpRef<ModuleOp> buildModel(StringRef entry) {
    auto architecture = models::findPreset("clip/tiny");
    if (!architecture)
      return {};
    models::Settings settings = {{"vision.width", "16"}, {"vision.heads", "2"}, {"text.width", "16"},
                                 {"text.heads", "2"},    {"vocab", "300"},      {"embed", "8"}};
    auto module = (*architecture)->build(&context, "clip/tiny", settings, {{entry.str(), {{"batch", 3}}}});
    if (!module) {
      ADD_FAILURE() << llvm::toString(module.takeError());
      return {};
    }
    return std::move(*module);
  }

  LogicalResult run(ModuleOp module, Stage stage) {
    PipelineOptions options;
    options.target = "generic";
    options.precision = std::get<1>(GetParam());
    PassManager manager(&context);
    buildPipeline(manager, stage, options);
    return manager.run(module);
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
};

TEST_P(ClipPlanTest, PlanComputesWhatTheGraphDoes) {
  std::string name = std::get<0>(GetParam());
  OwningOpRef<ModuleOp> module = buildModel(name);
  ASSERT_TRUE(module && succeeded(run(*module, Stage::Graph)));
  std::vector<Array<float>> inputs = drawInputs(module->lookupSymbol<func::FuncOp>(name), 1);
  State<float> before = drawState(*module, 2), after = before;
  auto expected = Interpreter<float>(*module).run(name, inputs, before);
  ASSERT_TRUE(succeeded(expected));
  ASSERT_TRUE(succeeded(run(*module, Stage::Kernels)) && succeeded(run(*module, Stage::Plan)));
  PassManager checker(&context);
  checker.addPass(createVerifyPlan());
  ASSERT_TRUE(succeeded(checker.run(*module)));
  std::vector<Array<float>> results = runPlan(*module, name, inputs, after);
  for (auto [index, pair] : llvm::enumerate(llvm::zip_equal(*expected, results)))
    EXPECT_TRUE(haveEqualBits(std::get<0>(pair), std::get<1>(pair))) << "output " << index;
  for (auto &[symbol, value] : before)
    EXPECT_TRUE(haveEqualBits(value, after.at(symbol))) << symbol;
}

INSTANTIATE_TEST_SUITE_P(Entries, ClipPlanTest,
                         ::testing::Combine(::testing::Values("train", "encode_image", "encode_text", "gradients"),
                                            ::testing::Values(Precision::F32, Precision::BF16)),
                         [](const auto &info) {
                           bool narrow = std::get<1>(info.param) == Precision::BF16;
                           return std::string(std::get<0>(info.param)) + (narrow ? "_bf16" : "_f32");
                         });
} // namespace
