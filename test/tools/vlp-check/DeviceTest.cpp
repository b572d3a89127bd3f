// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what device names mean, and that compare holds simulated GPUs against the interpreter, in f32 and with bf16
// between kernels.
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "passes/Pipelines/Registration.h"
#include "tools/vlp-check/Compare.h"
#include "tools/vlp-check/Reproducer.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

static std::string errorOf(llvm::Expected<Device> device) { return device ? "" : llvm::toString(device.takeError()); }

TEST(FindDevice, Names) {
  struct Case {
    const char *name, *target;
    DeviceKind kind;
    const char *compiles, *chip, *runs;
  };
  const Case cases[] = {
      {"reference", "", DeviceKind::ReferenceF64, "cpu", "", ""},
      {"cpu", "", DeviceKind::Cpu, "cpu", "", ""},
      {"cpu:x86-64-v3", "", DeviceKind::Cpu, "cpu", "x86-64-v3", ""},
      {"cuda", "", DeviceKind::Gpu, "cuda", "", "cuda"},
      {"cuda:1,graph=off", "cuda:sm_90", DeviceKind::Gpu, "cuda", "sm_90", "cuda:1,graph=off"},
      {"sim", "", DeviceKind::Gpu, "sim", "", "sim"},
      {"sim:checked,order=random,seed=3", "sim:sm_90", DeviceKind::Gpu, "sim", "sm_90",
       "sim:checked,order=random,seed=3"},
      {"sim:checked,chip=sm_89", "", DeviceKind::Gpu, "sim", "sm_89", "sim:checked,chip=sm_89"},
      {"sim:chip=sm_89", "sim:sm_89", DeviceKind::Gpu, "sim", "sm_89", "sim:chip=sm_89"},
  };
  for (const Case &each : cases) {
    SCOPED_TRACE(each.name);
    auto device = findDevice(each.name, each.target, /*allowReference=*/true);
    ASSERT_TRUE(bool(device)) << llvm::toString(device.takeError());
    EXPECT_EQ(device->kind, each.kind);
    EXPECT_EQ(device->target(), each.compiles);
    EXPECT_EQ(device->chip, each.chip);
    EXPECT_EQ(device->name, each.runs);
  }
}

TEST(FindDevice, Mistakes) {
  EXPECT_EQ(errorOf(findDevice("gpu", "", true)), "unknown device 'gpu'; did you mean 'cpu'?");
  EXPECT_NE(errorOf(findDevice("reference", "", false)).find("unknown device 'reference'"), std::string::npos);
  EXPECT_NE(
      errorOf(findDevice("cpu:x86-64-v5", "", true)).find("unknown chip 'cpu:x86-64-v5'; did you mean 'cpu:x86-64-v"),
      std::string::npos);
  EXPECT_NE(errorOf(findDevice("sim:chip=sm_75", "", true)).find("unknown chip 'sim:sm_75'"), std::string::npos);
  EXPECT_EQ(errorOf(findDevice("sim", "cuda:sm_80", true)),
            "--target: expected code for device 'sim', got 'cuda:sm_80'");
  EXPECT_EQ(errorOf(findDevice("sim:chip=sm_80", "sim:sm_90", true)),
            "--target: expected code for device 'sim:chip=sm_80', got 'sim:sm_90'");
}

namespace {
class CompareOnSimulator : public ::testing::Test {
protected:
  CompareOnSimulator() : path(std::filesystem::path(testing::TempDir()) / "vlp_compare_sim.mlir") {}
  ~CompareOnSimulator() override { std::filesystem::remove(path); }

  int compare(const std::string &text, const std::string &device) {
    std::ofstream(path) << text;
    CompareRequest request{{path.string(), {}, {}}, {}, path.string() + ".again"};
    request.device = {DeviceKind::Gpu, "", Precision::F32, device};
    llvm::raw_string_ostream stream(out);
    return compareModel(request, stream);
  }

  std::filesystem::path path;
  std::string out;
};
} // namespace

