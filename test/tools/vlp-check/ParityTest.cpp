// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards parity with the official model, sizes inferred from files, and what is said about files that do not fit.
#include "tools/vlp-check/Parity.h"
#include "runtime/core/Sha256.h"
#include "test/tools/vlp-check/GoldenMaker.h"
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
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

  void expectPass(const std::string &path, const char *architecture = "clip") {
    auto report = checkParity(architecture, path, GetParam());
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
  expectPass(std::string(shared) + "/golden/albef_tiny.safetensors", "albef");
  expectPass(std::string(shared) + "/golden/blip_tiny.safetensors", "blip");
  expectPass(std::string(shared) + "/golden/vlmo_tiny.safetensors", "vlmo");
  expectPass(std::string(shared) + "/golden/coca_openclip_tiny.safetensors", "coca");
  expectPass(std::string(shared) + "/golden/beit3_tiny.safetensors", "beit3");
}

// Another depth of each part, widths that differ, a queue that is filled to its end, another share and inertia.
TEST_P(ParityTest, OtherSizesOfAlbef) {
  models::AlbefConfig config{{30, 10, {40, 3, 5, 56}}, {{24, 3, 3, 40}, 37, 9, 2, 1}, 7, 20, 15, 0.25, 0.5};
  test::makeAlbefGolden(config, /*batch=*/5, /*length=*/7).write(getPath());
  expectPass(getPath(), "albef");
}

// All layers fuse, two items, a queue of one batch.
TEST_P(ParityTest, SmallestAlbef) {
  models::AlbefConfig config{{8, 8, {64, 1}}, {{64, 1}, 11, 3, 0, 0}, 3, 16, 2};
  test::makeAlbefGolden(config, /*batch=*/2, /*length=*/3).write(getPath());
  expectPass(getPath(), "albef");
}

TEST_P(ParityTest, OtherSizesOfBlip) {
  models::BlipConfig config{{30, 10, {40, 3, 5, 56}}, {{24, 3, 3, 40}, 37, 9}, 7, 20, 15};
  config.smoothing = 0.25, config.alpha = 0.25, config.momentum = 0.5;
  test::makeBlipGolden(config, /*batch=*/5, /*length=*/7).write(getPath());
  expectPass(getPath(), "blip");
}

TEST_P(ParityTest, TiedTensorsMustBeEqual) {
  models::BlipConfig config{{8, 8, {64, 1}}, {{64, 1}, 11, 3}, 3, 16, 2};
  GoldenTensors golden = test::makeBlipGolden(config, /*batch=*/2, /*length=*/3);
  reinterpret_cast<float *>(golden.tensors["param/text_decoder.cls.predictions.decoder.bias"].bytes.data())[1] += 1;
  golden.write(getPath());
  auto report = checkParity("blip", getPath(), GetParam());
  ASSERT_FALSE(bool(report));
  std::string message = llvm::toString(report.takeError());
  EXPECT_NE(message.find("'param/text_decoder.cls.predictions.decoder.bias' is tied to "
                         "'param/text_decoder.cls.predictions.bias', expected equal tensors"),
            std::string::npos)
      << message;
}

// Another depth, grid, share of layers with an expert of pairs; and absolute positions without layer scale.
TEST_P(ParityTest, OtherSizesOfVlmo) {
  models::VlmoConfig config{30, 10, {40, 3, 5, 56}, 1, 37, 9, 11};
  test::makeVlmoGolden(config, /*batch=*/5, /*length=*/7).write(getPath());
  expectPass(getPath(), "vlmo");
  config = {16, 8, {24, 2, 3, 40}, 1, 37, 9, 0, /*layerScale=*/0};
  test::makeVlmoGolden(config, /*batch=*/2, /*length=*/4).write(getPath());
  expectPass(getPath(), "vlmo");
}

TEST_P(ParityTest, OtherSizesOfBeit3) {
  models::Beit3Config config{30, 10, {40, 3, 5, 56}, 37, 9, 11};
  test::makeBeit3Golden(config, /*batch=*/5, /*length=*/7).write(getPath());
  expectPass(getPath(), "beit3");
}

// Another depth of each part, widths, heads, numbers of queries, a shorter text than the model has room for.
TEST_P(ParityTest, OtherSizesOfCoca) {
  models::CocaConfig config;
  config.clip = makeConfig(30, 10, {72, 1, 0, 100}, {40, 3, 0, 56});
  config.clip.embed = config.clip.text.width;
  config.queries = 9, config.poolHeads = 5;
  config.decoder = {40, 1, 0, 88};
  test::makeCocaGolden(config, /*batch=*/5, /*length=*/8).write(getPath());
  expectPass(getPath(), "coca");
}

