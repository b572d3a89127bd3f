// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products that also sum the rows of their transposed left operand: a weight's gradient and its bias's. Both types,
// tails of every dimension, sums in parts, leading dimensions, epilogues of the sum, and what is no such sum.
#include "passes/CUDA/Emitters.h"
#include "test/passes/CUDA/CompiledKernel.h"
#include "test/passes/CUDA/KernelHarness.h"
#include "test/passes/CUDA/MutatedKernel.h"
#include "test/passes/Kernels/PreparedCase.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstIterator.h"

#include <gtest/gtest.h>

using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::MutatedKernel;
using vlp::test::with;

namespace {

/// dY [2, k / 2, m] (or [k, m] where k is odd) and X [k, n].
KernelCase weightAndBias(int m, int n, int k, const std::string &type) {
  std::string shape = k % 2 ? std::to_string(k) : "2x" + std::to_string(k / 2);
  std::string axes = k % 2 ? "0" : "0, 1";
  std::string body =
      std::string("%d = vlp.reshape %a0 : (tensor<SxMxT>) -> tensor<KxMxT>\n"
                  "%w = vlp.matmul %d, %a1 {transpose_lhs} : (tensor<KxMxT>, tensor<KxNxT>) -> tensor<MxNxf32>\n") +
      (type == "f32" ? "%b = vlp.reduce_sum %a0 {axes = array<i64: AXES>} : (tensor<SxMxf32>) -> tensor<Mxf32>"
                     : "%c = vlp.cast %a0 : (tensor<SxMxbf16>) -> tensor<SxMxf32>\n"
                       "%b = vlp.reduce_sum %c {axes = array<i64: AXES>} : (tensor<SxMxf32>) -> tensor<Mxf32>");
  auto fill = [&](std::string text) {
    for (auto [name, value] : {std::pair<std::string, std::string>{"AXES", axes}, {"S", shape}, {"T", type}})
      text = with(text, name, value);
    return with(text, {{"M", m}, {"N", n}, {"K", k}});
  };
  return {"matmul", {fill("SxMxT"), fill("KxNxT")}, fill(body), {"%w", "%b"}, {fill("MxNxf32"), fill("Mxf32")}};
}

class MatmulRowSum : public testing::TestWithParam<const char *> {};

TEST_P(MatmulRowSum, SizesWithAndWithoutTails) {
  for (auto [m, n, k] : {std::tuple{1, 1, 1}, {5, 3, 17}, {77, 50, 6}, {192, 257, 100}, {64, 64, 64}, {130, 40, 257}})
    checkKernel(weightAndBias(m, n, k, GetParam()));
}

TEST_P(MatmulRowSum, SumsInParts) {
  for (const char *tile : {"32x32x32,16x16,2,3", "64x64x32,32x32,3,2", "128x64x32,64x32,2,4"})
    checkKernel(weightAndBias(150, 70, 401, GetParam()), tile);
}

TEST_P(MatmulRowSum, TilesOfSeveralWarps) {
  for (const char *tile : {"16x64x32,16x16,2,1", "64x32x32,32x16,3,1", "128x128x32,32x64,2,1"})
    checkKernel(weightAndBias(135, 140, 66, GetParam()), tile);
}

TEST_P(MatmulRowSum, EpiloguesOfBoth) {
  KernelCase c = weightAndBias(40, 24, 51, GetParam());
  c.inputs.insert(c.inputs.end(), {"40x24xf32", "40xf32"});
  c.body += "\n%w2 = vlp.accumulate %a2, %w : (tensor<40x24xf32>, tensor<40x24xf32>) -> tensor<40x24xf32>"
            "\n%b2 = vlp.accumulate %a3, %b : (tensor<40xf32>, tensor<40xf32>) -> tensor<40xf32>";
  c.yields = {"%w2", "%b2"};
  checkKernel(c);
  checkKernel(c, "32x32x32,16x16,2,2");
}

INSTANTIATE_TEST_SUITE_P(Types, MatmulRowSum, testing::Values("f32", "bf16"));

// What multiplies the rows is a one in every place: another number in one of them shows.
TEST(MatmulRowSumMutation, OnesAreOnes) {
  KernelCase c = weightAndBias(40, 24, 64, "bf16");
  MutatedKernel kernel(c);
  EXPECT_EQ(kernel.failures([](llvm::Module &) {}), std::vector<std::string>());
  unsigned changed = 0;
  auto halve = [&](llvm::Module &module) {
    for (llvm::Function &function : module)
      for (llvm::Instruction &instruction : llvm::instructions(function))
        for (llvm::Use &use : instruction.operands())
          if (auto *constant = llvm::dyn_cast<llvm::ConstantInt>(use.get());
              constant && constant->equalsInt(0x3f803f80)) {
            use.set(llvm::ConstantInt::get(constant->getType(), 0x3f803f00));
            ++changed;
          }
  };
  EXPECT_FALSE(kernel.failures(halve).empty());
  EXPECT_GT(changed, 0u);
}

TEST(MatmulRowSum, OtherSumsAreRefused) {
  KernelCase c = weightAndBias(40, 24, 64, "f32");
  c.body = with(c.body, "axes = array<i64: 0, 1>", "axes = array<i64: 0, 2>");
  c.body = with(c.body, "-> tensor<40xf32>", "-> tensor<32xf32>");
  c.results[1] = "32xf32";
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  vlp::test::loadDialects(context);
  vlp::test::PreparedCase prepared = vlp::test::prepare(c, context);
  ASSERT_TRUE(prepared.kernel);
  std::string why;
  EXPECT_FALSE(vlp::cuda::matmulEmitter().supports(prepared.kernel, {"cuda", "sm_80"}, why));
  EXPECT_NE(why.find("rows of its transposed left operand"), std::string::npos) << why;
}

} // namespace
