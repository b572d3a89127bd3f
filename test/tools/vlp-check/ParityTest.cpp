// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards parity with the official model, sizes inferred from files, and what is said about files that do not fit.
#include "tools/vlp-check/Parity.h"
#include "test/tools/vlp-check/GoldenMaker.h"
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::tools;
using vlp::test::GoldenTensors;

namespace {
class ParityTest : public testing::TestWithParam<Device> {
protected:
  std::string getPath() const {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '_');
    return (std::filesystem::path(testing::TempDir()) / ("vlp_parity_" + name + ".safetensors")).string();
  }
  void TearDown() override { std::filesystem::remove(getPath()); }

  void expectPass(const std::string &path) {
    auto report = checkClipParity(path, GetParam());
    ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
    EXPECT_GT(report->rows.size(), 10u);
    for (const ParityRow &row : report->rows)
      EXPECT_TRUE(row.passed) << row.tensor << ": error " << row.error << ", tolerance " << row.tolerance;
  }

  static models::ClipConfig makeConfig(int64_t image, int64_t patch, models::TowerConfig vision,
                                       models::TowerConfig text) {
    models::ClipConfig config;
    config.image = image, config.patch = patch, config.vision = vision, config.text = text;
    config.context = 11, config.vocabulary = 37, config.embed = 20;
    return config;
  }
};
} // namespace

TEST_P(ParityTest, OfficialModel) {
  const char *shared = std::getenv("VLP_SHARED");
  if (!shared)
    GTEST_SKIP() << "VLP_SHARED is not set";
  expectPass(std::string(shared) + "/golden/clip_vit_tiny.safetensors");
}

TEST_P(ParityTest, OtherDepthWidthBatchLengthAndImage) {
  test::makeClipGolden(makeConfig(48, 16, {128, 3}, {64, 1}), /*batch=*/3, /*length=*/11).write(getPath());
  expectPass(getPath());
}

TEST_P(ParityTest, OddSizes) {
  models::ClipConfig config = makeConfig(30, 10, {72, 1, 0, 100}, {40, 2, 0, 56});
  config.activation = models::Activation::Gelu;
  test::makeClipGolden(config, /*batch=*/5, /*length=*/7).write(getPath());
  expectPass(getPath());
}

TEST_P(ParityTest, OnePairAndOnePatch) {
  test::makeClipGolden(makeConfig(8, 8, {64, 1}, {64, 1}), /*batch=*/1, /*length=*/1).write(getPath());
  // Loss and gradients are zero: nothing to divide by.
  expectPass(getPath());
}

TEST_P(ParityTest, WrongGradientAndNaNAreOut) {
  GoldenTensors golden = test::makeClipGolden(makeConfig(16, 8, {64, 1}, {64, 1}), 2, 4);
  auto &proj = golden.tensors["grad/visual.proj"].bytes;
  reinterpret_cast<float *>(proj.data())[3] += 1;
  reinterpret_cast<float *>(golden.tensors["grad/text_projection"].bytes.data())[0] = NAN;
  golden.write(getPath());
  auto report = checkClipParity(getPath(), GetParam());
  ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
  EXPECT_FALSE(report->passed());
  for (const ParityRow &row : report->rows)
    EXPECT_EQ(row.passed, row.tensor != "grad/visual.proj" && row.tensor != "grad/text_projection") << row.tensor;
}

TEST_P(ParityTest, AllProblemsOfAFileAreListed) {
  GoldenTensors golden = test::makeClipGolden(makeConfig(16, 8, {64, 1}, {64, 1}), 2, 4);
  auto node = golden.tensors.extract("grad/ln_final.bias");
  node.key() = "grad/ln_final.bais";
  golden.tensors.insert(std::move(node));
  golden.tensors.erase("out/loss");
  golden.tensors["param/text_projection"].shape = {20, 64};
  golden.write(getPath());
  auto report = checkClipParity(getPath(), GetParam());
  ASSERT_FALSE(bool(report));
  std::string message = llvm::toString(report.takeError());
  for (const char *part : {"'grad/ln_final.bias' is missing; did you mean 'grad/ln_final.bais'",
                           "'out/loss' is missing", "'param/text_projection' has shape [20, 64], expected [64, 20]"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST_P(ParityTest, NoSuchFile) {
  auto report = checkClipParity("/nowhere/x.safetensors", GetParam());
  ASSERT_FALSE(bool(report));
  EXPECT_NE(llvm::toString(report.takeError()).find("/nowhere/x.safetensors"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Devices, ParityTest,
                         testing::Values(Device{DeviceKind::ReferenceF64}, Device{DeviceKind::ReferenceF32},
                                         Device{DeviceKind::Cpu}, Device{DeviceKind::Cpu, "x86-64-v3"}),
                         [](const auto &info) -> std::string {
                           if (info.param.kind == DeviceKind::Cpu)
                             return info.param.chip.empty() ? "Cpu" : "CpuWithoutAvx512";
                           return info.param.kind == DeviceKind::ReferenceF64 ? "F64" : "F32";
                         });