// One query is the embedding's; the decoder has one more to look at.
TEST_P(ParityTest, TwoQueriesAndTwoTokens) {
  models::CocaConfig config;
  config.clip = makeConfig(8, 8, {64, 1}, {64, 1});
  config.clip.embed = 64;
  config.queries = 2, config.poolHeads = 1;
  config.decoder = {64, 1};
  test::makeCocaGolden(config, /*batch=*/2, /*length=*/2).write(getPath());
  expectPass(getPath(), "coca");
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
  auto report = checkParity("clip", getPath(), GetParam());
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
  auto report = checkParity("clip", getPath(), GetParam());
  ASSERT_FALSE(bool(report));
  std::string message = llvm::toString(report.takeError());
  for (const char *part : {"'grad/ln_final.bias' is missing; did you mean 'grad/ln_final.bais'",
                           "'out/loss' is missing", "'param/text_projection' has shape [20, 64], expected [64, 20]"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST_P(ParityTest, NoSuchFile) {
  auto report = checkParity("clip", "/nowhere/x.safetensors", GetParam());
  ASSERT_FALSE(bool(report));
  EXPECT_NE(llvm::toString(report.takeError()).find("/nowhere/x.safetensors"), std::string::npos);
}

namespace {
/// bf16 on the interpreter, whose f32 mode rounds at every bf16 tensor.
class ParityBF16Test : public testing::Test {
protected:
  ParityBF16Test() {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    golden = (std::filesystem::path(testing::TempDir()) / ("vlp_parity_" + name + ".safetensors")).string();
    autocast = golden + ".json";
  }
  ~ParityBF16Test() override {
    std::filesystem::remove(golden);
    std::filesystem::remove(autocast);
  }

  /// Writes a golden file, and a document that gives every tensor the error `error`.
  void write(double error, bool all = true) {
    GoldenTensors tensors = test::makeClipGolden(config(), /*batch=*/3, /*length=*/5);
    tensors.write(golden);
    std::ifstream file(golden, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    std::ofstream out(autocast);
    out << "{\"golden\": \"" << golden << "\", \"golden_sha256\": \"" << sha256Hex(bytes)
        << "\", \"torch\": \"0\", \"errors\": {\"loss\": " << error;
    for (auto &[name, tensor] : tensors.tensors)
      if (all && !llvm::StringRef(name).starts_with("param/"))
        out << ", \"" << llvm::StringRef(name).substr(llvm::StringRef(name).starts_with("out/") ? 4 : 0).str()
            << "\": " << error;
    out << ", \"gradients\": " << error << "}}";
  }

  static models::ClipConfig config() {
    models::ClipConfig config;
    config.image = 16, config.patch = 8, config.vision = {64, 1}, config.text = {64, 1};
    config.context = 5, config.vocabulary = 37, config.embed = 20;
    return config;
  }

  const Device device{DeviceKind::ReferenceF32, "", Precision::BF16};
  std::string golden, autocast;
};
} // namespace

TEST_F(ParityBF16Test, OfficialModelIsAsNearAsAutocast) {
  const char *shared = std::getenv("VLP_SHARED");
  if (!shared)
    GTEST_SKIP() << "VLP_SHARED is not set";
  auto report = checkParity("clip", std::string(shared) + "/golden/clip_vit_tiny.safetensors", device);
  ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
  ASSERT_EQ(report->rows.size(), 65u);
  for (const ParityRow &row : report->rows) {
    EXPECT_TRUE(row.passed) << row.tensor << ": error " << row.error << ", autocast's " << row.autocast;
    EXPECT_GT(row.autocast, 1e-3) << row.tensor;
    EXPECT_LE(row.tolerance, 1.5 * std::max(row.autocast, 1.0 / 256)) << row.tensor;
  }
  const ParityRow &gradients = report->rows.back();
  EXPECT_EQ(gradients.tensor, "gradients");
  EXPECT_GT(gradients.error, 1e-3) << "bf16 should round";
  EXPECT_LT(gradients.error, 0.8 * gradients.autocast) << "f32 logits and epilogues on accumulators should pay";
}

TEST_F(ParityBF16Test, FurtherThanAutocastIsOut) {
  write(1e-6);
  auto report = checkParity("clip", golden, device, autocast);
  ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
  EXPECT_FALSE(report->passed());
  EXPECT_FALSE(report->rows.back().passed);
  EXPECT_EQ(report->rows.back().tolerance, 1.5 / 256) << "bf16 itself";
  write(0.5);
  report = checkParity("clip", golden, device, autocast);
  ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
  EXPECT_TRUE(report->passed());
}

TEST_F(ParityBF16Test, UnknownGoldenFilesNeedErrorsOfTheirOwn) {
  write(0.5);
  auto report = checkParity("clip", golden, device);
  ASSERT_FALSE(bool(report));
  EXPECT_NE(llvm::toString(report.takeError()).find("make them with tools/reference/clip_autocast.py"),
            std::string::npos);
  std::filesystem::resize_file(autocast, 20);
  report = checkParity("clip", golden, device, autocast);
  ASSERT_FALSE(bool(report));
  EXPECT_NE(llvm::toString(report.takeError()).find("is not what"), std::string::npos);
  write(0.5, /*all=*/false);
  report = checkParity("clip", golden, device, autocast);
  ASSERT_FALSE(bool(report));
  EXPECT_NE(llvm::toString(report.takeError()).find("expected an error of autocast for 'logits_per_image'"),
            std::string::npos);
  std::ofstream(golden, std::ios::binary | std::ios::app) << "changed";
  report = checkParity("clip", golden, device, autocast);
  EXPECT_FALSE(bool(report));
  llvm::consumeError(report.takeError());
}

TEST_F(ParityBF16Test, ErrorsOfAnotherFileAreRefused) {
  write(0.5);
  std::string document = autocast;
  GoldenTensors other = test::makeClipGolden(config(), /*batch=*/2, /*length=*/5);
  other.write(golden);
  auto report = checkParity("clip", golden, device, document);
  ASSERT_FALSE(bool(report));
  EXPECT_NE(llvm::toString(report.takeError()).find("with SHA-256"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Devices, ParityTest,
                         testing::Values(Device{DeviceKind::ReferenceF64}, Device{DeviceKind::ReferenceF32},
                                         Device{DeviceKind::Cpu}, Device{DeviceKind::Cpu, "x86-64-v3"}),
                         [](const auto &info) -> std::string {
                           if (info.param.kind == DeviceKind::Cpu)
                             return info.param.chip.empty() ? "Cpu" : "CpuWithoutAvx512";
                           return info.param.kind == DeviceKind::ReferenceF64 ? "F64" : "F32";
                         });
