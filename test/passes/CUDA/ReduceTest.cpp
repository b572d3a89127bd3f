// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums and the global norm on the GPU: every set of axes, sums in one launch and in chunks, both types, prologues and
// epilogues, more tensors than a kernel has parameters for.
#include "test/passes/CUDA/KernelHarness.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::with;

namespace {

const int kColumns[] = {1, 17, 50, 77, 192, 197, 257, 768, 1000, 1024, 1664, 5000};
const int kRows[] = {1, 3, 5};

std::string shapeText(const std::vector<int> &sizes, const std::string &type) {
  std::string text;
  for (int size : sizes)
    text += std::to_string(size) + "x";
  return text + type;
}

KernelCase sum(const std::vector<int> &sizes, const std::vector<int> &axes, const std::string &type) {
  std::vector<int> kept;
  std::string list;
  for (int d = 0; d < static_cast<int>(sizes.size()); ++d) {
    if (std::find(axes.begin(), axes.end(), d) == axes.end())
      kept.push_back(sizes[d]);
    else
      list += (list.empty() ? ": " : ", ") + std::to_string(d);
  }
  std::string in = shapeText(sizes, type), out = shapeText(kept, type);
  return {"reduce",
          {in},
          "%y = vlp.reduce_sum %a0 {axes = array<i64" + list + ">} : (tensor<" + in + ">) -> tensor<" + out + ">",
          {"%y"},
          {out}};
}

TEST(Reduce, EverySetOfAxes) {
  for (const std::vector<int> &axes : {std::vector<int>{}, {0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}}) {
    checkKernel(sum({3, 5, 20}, axes, "f32"));
    checkKernel(sum({3, 5, 17}, axes, "bf16"));
  }
  for (const std::vector<int> &axes : {std::vector<int>{0, 2}, {1, 3}, {0, 3}, {1, 2}})
    checkKernel(sum({3, 2, 5, 24}, axes, "bf16"));
}

TEST(Reduce, EveryRowLength) {
  int turn = 0;
  for (int columns : kColumns) {
    checkKernel(sum({kRows[turn % 3], columns}, {0}, turn % 2 ? "bf16" : "f32"));
    checkKernel(sum({kRows[(turn + 1) % 3], columns}, {1}, turn % 2 ? "f32" : "bf16"));
    ++turn;
  }
}

TEST(Reduce, ManyRows) {
  for (auto [rows, columns] : {std::pair{600, 1}, {601, 17}, {530, 192}, {515, 1024}}) {
    checkKernel(sum({rows, columns}, {0}, "f32"));
    checkKernel(sum({rows, columns}, {1}, "bf16"));
  }
}

TEST(Reduce, LongSumsInChunks) {
  checkKernel(sum({3, 70000}, {1}, "f32"));
  checkKernel(sum({70001, 2}, {0}, "bf16"));
  checkKernel(sum({100003}, {0}, "f32"));
  checkKernel(sum({65, 40, 48}, {0, 1}, "bf16"));
  KernelCase positive = sum({700, 300}, {0, 1}, "f32");
  positive.positive = true;
  checkKernel(positive);
}

TEST(Reduce, PrologueAndEpilogueOfASumInChunks) {
  checkKernel({"reduce",
               {"8x130x150xf32", "150xf32"},
               "%m = vlp.mul %a0, %a0 : (tensor<8x130x150xf32>, tensor<8x130x150xf32>) -> tensor<8x130x150xf32>\n"
               "%y = vlp.reduce_sum %m {axes = array<i64: 0, 1>} : (tensor<8x130x150xf32>) -> tensor<150xf32>\n"
               "%z = vlp.add %y, %a1 : (tensor<150xf32>, tensor<150xf32>) -> tensor<150xf32>",
               {"%z"},
               {"150xf32"}});
}

// A bias gradient: the rows are bf16, their sum is f32 and may be rounded beside.
TEST(Reduce, SumOfACast) {
  for (auto [rows, columns] : {std::pair{5, 24}, {1, 3}, {77, 192}, {1040, 40}, {3100, 17}}) {
    std::string body = "%w = vlp.cast %a0 : (tensor<RxCxbf16>) -> tensor<RxCxf32>\n"
                       "%y = vlp.reduce_sum %w {axes = array<i64: 0>} : (tensor<RxCxf32>) -> tensor<Cxf32>\n"
                       "%n = vlp.cast %y : (tensor<Cxf32>) -> tensor<Cxbf16>";
    std::vector<std::pair<std::string, int>> sizes = {{"R", rows}, {"C", columns}};
    checkKernel({"reduce",
                 {with("RxCxbf16", sizes)},
                 with(body, sizes),
                 {"%y", "%n"},
                 {with("Cxf32", sizes), with("Cxbf16", sizes)}});
  }
}

TEST(Reduce, MeanOfLosses) {
  for (int count : {1, 33, 4096})
    checkKernel({"reduce",
                 {with("Nxf32", {{"N", count}}), "f32"},
                 with("%y = vlp.reduce_sum %a0 {axes = array<i64: 0>} : (tensor<Nxf32>) -> tensor<f32>\n"
                      "%z = vlp.mul %y, %a1 : (tensor<f32>, tensor<f32>) -> tensor<f32>",
                      {{"N", count}}),
                 {"%z", "%y"},
                 {"f32", "f32"}});
}

TEST(Reduce, TransposedInput) {
  for (const char *axis : {"0", "1"}) {
    std::string kept = std::string(axis) == "0" ? "70" : "37";
    checkKernel({"reduce",
                 {"70x37xf32"},
                 std::string("%t = vlp.transpose %a0 {permutation = array<i64: 1, 0>} : (tensor<70x37xf32>) -> "
                             "tensor<37x70xf32>\n%y = vlp.reduce_sum %t {axes = array<i64: ") +
                     axis + ">} : (tensor<37x70xf32>) -> tensor<" + kept + "xf32>",
                 {"%y"},
                 {kept + "xf32"}});
  }
}

TEST(Reduce, WhatIsNotFiniteStaysInItsSum) {
  for (int axis : {0, 1}) {
    KernelCase c = sum({6, 40}, {axis}, "f32");
    std::vector<double> x(240, 0.25);
    x[41] = NAN;
    x[3 * 40 + 7] = INFINITY;
    x[4 * 40 + 9] = -INFINITY;
    x[5 * 40 + 7] = -INFINITY; // with the one above: NaN
    c.given = {{0, x}};
    checkKernel(c);
  }
}

/// The norm of tensors of `shapes`, and the factor that bounds it.
KernelCase norm(const std::vector<std::string> &shapes) {
  std::string operands, types;
  for (size_t i = 0; i < shapes.size(); ++i) {
    operands += (i ? ", %a" : "%a") + std::to_string(i);
    types += (i ? ", tensor<" : "tensor<") + shapes[i] + ">";
  }
  std::string bound = "%a" + std::to_string(shapes.size());
  KernelCase c = {"reduce",
                  shapes,
                  "%y = vlp.global_norm " + operands + " : (" + types + ") -> tensor<f32>\n%c = vlp.clip_factor %y, " +
                      bound + " : (tensor<f32>, tensor<f32>) -> tensor<f32>",
                  {"%y", "%c"},
                  {"f32", "f32"}};
  c.inputs.push_back("f32");
  c.positive = true;
  return c;
}

TEST(GlobalNorm, OfSeveralSizes) {
  checkKernel(norm({"1xf32"}));
  checkKernel(norm({"5xf32", "200x100xf32", "f32", "3x7xf32"}));
  checkKernel(norm({"16384xf32", "16385xf32", "32767xf32", "7xf32"}));
  checkKernel(norm({"5xbf16", "200x100xbf16", "3xf32", "bf16", "9x8xf32"}));
}

TEST(GlobalNorm, OfViews) {
  checkKernel({"reduce",
               {"5x1xf32", "20x10xbf16", "f32"},
               "%v = vlp.reshape %a0 : (tensor<5x1xf32>) -> tensor<5xf32>\n"
               "%y = vlp.global_norm %v, %a1, %a2 : (tensor<5xf32>, tensor<20x10xbf16>, tensor<f32>) -> tensor<f32>",
               {"%y"},
               {"f32"}});
}

// A kernel's parameters end at 4 KiB: 511 tensors and a partial result.
TEST(GlobalNorm, OfMoreTensorsThanParameters) {
  std::vector<std::string> shapes;
  for (int i = 0; i < 530; ++i)
    shapes.push_back(std::to_string(1 + i % 13) + (i % 10 == 3 ? "xbf16" : "xf32"));
  for (int i = 0; i < 60; ++i)
    shapes.push_back(std::to_string(1 + 7 * (i % 5)) + "xf32");
  checkKernel(norm(shapes));
}

TEST(GlobalNorm, ExactlyAsManyAsParameters) {
  for (int count : {511, 512})
    checkKernel(norm(std::vector<std::string>(count, "3xf32")));
}

// As many as a large model has, some of several chunks: the search for a block's tensor must not fill the registers.
TEST(GlobalNorm, OfManyTensorsOfUnequalSizes) {
  std::vector<std::string> shapes;
  for (int i = 0; i < 446; ++i)
    shapes.push_back(i % 3 == 1 ? "16385xf32" : std::to_string(3 + i % 5) + "xf32");
  checkKernel(norm(shapes));
}

TEST(GlobalNorm, OfWhatIsNotFinite) {
  for (double bad : {double(NAN), double(INFINITY), -double(INFINITY)}) {
    KernelCase c = norm({"5xf32", "9xf32"});
    c.given = {{1, {1, 2, 3, 4, bad, 6, 7, 8, 9}}};
    checkKernel(c);
  }
}

} // namespace
