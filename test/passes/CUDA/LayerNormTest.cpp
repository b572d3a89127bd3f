// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layer normalisation and its gradient on the GPU: rows shared by a warp, of a warp, of a block, and too long for
// registers; both types and mixtures; missing results, epilogues, rows that are not finite.
#include "test/passes/CUDA/KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::with;

namespace {

const int kColumns[] = {1, 17, 50, 77, 192, 197, 257, 768, 1000, 1024, 1664, 5000};
const int kRows[] = {1, 3, 5};

std::string sized(std::string text, int rows, int columns, const std::string &type) {
  return with(with(text, {{"R", rows}, {"C", columns}}), "T", type);
}

/// Input of `type`; gamma, beta and the statistics are f32.
KernelCase forward(int rows, int columns, const std::string &type) {
  auto text = [&](const char *t) { return sized(t, rows, columns, type); };
  KernelCase c{"layer_norm",
               {text("RxCxT"), text("Cxf32"), text("Cxf32")},
               text("%y, %m, %r = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<RxCxT>, tensor<Cxf32>, "
                    "tensor<Cxf32>) -> (tensor<RxCxT>, tensor<Rxf32>, tensor<Rxf32>)"),
               {"%y", "%m", "%r"},
               {text("RxCxT"), text("Rxf32"), text("Rxf32")}};
  c.range = 3;
  c.tolerance = 1e-5;
  return c;
}

/// The result in f32 goes nowhere but into its bf16 copy.
KernelCase forwardRounded(int rows, int columns) {
  KernelCase c = forward(rows, columns, "f32");
  c.body += sized("\n%n = vlp.cast %y : (tensor<RxCxf32>) -> tensor<RxCxbf16>", rows, columns, "");
  c.yields[0] = "%n";
  c.results[0] = sized("RxCxbf16", rows, columns, "");
  return c;
}

/// Input of type `input`, incoming gradient of type `type`; gamma and the statistics are f32.
KernelCase backward(int rows, int columns, const std::string &input, const std::string &type) {
  auto text = [&](const char *t) { return with(sized(t, rows, columns, type), "I", input); };
  KernelCase c{"layer_norm_grad",
               {text("RxCxI"), text("Cxf32"), text("Rxf32"), text("Rxf32"), text("RxCxT")},
               text("%dx, %dg, %db = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<RxCxI>, tensor<Cxf32>, "
                    "tensor<Rxf32>, tensor<Rxf32>, tensor<RxCxT>) -> (tensor<RxCxI>, tensor<Cxf32>, tensor<Cxf32>)"),
               {"%dx", "%dg", "%db"},
               {text("RxCxI"), text("Cxf32"), text("Cxf32")}};
  c.tolerance = 1e-5;
  return c;
}

/// Only the yields listed.
KernelCase only(KernelCase c, const std::vector<int> &wanted) {
  std::vector<std::string> yields, results;
  for (int i : wanted) {
    yields.push_back(c.yields[i]);
    results.push_back(c.results[i]);
  }
  c.yields = yields;
  c.results = results;
  return c;
}

std::vector<double> random(int count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<double> values(count);
  for (double &value : values)
    value = generator() / 2147483648.0 - 1;
  return values;
}

TEST(LayerNorm, EveryRowLength) {
  int turn = 0;
  for (int columns : kColumns) {
    checkKernel(forward(kRows[turn % 3], columns, "f32"));
    checkKernel(forward(kRows[(turn + 1) % 3], columns, "bf16"));
    checkKernel(forwardRounded(kRows[(turn + 2) % 3], columns));
    ++turn;
  }
}

// Many rows take a warp each, or share one, where few have a block.
TEST(LayerNorm, ManyRows) {
  for (auto [rows, columns] :
       {std::pair{301, 1}, {301, 8}, {301, 17}, {270, 50}, {261, 197}, {260, 768}, {257, 1664}}) {
    checkKernel(forward(rows, columns, "f32"));
    checkKernel(forwardRounded(rows, columns));
  }
}

// Where a thread has the most elements that it may, in a warp and in a block: no spills.
TEST(LayerNorm, LongestRowsInRegisters) {
  for (const char *type : {"f32", "bf16"}) {
    checkKernel(forward(256, 1792, type));
    checkKernel(forward(1, 24576, type));
  }
  checkKernel(forward(1, 24575, "f32"));
  checkKernel(forwardRounded(1, 24576));
}

TEST(LayerNorm, RowsTooLongForRegisters) {
  checkKernel(forward(2, 24612, "f32"));
  checkKernel(forward(1, 24577, "bf16"));
}

TEST(LayerNorm, WithoutStatistics) {
  for (int columns : {17, 200, 1000})
    for (const char *type : {"f32", "bf16"}) {
      checkKernel(only(forward(3, columns, type), {0}));
      checkKernel(only(forward(3, columns, type), {1, 2}));
    }
}

TEST(LayerNorm, RowsThatAreNotFinite) {
  for (int columns : {20, 300}) {
    KernelCase c = forward(5, columns, "f32");
    std::vector<double> x = random(5 * columns, 3);
    x[columns + 7] = NAN;
    x[2 * columns + 3] = INFINITY;
    x[4 * columns + columns - 1] = -INFINITY;
    c.given = {{0, x}};
    checkKernel(c);
  }
}

// The second pass over the row keeps what the difference of squares would lose; the mean itself is an f32.
TEST(LayerNorm, MeanFarFromZero) {
  for (int columns : {50, 768}) {
    KernelCase c = forward(3, columns, "f32");
    std::vector<double> x = random(3 * columns, 5);
    for (double &value : x)
      value += 16;
    c.given = {{0, x}};
    checkKernel(c);
  }
}

TEST(LayerNorm, PrologueAndEpilogue) {
  checkKernel({"layer_norm",
               {"2x3x24xf32", "3x24xbf16", "24xf32", "24xf32"},
               "%w = vlp.cast %a1 : (tensor<3x24xbf16>) -> tensor<3x24xf32>\n"
               "%x = vlp.add %a0, %w : (tensor<2x3x24xf32>, tensor<3x24xf32>) -> tensor<2x3x24xf32>\n"
               "%y, %m, %r = vlp.layer_norm %x, %a2, %a3 {eps = 1.0e-5 : f64} : (tensor<2x3x24xf32>, tensor<24xf32>, "
               "tensor<24xf32>) -> (tensor<2x3x24xf32>, tensor<2x3xf32>, tensor<2x3xf32>)\n"
               "%z = vlp.gelu %y : (tensor<2x3x24xf32>) -> tensor<2x3x24xf32>",
               {"%y", "%z", "%m", "%r"},
               {"2x3x24xf32", "2x3x24xf32", "2x3xf32", "2x3xf32"},
               4,
               3.0,
               false,
               1e-5});
}

// The first row of each batch: rows that do not follow one another.
TEST(LayerNorm, SlicedRows) {
  for (int columns : {24, 25})
    checkKernel(
        {"layer_norm",
         {with("3x5xCxf32", {{"C", columns}}), with("Cxf32", {{"C", columns}}), with("Cxf32", {{"C", columns}})},
         with("%s = vlp.slice %a0 {offsets = array<i64: 0, 2, 0>, sizes = array<i64: 3, 2, C>} : "
              "(tensor<3x5xCxf32>) -> tensor<3x2xCxf32>\n"
              "%y, %m, %r = vlp.layer_norm %s, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<3x2xCxf32>, "
              "tensor<Cxf32>, tensor<Cxf32>) -> (tensor<3x2xCxf32>, tensor<3x2xf32>, tensor<3x2xf32>)",
              {{"C", columns}}),
         {"%y", "%m", "%r"},
         {with("3x2xCxf32", {{"C", columns}}), "3x2xf32", "3x2xf32"},
         4,
         3.0,
         false,
         1e-5});
}

TEST(LayerNormGrad, EveryRowLength) {
  int turn = 0;
  for (int columns : kColumns) {
    checkKernel(backward(kRows[turn % 3], columns, "f32", "f32"));
    checkKernel(backward(kRows[(turn + 1) % 3], columns, "f32", "bf16"));
    if (turn % 3 == 2)
      checkKernel(backward(kRows[(turn + 2) % 3], columns, "bf16", "bf16"));
    ++turn;
  }
}

// Rows are summed in a warp, over the warps of a block, and over blocks of several rows each.
TEST(LayerNormGrad, ManyRows) {
  for (auto [rows, columns] :
       {std::pair{1100, 1}, {1101, 16}, {1033, 17}, {301, 50}, {259, 197}, {258, 768}, {257, 1024}})
    checkKernel(backward(rows, columns, "f32", columns % 2 ? "bf16" : "f32"));
  checkKernel(backward(3101, 256, "f32", "f32")); // four warps of two rows, several times
  checkKernel(backward(300, 16, "f32", "bf16"));
  checkKernel(backward(260, 768, "bf16", "bf16"));
  checkKernel(backward(260, 768, "f32", "bf16"));
}

/// With the gradient that goes around the layer added.
KernelCase withResidual(KernelCase c) {
  c.body += with("\n%s = vlp.accumulate %a5, %dx : (tensor<S>, tensor<S>) -> tensor<S>", "S", c.inputs[0]);
  c.inputs.push_back(c.inputs[0]);
  c.yields[0] = "%s";
  return c;
}

// Where a thread has the most elements that it may, in a warp and in a block: no spills.
TEST(LayerNormGrad, LongestRowsInRegisters) {
  for (auto [rows, columns] : {std::pair{2, 4096}, {257, 512}, {257, 128}}) {
    checkKernel(withResidual(backward(rows, columns, "f32", "f32")));
    checkKernel(withResidual(backward(rows, columns, "f32", "bf16")));
  }
  checkKernel(backward(2, 4095, "f32", "f32"));
  checkKernel(backward(257, 511, "bf16", "bf16"));
}

TEST(LayerNormGrad, RowsTooLongForRegisters) {
  checkKernel(backward(5, 4112, "f32", "f32"));
  checkKernel(backward(3, 4097, "f32", "bf16"));
}

TEST(LayerNormGrad, MissingResults) {
  for (int columns : {17, 128, 600})
    for (const std::vector<int> &wanted : {std::vector{0}, {1}, {2}, {0, 2}})
      checkKernel(only(backward(5, columns, "f32", "bf16"), wanted));
}

TEST(LayerNormGrad, RowsThatAreNotFinite) {
  KernelCase c = backward(7, 40, "f32", "f32");
  std::vector<double> dy = random(7 * 40, 9);
  dy[40 + 3] = INFINITY;
  dy[3 * 40 + 5] = NAN;
  c.given = {{4, dy}};
  checkKernel(c);
}

TEST(LayerNormGrad, ResidualGradientIsAdded) {
  for (int columns : {24, 25, 520})
    checkKernel(withResidual(backward(4, columns, "f32", "bf16")));
}

} // namespace
