// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every CPU emitter but attention's against the interpreter, at sizes with and without tails, batch 1, views,
// epilogues, repeated indices.
#include "KernelHarness.h"
#include "test/passes/Kernels/FlagCases.h"

#include <gtest/gtest.h>
#include <limits>

using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::with;

namespace {

TEST(Matmul, LinearForwardWithBias) {
  for (auto [m, n, k] : {std::tuple{1, 1, 1}, {5, 9, 7}, {6, 64, 16}, {50, 192, 64}, {97, 200, 33}, {130, 16, 128}})
    checkKernel(
        {"matmul",
         {with("MxKxf32", {{"M", m}, {"K", k}}), with("NxKxf32", {{"N", n}, {"K", k}}), with("Nxf32", {{"N", n}})},
         with("%y = vlp.linear %a0, %a1, %a2 : (tensor<MxKxf32>, tensor<NxKxf32>, tensor<Nxf32>) -> tensor<MxNxf32>",
              {{"M", m}, {"N", n}, {"K", k}}),
         {"%y"},
         {with("MxNxf32", {{"M", m}, {"N", n}})}});
}

TEST(Matmul, InputGradientForm) {
  for (auto [m, n, k] : {std::tuple{1, 3, 2}, {7, 65, 31}, {48, 128, 64}})
    checkKernel({"matmul",
                 {with("2xMxKxf32", {{"M", m}, {"K", k}}), with("KxNxf32", {{"N", n}, {"K", k}})},
                 with("%y = vlp.matmul %a0, %a1 : (tensor<2xMxKxf32>, tensor<KxNxf32>) -> tensor<2xMxNxf32>",
                      {{"M", m}, {"N", n}, {"K", k}}),
                 {"%y"},
                 {with("2xMxNxf32", {{"M", m}, {"N", n}})}});
}

TEST(Matmul, WeightGradientFormSplitsLongSums) {
  for (auto [m, n, k] : {std::tuple{3, 5, 1}, {64, 48, 100}, {50, 70, 1025}, {13, 130, 1600}})
    checkKernel(
        {"matmul",
         {with("KxMxf32", {{"M", m}, {"K", k}}), with("KxNxf32", {{"N", n}, {"K", k}})},
         with("%y = vlp.matmul %a0, %a1 {transpose_lhs} : (tensor<KxMxf32>, tensor<KxNxf32>) -> tensor<MxNxf32>",
              {{"M", m}, {"N", n}, {"K", k}}),
         {"%y"},
         {with("MxNxf32", {{"M", m}, {"N", n}})}});
}

TEST(Matmul, TransposedRightWithScalarScaleAndBothResults) {
  checkKernel({"matmul",
               {"17x8xf32", "19x8xf32", "f32"},
               "%y = vlp.matmul %a0, %a1 {transpose_rhs} : (tensor<17x8xf32>, tensor<19x8xf32>) -> tensor<17x19xf32>\n"
               "%e = vlp.exp %a2 : (tensor<f32>) -> tensor<f32>\n"
               "%z = vlp.mul %y, %e : (tensor<17x19xf32>, tensor<f32>) -> tensor<17x19xf32>",
               {"%y", "%z"},
               {"17x19xf32", "17x19xf32"}});
}

TEST(Matmul, HeavyEpilogueGoesThroughScratch) {
  checkKernel({"matmul",
               {"2x11x20xf32", "70x20xf32", "70xf32", "2x11x70xf32"},
               "%y = vlp.linear %a0, %a1, %a2 : (tensor<2x11x20xf32>, tensor<70x20xf32>, tensor<70xf32>) -> "
               "tensor<2x11x70xf32>\n"
               "%g = vlp.gelu %y : (tensor<2x11x70xf32>) -> tensor<2x11x70xf32>\n"
               "%z = vlp.add %g, %a3 : (tensor<2x11x70xf32>, tensor<2x11x70xf32>) -> tensor<2x11x70xf32>",
               {"%y", "%z"},
               {"2x11x70xf32", "2x11x70xf32"}});
}

TEST(Matmul, LeftOperandIsARowSliceOfEachBatch) {
  checkKernel({"matmul",
               {"3x5x8xf32", "16x8xf32", "5x16xf32"},
               "%s = vlp.slice %a0 {offsets = array<i64: 0, 1, 0>, sizes = array<i64: 3, 4, 8>} : (tensor<3x5x8xf32>) "
               "-> tensor<3x4x8xf32>\n"
               "%y = vlp.linear %s, %a1 : (tensor<3x4x8xf32>, tensor<16x8xf32>) -> tensor<3x4x16xf32>\n"
               "%p = vlp.slice %a2 {offsets = array<i64: 1, 0>, sizes = array<i64: 4, 16>} : (tensor<5x16xf32>) -> "
               "tensor<4x16xf32>\n"
               "%z = vlp.add %y, %p : (tensor<3x4x16xf32>, tensor<4x16xf32>) -> tensor<3x4x16xf32>",
               {"%z"},
               {"3x4x16xf32"}});
}

TEST(LayerNorm, ForwardWithAndWithoutStatistics) {
  for (int d : {1, 8, 16, 17, 128, 200}) {
    std::string body =
        with("%y, %m, %r = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<3x5xDxf32>, tensor<Dxf32>, "
             "tensor<Dxf32>) -> (tensor<3x5xDxf32>, tensor<3x5xf32>, tensor<3x5xf32>)",
             {{"D", d}});
    std::vector<std::string> inputs = {with("3x5xDxf32", {{"D", d}}), with("Dxf32", {{"D", d}}),
                                       with("Dxf32", {{"D", d}})};
    checkKernel(
        {"layer_norm", inputs, body, {"%y", "%m", "%r"}, {inputs[0], "3x5xf32", "3x5xf32"}, 4, 3.0, false, 1e-5});
    checkKernel({"layer_norm", inputs, body, {"%y"}, {inputs[0]}, 4, 3.0, false, 1e-5});
  }
}

TEST(LayerNormGrad, AllResultsAndInputOnly) {
  for (auto [rows, d] : {std::pair{1, 8}, {5, 17}, {70, 128}, {1100, 16}}) {
    std::vector<std::pair<std::string, int>> sizes = {{"R", rows}, {"D", d}};
    std::string body = with(
        "%dx, %dg, %db = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<RxDxf32>, tensor<Dxf32>, tensor<Rxf32>, "
        "tensor<Rxf32>, tensor<RxDxf32>) -> (tensor<RxDxf32>, tensor<Dxf32>, tensor<Dxf32>)",
        sizes);
    std::vector<std::string> inputs = {with("RxDxf32", sizes), with("Dxf32", sizes), with("Rxf32", sizes),
                                       with("Rxf32", sizes), with("RxDxf32", sizes)};
    checkKernel({"layer_norm_grad",
                 inputs,
                 body,
                 {"%dx", "%dg", "%db"},
                 {inputs[0], inputs[1], inputs[1]},
                 4,
                 1.0,
                 false,
                 1e-5});
    checkKernel({"layer_norm_grad", inputs, body, {"%dx"}, {inputs[0]}, 4, 1.0, false, 1e-5});
  }
}

TEST(LayerNormGrad, ResidualGradientIsAdded) {
  checkKernel({"layer_norm_grad",
               {"4x24xf32", "24xf32", "4xf32", "4xf32", "4x24xf32", "4x24xf32"},
               "%dx, %dg, %db = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<4x24xf32>, tensor<24xf32>, "
               "tensor<4xf32>, "
               "tensor<4xf32>, tensor<4x24xf32>) -> (tensor<4x24xf32>, tensor<24xf32>, tensor<24xf32>)\n"
               "%s = vlp.accumulate %a5, %dx : (tensor<4x24xf32>, tensor<4x24xf32>) -> tensor<4x24xf32>",
               {"%s", "%dg", "%db"},
               {"4x24xf32", "24xf32", "24xf32"},
               4,
               1.0,
               false,
               1e-5});
}

TEST(Row, SoftmaxAndNormalise) {
  for (int c : {1, 15, 16, 40}) {
    auto row = [&](const char *text) { return with(text, {{"C", c}}); };
    checkKernel({"row",
                 {row("5xCxf32")},
                 row("%y = vlp.softmax %a0 : (tensor<5xCxf32>) -> tensor<5xCxf32>"),
                 {"%y"},
                 {row("5xCxf32")},
                 4,
                 30.0});
    checkKernel({"row",
                 {row("5xCxf32"), row("5xCxf32")},
                 row("%y = vlp.softmax_grad %a0, %a1 : (tensor<5xCxf32>, tensor<5xCxf32>) -> tensor<5xCxf32>"),
                 {"%y"},
                 {row("5xCxf32")}});
    checkKernel({"row",
                 {row("5xCxf32")},
                 row("%y, %n = vlp.l2_normalize %a0 {eps = 1.0e-12 : f64} : (tensor<5xCxf32>) -> (tensor<5xCxf32>, "
                     "tensor<5xf32>)"),
                 {"%y", "%n"},
                 {row("5xCxf32"), "5xf32"}});
    checkKernel({"row",
                 {row("5xCxf32"), "5xf32", row("5xCxf32")},
                 row("%y = vlp.l2_normalize_grad %a0, %a1, %a2 {eps = 0.0 : f64} : (tensor<5xCxf32>, tensor<5xf32>, "
                     "tensor<5xCxf32>) -> "
                     "tensor<5xCxf32>"),
                 {"%y"},
                 {row("5xCxf32")},
                 4,
                 1.0,
                 true});
    checkKernel({"row",
                 {row("5xCxi32")},
                 row("%y = vlp.argmax %a0 : (tensor<5xCxi32>) -> tensor<5xi32>"),
                 {"%y"},
                 {"5xi32"},
                 9});
  }
}

TEST(Row, CrossEntropiesWithIgnoredRowsSmoothingAndLargeLogits) {
  for (int c : {3, 16, 33}) {
    auto row = [&](const char *text) { return with(text, {{"C", c}}); };
    checkKernel({"row",
                 {row("6xCxf32"), "6xi32"},
                 row("%l, %e = vlp.cross_entropy %a0, %a1 {ignore_index = 2 : i64, smoothing = 0.1 : f64} : "
                     "(tensor<6xCxf32>, tensor<6xi32>) -> "
                     "(tensor<6xf32>, tensor<6xf32>)"),
                 {"%l", "%e"},
                 {"6xf32", "6xf32"},
                 3,
                 200.0});
    checkKernel({"row",
                 {row("6xCxf32"), "6xi32", "6xf32", "6xf32"},
                 row("%g = vlp.cross_entropy_grad %a0, %a1, %a2, %a3 {ignore_index = 2 : i64, smoothing = 0.1 : f64} : "
                     "(tensor<6xCxf32>, "
                     "tensor<6xi32>, tensor<6xf32>, tensor<6xf32>) -> tensor<6xCxf32>"),
                 {"%g"},
                 {row("6xCxf32")},
                 3,
                 2.0});
    checkKernel({"row",
                 {row("6xCxf32"), row("6xCxf32")},
                 row("%l, %e = vlp.soft_cross_entropy %a0, %a1 : (tensor<6xCxf32>, tensor<6xCxf32>) -> (tensor<6xf32>, "
                     "tensor<6xf32>)"),
                 {"%l", "%e"},
                 {"6xf32", "6xf32"},
                 3,
                 2.0});
    checkKernel(
        {"row",
         {row("6xCxf32"), row("6xCxf32"), "6xf32", "6xf32"},
         row("%g = vlp.soft_cross_entropy_grad %a0, %a1, %a2, %a3 : (tensor<6xCxf32>, tensor<6xCxf32>, tensor<6xf32>, "
             "tensor<6xf32>) -> tensor<6xCxf32>"),
         {"%g"},
         {row("6xCxf32")},
         3,
         2.0,
         false,
         5e-6});
  }
}

TEST(Row, GradientOfAMeanIsAConstantInsideTheKernel) {
  checkKernel(
      {"row",
       {"6x20xf32", "6x20xf32", "6xf32"},
       "%d = vlp.constant dense<0.25> : tensor<6xf32>\n"
       "%g = vlp.soft_cross_entropy_grad %a0, %a1, %a2, %d : (tensor<6x20xf32>, tensor<6x20xf32>, tensor<6xf32>, "
       "tensor<6xf32>) -> tensor<6x20xf32>",
       {"%g"},
       {"6x20xf32"},
       3,
       2.0,
       false,
       5e-6});
}

TEST(Row, TransposedLogits) {
  checkKernel(
      {"row",
       {"7x5xf32", "5x7xf32"},
       "%t = vlp.transpose %a0 {permutation = array<i64: 1, 0>} : (tensor<7x5xf32>) -> tensor<5x7xf32>\n"
       "%l, %e = vlp.soft_cross_entropy %t, %a1 : (tensor<5x7xf32>, tensor<5x7xf32>) -> (tensor<5xf32>, tensor<5xf32>)",
       {"%l", "%e"},
       {"5xf32", "5xf32"}});
}

TEST(Reduce, EverySetOfAxes) {
  for (const char *axes : {"0", "1", "2", "0, 1", "0, 2", "1, 2", "0, 1, 2"}) {
    std::vector<int> sizes = {3, 5, 20};
    std::string result;
    for (int d = 0; d < 3; ++d)
      if (std::string(axes).find(std::to_string(d)) == std::string::npos)
        result += std::to_string(sizes[d]) + "x";
    checkKernel({"reduce",
                 {"3x5x20xf32"},
                 std::string("%y = vlp.reduce_sum %a0 {axes = array<i64: ") + axes +
                     ">} : (tensor<3x5x20xf32>) -> tensor<" + result + "f32>",
                 {"%y"},
                 {result + "f32"}});
  }
}

TEST(Reduce, LongSumsInChunksWithPrologueAndEpilogue) {
  checkKernel({"reduce",
               {"8x130x150xf32", "150xf32"},
               "%m = vlp.mul %a0, %a0 : (tensor<8x130x150xf32>, tensor<8x130x150xf32>) -> tensor<8x130x150xf32>\n"
               "%y = vlp.reduce_sum %m {axes = array<i64: 0, 1>} : (tensor<8x130x150xf32>) -> tensor<150xf32>\n"
               "%z = vlp.add %y, %a1 : (tensor<150xf32>, tensor<150xf32>) -> tensor<150xf32>",
               {"%z"},
               {"150xf32"}});
  checkKernel({"reduce",
               {"700x3xf32"},
               "%y = vlp.reduce_sum %a0 {axes = array<i64: 0, 1>} : (tensor<700x3xf32>) -> tensor<f32>",
               {"%y"},
               {"f32"},
               4,
               1.0,
               true});
}

TEST(Reduce, GlobalNormOfSeveralSizes) {
  checkKernel({"reduce",
               {"5x1xf32", "200x100xf32", "f32", "5xf32"},
               "%v = vlp.reshape %a0 : (tensor<5x1xf32>) -> tensor<5xf32>\n"
               "%y = vlp.global_norm %v, %a1, %a2, %a3 : (tensor<5xf32>, tensor<200x100xf32>, tensor<f32>, "
               "tensor<5xf32>) -> tensor<f32>",
               {"%y"},
               {"f32"}});
}

TEST(Elementwise, EveryFunction) {
  for (const char *op : {"neg", "exp", "tanh", "sigmoid", "gelu", "quick_gelu"})
    checkKernel({"elementwise",
                 {"3x21xf32"},
                 std::string("%y = vlp.") + op + " %a0 : (tensor<3x21xf32>) -> tensor<3x21xf32>",
                 {"%y"},
                 {"3x21xf32"},
                 4,
                 6.0});
  checkKernel({"elementwise",
               {"3x21xf32"},
               "%y = vlp.log %a0 : (tensor<3x21xf32>) -> tensor<3x21xf32>",
               {"%y"},
               {"3x21xf32"},
               4,
               9.0,
               true});
  for (const char *op : {"gelu_grad", "quick_gelu_grad", "add", "sub", "mul"})
    checkKernel({"elementwise",
                 {"3x21xf32", "3x21xf32"},
                 std::string("%y = vlp.") + op + " %a0, %a1 : (tensor<3x21xf32>, tensor<3x21xf32>) -> tensor<3x21xf32>",
                 {"%y"},
                 {"3x21xf32"},
                 4,
                 4.0});
}

TEST(Elementwise, FunctionsAtTheEdgesOfF32) {
  float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  float largest = std::numeric_limits<float>::max(), normal = std::numeric_limits<float>::min();
  float subnormal = std::numeric_limits<float>::denorm_min();
  std::vector<float> positive = {infinity, nan,    0.0f,    subnormal, 3e-40f, normal, 1e-20f, 1e-3f,
                                 0.5f,     1.0f,   0.9999f, 1.0001f,   9.5f,   20.0f,  87.0f,  88.7f,
                                 88.73f,   103.9f, 104.5f,  1e9f,      1e30f,  largest};
  std::vector<double> all(positive.begin(), positive.end());
  for (float value : positive)
    all.push_back(-value);
  std::string type = std::to_string(all.size()) + "xf32";
  auto check = [&](const std::string &op, double floor) {
    checkKernel({"elementwise",
                 {type},
                 "%y = vlp." + op + " %a0 : (tensor<" + type + ">) -> tensor<" + type + ">",
                 {"%y"},
                 {type},
                 4,
                 1,
                 false,
                 4e-7,
                 floor,
                 {{0, all}}});
  };
  // Relative to the element, down to results that are subnormal; the sigmoid ends where e^-x overflows, below 3e-39.
  check("exp", 1e-37);
  check("sigmoid", 1e-32);
  check("log", 1e-3);
  // Absolute below 1.
  for (const char *op : {"tanh", "gelu", "quick_gelu"})
    check(op, 1);
}

TEST(Elementwise, FlagsAndDraws) {
  for (const char *shape : {"3x20", "5x7", "1x1", "4x16"})
    for (const KernelCase &c : vlp::test::makeFlagCases(shape))
      checkKernel(c);
}

TEST(Elementwise, BroadcastsTransposesAndScalars) {
  checkKernel({"elementwise",
               {"4x1x6xf32", "5x1xf32", "6x5xf32"},
               "%b = vlp.broadcast %a0 : (tensor<4x1x6xf32>) -> tensor<4x5x6xf32>\n"
               "%t = vlp.transpose %a2 {permutation = array<i64: 1, 0>} : (tensor<6x5xf32>) -> tensor<5x6xf32>\n"
               "%s = vlp.add %b, %a1 : (tensor<4x5x6xf32>, tensor<5x1xf32>) -> tensor<4x5x6xf32>\n"
               "%c = vlp.constant dense<0.5> : tensor<f32>\n"
               "%h = vlp.mul %s, %c : (tensor<4x5x6xf32>, tensor<f32>) -> tensor<4x5x6xf32>\n"
               "%y = vlp.div %h, %t : (tensor<4x5x6xf32>, tensor<5x6xf32>) -> tensor<4x5x6xf32>",
               {"%y", "%s"},
               {"4x5x6xf32", "4x5x6xf32"},
               4,
               2.0,
               true});
}

TEST(Elementwise, StepScalars) {
  checkKernel({"elementwise",
               {"i32", "f32", "f32", "f32"},
               "%y = vlp.warmup_cosine %a0, %a1, %a2, %a3 : (tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>) -> "
               "tensor<f32>\n"
               "%c = vlp.clip_factor %a1, %a2 : (tensor<f32>, tensor<f32>) -> tensor<f32>\n"
               "%k = vlp.clamp %a1, %a2, %a3 : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>",
               {"%y", "%c", "%k"},
               {"f32", "f32", "f32"},
               3,
               5.0,
               true});
  checkKernel({"elementwise",
               {"f32", "f32", "i32"},
               "%f = vlp.all_finite %a0, %a1 : (tensor<f32>, tensor<f32>) -> tensor<i32>\n"
               "%s = vlp.add %a2, %f : (tensor<i32>, tensor<i32>) -> tensor<i32>",
               {"%f", "%s"},
               {"i32", "i32"}});
}

TEST(Copy, ConcatWithEpilogueOnEveryAxis) {
  checkKernel(
      {"concat",
       {"1x1x6xf32", "3x4x6xf32", "5x6xf32"},
       "%b = vlp.broadcast %a0 : (tensor<1x1x6xf32>) -> tensor<3x1x6xf32>\n"
       "%c = vlp.concat %b, %a1 {axis = 1 : i64} : (tensor<3x1x6xf32>, tensor<3x4x6xf32>) -> tensor<3x5x6xf32>\n"
       "%y = vlp.add %c, %a2 : (tensor<3x5x6xf32>, tensor<5x6xf32>) -> tensor<3x5x6xf32>",
       {"%y"},
       {"3x5x6xf32"}});
  checkKernel({"concat",
               {"2x3xf32", "2x20xf32"},
               "%y = vlp.concat %a0, %a1 {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x20xf32>) -> tensor<2x23xf32>",
               {"%y"},
               {"2x23xf32"}});
  checkKernel({"concat",
               {"3xf32", "20xf32"},
               "%y = vlp.concat %a0, %a1 {axis = 0 : i64} : (tensor<3xf32>, tensor<20xf32>) -> tensor<23xf32>",
               {"%y"},
               {"23xf32"}});
}

TEST(Copy, PadAndPatches) {
  checkKernel({"pad",
               {"2x3x4xf32"},
               "%y = vlp.pad %a0 {low = array<i64: 0, 1, 2>, high = array<i64: 1, 0, 3>} : (tensor<2x3x4xf32>) -> "
               "tensor<3x4x9xf32>",
               {"%y"},
               {"3x4x9xf32"}});
  checkKernel({"patchify",
               {"2x3x12x8xf32"},
               "%y = vlp.patchify %a0 {patch = 4 : i64} : (tensor<2x3x12x8xf32>) -> tensor<2x6x48xf32>",
               {"%y"},
               {"2x6x48xf32"}});
  checkKernel({"patchify",
               {"2x6x48xf32"},
               "%y = vlp.unpatchify %a0 {patch = 4 : i64} : (tensor<2x6x48xf32>) -> tensor<2x3x12x8xf32>",
               {"%y"},
               {"2x3x12x8xf32"}});
}

// All tokens but the first and the last: rows of ids that do not touch; and one column of them.
TEST(Embedding, IdsInASlice) {
  const std::string rows = "%i = vlp.slice %a1 {offsets = array<i64: 0, 1>, sizes = array<i64: 3, 5>} : "
                           "(tensor<3x7xi32>) -> tensor<3x5xi32>\n",
                    column = "%s = vlp.slice %a1 {offsets = array<i64: 0, 6>, sizes = array<i64: 3, 1>} : "
                             "(tensor<3x7xi32>) -> tensor<3x1xi32>\n%i = vlp.reshape %s : (tensor<3x1xi32>) -> "
                             "tensor<3xi32>\n";
  checkKernel({"embedding",
               {"9x20xf32", "3x7xi32"},
               rows + "%y = vlp.embedding %a0, %i : (tensor<9x20xf32>, tensor<3x5xi32>) -> tensor<3x5x20xf32>",
               {"%y"},
               {"3x5x20xf32"},
               9});
  checkKernel({"embedding",
               {"9x20xf32", "3x7xi32"},
               column + "%y = vlp.embedding %a0, %i : (tensor<9x20xf32>, tensor<3xi32>) -> tensor<3x20xf32>",
               {"%y"},
               {"3x20xf32"},
               9});
  checkKernel({"embedding_grad",
               {"3x5x20xf32", "3x7xi32"},
               rows + "%y = vlp.embedding_grad %a0, %i : (tensor<3x5x20xf32>, tensor<3x5xi32>) -> tensor<9x20xf32>",
               {"%y"},
               {"9x20xf32"},
               9});
}

TEST(Embedding, GatherScatterAndRepeatedIds) {
  checkKernel({"embedding",
               {"9x20xf32", "3x5xi32", "5x20xf32"},
               "%e = vlp.embedding %a0, %a1 : (tensor<9x20xf32>, tensor<3x5xi32>) -> tensor<3x5x20xf32>\n"
               "%y = vlp.add %e, %a2 : (tensor<3x5x20xf32>, tensor<5x20xf32>) -> tensor<3x5x20xf32>",
               {"%y"},
               {"3x5x20xf32"},
               9});
  for (int d : {5, 16, 40})
    checkKernel(
        {"embedding_grad",
         {with("3x5xDxf32", {{"D", d}}), "3x5xi32"},
         with("%y = vlp.embedding_grad %a0, %a1 : (tensor<3x5xDxf32>, tensor<3x5xi32>) -> tensor<9xDxf32>", {{"D", d}}),
         {"%y"},
         {with("9xDxf32", {{"D", d}})},
         4});
  checkKernel(
      {"embedding_grad",
       {"20x3x5xf32", "3x5xi32"},
       "%t = vlp.transpose %a0 {permutation = array<i64: 1, 2, 0>} : (tensor<20x3x5xf32>) -> tensor<3x5x20xf32>\n"
       "%y = vlp.embedding_grad %t, %a1 : (tensor<3x5x20xf32>, tensor<3x5xi32>) -> tensor<9x20xf32>",
       {"%y"},
       {"9x20xf32"},
       4});
  checkKernel({"gather_rows",
               {"3x5x20xf32", "3xi32"},
               "%y = vlp.gather_rows %a0, %a1 : (tensor<3x5x20xf32>, tensor<3xi32>) -> tensor<3x20xf32>",
               {"%y"},
               {"3x20xf32"},
               5});
  checkKernel({"scatter_rows",
               {"3x20xf32", "3xi32"},
               "%y = vlp.scatter_rows %a0, %a1 : (tensor<3x20xf32>, tensor<3xi32>) -> tensor<3x5x20xf32>",
               {"%y"},
               {"3x5x20xf32"},
               5});
}

TEST(MatchTargets, SharesMassAmongEqualIds) {
  checkKernel({"match_targets",
               {"7xi32", "18xi32"},
               "%y = vlp.match_targets %a0, %a1 : (tensor<7xi32>, tensor<18xi32>) -> tensor<7x18xf32>",
               {"%y"},
               {"7x18xf32"},
               12});
}

TEST(AdamW, UpdatesAndLeavesAloneWhenDisabled) {
  for (const char *decay : {"", " {decay}"})
    for (int enabled : {1, 9}) { // integers are drawn below this: with 1 the flag is 0 and so is the step
      std::string t = "tensor<37xf32>, ", s = "tensor<f32>, ";
      checkKernel({"adamw",
                   {"37xf32", "37xf32", "37xf32", "37xf32", "i32", "f32", "f32", "f32", "f32", "f32", "f32", "i32"},
                   std::string("%p, %m, %v = vlp.adamw %a0, %a1, %a2, %a3, %a4, %a5, %a6, %a7, %a8, %a9, %a10, %a11") +
                       decay + " : (" + t + t + t + t + "tensor<i32>, " + s + s + s + s + s + s +
                       "tensor<i32>) -> (tensor<37xf32>, tensor<37xf32>, tensor<37xf32>)",
                   {"%p", "%m", "%v"},
                   {"37xf32", "37xf32", "37xf32"},
                   enabled,
                   0.9,
                   true,
                   1e-5});
    }
}

} // namespace