TEST_F(CompareOnSimulator, KernelsAgreeInEveryOrder) {
  const char *text = R"(
func.func @f(%x: tensor<37x65xf32>) -> tensor<74x65xf32> {
  %a = vlp.gelu %x : (tensor<37x65xf32>) -> tensor<37x65xf32>
  %b = vlp.concat %a, %x {axis = 0 : i64} : (tensor<37x65xf32>, tensor<37x65xf32>) -> tensor<74x65xf32>
  return %b : tensor<74x65xf32>
})";
  for (const char *device : {"sim", "sim:graph=off,order=reverse", "sim:checked,order=random,seed=5"}) {
    out.clear();
    EXPECT_EQ(compare(text, device), 0) << device << "\n" << out;
    EXPECT_NE(out.find("kernels agree"), std::string::npos) << out;
  }
}

// What lies between kernels in bf16 is read as such: as f32 it would be nonsense. The optimiser leaves vectors of bf16
// in loops and choices, which the simulator's code generator has to know.
TEST_F(CompareOnSimulator, BF16BetweenKernels) {
  const char *texts[] = {R"(
func.func @f(%x: tensor<5x7xf32>) -> tensor<10x7xf32> {
  %a = vlp.cast %x : (tensor<5x7xf32>) -> tensor<5x7xbf16>
  %b = vlp.concat %a, %a {axis = 0 : i64} : (tensor<5x7xbf16>, tensor<5x7xbf16>) -> tensor<10x7xbf16>
  %c = vlp.cast %b : (tensor<10x7xbf16>) -> tensor<10x7xf32>
  return %c : tensor<10x7xf32>
})",
                         R"(
func.func @f(%x: tensor<3x64xf32>, %i: tensor<3xi32>) -> tensor<3x8x64xf32> {
  %a = vlp.cast %x : (tensor<3x64xf32>) -> tensor<3x64xbf16>
  %b = vlp.scatter_rows %a, %i : (tensor<3x64xbf16>, tensor<3xi32>) -> tensor<3x8x64xbf16>
  %c = vlp.cast %b : (tensor<3x8x64xbf16>) -> tensor<3x8x64xf32>
  return %c : tensor<3x8x64xf32>
})"};
  for (const char *text : texts) {
    out.clear();
    EXPECT_EQ(compare(text, "sim"), 0) << out;
    EXPECT_NE(out.find("kernels agree"), std::string::npos) << out;
  }
}

TEST(Reproducer, BF16OperandsAndResults) {
  DialectRegistry registry;
  registerDialects(registry);
  registerTargets();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"(
func.func @f(%x: tensor<2x3xbf16>) -> tensor<2x3xbf16> {
  %y = vlp.kernel "elementwise" (%x) : (tensor<2x3xbf16>) -> tensor<2x3xbf16> {
  ^bb0(%a: tensor<2x3xbf16>):
    %b = vlp.gelu %a : (tensor<2x3xbf16>) -> tensor<2x3xbf16>
    vlp.yield %b : tensor<2x3xbf16>
  }
  return %y : tensor<2x3xbf16>
})",
                                                             &context);
  ASSERT_TRUE(module);
  KernelOp kernel = *(*module->getOps<func::FuncOp>().begin()).getOps<KernelOp>().begin();
  Array<double> operand(RankedTensorType::get({2, 3}, Float32Type::get(&context)));
  operand.values = {0.5, -1.25, 3.0, 1e-3, 300.0, -0.0};
  OwningOpRef<ModuleOp> reproducer = makeReproducer(kernel, {operand});
  ASSERT_TRUE(succeeded(verify(*reproducer)));
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << *reproducer;
  EXPECT_NE(text.find("5.000000e-01, -1.250000e+00, 3.000000e+00"), std::string::npos) << text;
  EXPECT_NE(text.find("-> (tensor<2x3xf32> {vlp.name = \"result0\"}"), std::string::npos) << text;
}
