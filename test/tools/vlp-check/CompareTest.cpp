// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that compare passes a good model, and that it names the first kernel that differs and writes it down.
#include "tools/vlp-check/Compare.h"
#include "models/Models.h"
#include "passes/Pipelines/Registration.h"
#include "tools/vlp-check/RandomInputs.h"
#include "tools/vlp-check/Reproducer.h"
#include <filesystem>
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

TEST(Compare, SmallModelAgrees) {
  std::string text;
  llvm::raw_string_ostream out(text);
  EXPECT_EQ(compareModel({{"clip/tiny", {{"train", {{"batch", 2}}}}, {}}, {}, ""}, out), 0) << text;
  EXPECT_NE(text.find("kernels agree"), std::string::npos) << text;
}

// Its mask holds infinities, which must neither fail nor allow whatever is beside them.
TEST(Compare, ModelWithAMaskAgrees) {
  std::string text;
  llvm::raw_string_ostream out(text);
  EXPECT_EQ(compareModel({{"coca/tiny", {{"train", {{"batch", 2}}}}, {}}, {}, ""}, out), 0) << text;
  EXPECT_NE(text.find("kernels agree"), std::string::npos) << text;
  EXPECT_EQ(text.find("inf"), std::string::npos) << text;
}

TEST(Compare, FirstDivergenceIsNamedAndReproduced) {
  DialectRegistry registry;
  registerDialects(registry);
  registerTargets();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto module =
      (*models::findPreset("clip/tiny"))->build(&context, "clip/tiny", {}, {{"encode_image", {{"batch", 2}}}});
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  Arrays<double> inputs = makeRandomInputs((*module)->lookupSymbol<func::FuncOp>("encode_image"), 1);
  auto compiled = compileModel(**module, {});
  ASSERT_TRUE(succeeded(compiled));
  auto loaded = load(*compiled);
  ASSERT_TRUE(bool(loaded)) << llvm::toString(loaded.takeError());
  loaded->session->initialize(1);

  // The interpreter gets another model than the one that was compiled.
  size_t index = 0, changed = 0;
  compiled->kernels.front()->walk([&](KernelOp kernel) {
    ++index;
    for (Operation &op : kernel.getBody().front())
      if (auto attention = dyn_cast<AttentionOp>(op); attention && !changed) {
        attention.setScaleAttr(FloatAttr::get(Float64Type::get(&context), 0.5));
        changed = index;
      }
  });
  ASSERT_GT(changed, 0u);
  auto comparison = compareEntry(*compiled->kernels.front(), *compiled->plans.front(), *loaded, "encode_image", inputs);
  ASSERT_TRUE(bool(comparison)) << llvm::toString(comparison.takeError());
  ASSERT_TRUE(comparison->first.has_value());
  EXPECT_EQ(comparison->first->kernel + 1, changed);
  EXPECT_GT(comparison->first->error, comparison->first->allowed);

  // The reproducer runs by itself.
  KernelOp kernel = *std::next(
      compiled->kernels.front()->lookupSymbol<func::FuncOp>("encode_image").getOps<KernelOp>().begin(), changed - 1);
  std::vector<Array<double>> operands;
  for (Value operand : kernel.getOperands()) {
    Array<double> array(cast<RankedTensorType>(operand.getType()));
    for (auto [i, value] : llvm::enumerate(array.values))
      value = float(i % 7) / 8;
    operands.push_back(array);
  }
  std::string path = (std::filesystem::path(testing::TempDir()) / "vlp_reproducer.mlir").string();
  ASSERT_FALSE(bool(writeReproducer(*makeReproducer(kernel, operands), path)));
  std::string text;
  llvm::raw_string_ostream out(text);
  EXPECT_EQ(compareModel({{path, {}, {}}, {}, path + ".again"}, out), 0) << text;
  EXPECT_NE(text.find("reproducer: 1 kernels agree"), std::string::npos) << text;
  std::filesystem::remove(path);
}
