// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The elementwise emitter against the interpreter: every function, f32 and bf16, vectors of every width, broadcasts,
// casts at the edges.
#include "test/passes/CUDA/KernelHarness.h"
#include "test/passes/Kernels/FlagCases.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using vlp::cuda::PtxCounts;
using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::with;

namespace {

const char *kTypes[] = {"f32", "bf16"};

/// One elementwise op on operands of one type.
KernelCase unary(const std::string &op, const std::string &type) {
  return {"elementwise",
          {type},
          "%y = vlp." + op + " %a0 : (tensor<" + type + ">) -> tensor<" + type + ">",
          {"%y"},
          {type}};
}
KernelCase binary(const std::string &op, const std::string &type) {
  std::string t = "tensor<" + type + ">";
  return {"elementwise", {type, type}, "%y = vlp." + op + " %a0, %a1 : (" + t + ", " + t + ") -> " + t, {"%y"}, {type}};
}
KernelCase cast(const std::string &from, const std::string &to) {
  return {"elementwise", {from}, "%y = vlp.cast %a0 : (tensor<" + from + ">) -> tensor<" + to + ">", {"%y"}, {to}};
}

TEST(Elementwise, EveryFunction) {
  for (const char *type : kTypes) {
    std::string shape = std::string("3x20x") + type;
    for (const char *op : {"neg", "exp", "log", "tanh", "sigmoid", "gelu", "quick_gelu"}) {
      KernelCase c = unary(op, shape);
      c.range = 6;
      c.positive = std::string(op) == "log";
      checkKernel(c);
    }
    for (const char *op : {"gelu_grad", "quick_gelu_grad", "add", "sub", "mul", "accumulate"}) {
      KernelCase c = binary(op, shape);
      c.range = 4;
      checkKernel(c);
    }
    KernelCase c = binary("div", shape);
    c.positive = true;
    checkKernel(c);
  }
}

TEST(Elementwise, IntegerArithmetic) {
  for (const char *op : {"add", "sub", "mul"})
    checkKernel(binary(op, "7x3xi32"));
}

// The accesses follow from the last dimension: 16 bytes where it allows, down to one element.
TEST(Elementwise, WidthFollowsFromTheShape) {
  struct Expected {
    const char *shape;
    unsigned wide;
  };
  for (auto [shape, wide] : {Expected{"1x1xf32", 0},
                             {"5x7xf32", 0},
                             {"3x6xf32", 0},
                             {"9x4xf32", 3},
                             {"257x12xf32", 3},
                             {"1027xf32", 0},
                             {"1x1xbf16", 0},
                             {"5x7xbf16", 0},
                             {"3x6xbf16", 0},
                             {"9x4xbf16", 0},
                             {"9x8xbf16", 3},
                             {"130x40xbf16", 3}}) {
    std::vector<PtxCounts> counts = checkKernel(binary("add", shape));
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts[0].wideGlobal, wide) << shape;
  }
}

TEST(Elementwise, CastsRoundToNearestEven) {
  float infinity = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
  // Ties (1 + 2^-8 goes down to even, 1 + 3 2^-8 up), the last number below the tie to infinity and that tie,
  // subnormals.
  std::vector<double> values = {0.0,       1.0,        1.00390625, 1.01171875, 1.0039063, 1.0039061,  3.3895e38,
                                3.3961e38, 3.39617e38, largest,    1e-38,      1e-39,     1e-40,      9.2e-41,
                                4.592e-41, 4.5e-41,    1e-45,      infinity,   NAN,       123456789.0};
  size_t count = values.size();
  for (size_t i = 0; i < count; ++i)
    values.push_back(-values[i]);
  KernelCase c = cast("40xf32", "40xbf16");
  c.tolerance = 0;
  c.given = {{0, values}};
  checkKernel(c);
  KernelCase back = cast("40xbf16", "40xf32");
  back.tolerance = 0;
  back.given = c.given;
  checkKernel(back);
}

TEST(Elementwise, CastsOfEveryShape) {
  for (const char *shape : {"1x1x", "3x2x", "5x7x", "7x12x", "31x64x", ""})
    for (auto [from, to] : {std::pair("f32", "bf16"), {"bf16", "f32"}, {"i32", "f32"}, {"i32", "bf16"}}) {
      KernelCase c = cast(std::string(shape) + from, std::string(shape) + to);
      c.integers = 1000;
      checkKernel(c);
    }
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
  auto check = [&](const std::string &op, double floor) {
    KernelCase c = unary(op, std::to_string(all.size()) + "xf32");
    c.tolerance = 4e-7;
    c.floor = floor;
    c.given = {{0, all}};
    checkKernel(c);
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
  for (const char *type : kTypes) {
    std::string body = "%b = vlp.broadcast %a0 : (tensor<4x1x6xT>) -> tensor<4x5x6xT>\n"
                       "%t = vlp.transpose %a2 {permutation = array<i64: 1, 0>} : (tensor<6x5xT>) -> tensor<5x6xT>\n"
                       "%s = vlp.add %b, %a1 : (tensor<4x5x6xT>, tensor<5x1xT>) -> tensor<4x5x6xT>\n"
                       "%c = vlp.constant dense<0.5> : tensor<T>\n"
                       "%h = vlp.mul %s, %c : (tensor<4x5x6xT>, tensor<T>) -> tensor<4x5x6xT>\n"
                       "%y = vlp.div %h, %t : (tensor<4x5x6xT>, tensor<5x6xT>) -> tensor<4x5x6xT>";
    std::vector<std::string> inputs = {"4x1x6x", "5x1x", "6x5x"};
    for (std::string &input : inputs)
      input += type;
    std::string result = std::string("4x5x6x") + type;
    KernelCase c = {"elementwise", inputs, with(body, "T", type), {"%y", "%s"}, {result, result}, 4, 2.0, true};
    // The sum and the half of it are rounded once each before the division.
    c.tolerance = std::string(type) == "bf16" ? 8e-3 : 2e-6;
    checkKernel(c);
  }
}

TEST(Elementwise, MixedTypesAndResultsInPlaceOfInputs) {
  // A bf16 gradient is added to an f32 one; the f32 sum may take its place, the rounded copy may take the other's.
  for (const char *shape : {"3x7", "5x16"}) {
    std::string body =
        "%w = vlp.cast %a1 : (tensor<Sxbf16>) -> tensor<Sxf32>\n"
        "%s = vlp.accumulate %a0, %w, %w : (tensor<Sxf32>, tensor<Sxf32>, tensor<Sxf32>) -> tensor<Sxf32>\n"
        "%n = vlp.cast %s : (tensor<Sxf32>) -> tensor<Sxbf16>";
    std::string f32 = std::string(shape) + "xf32", bf16 = std::string(shape) + "xbf16";
    checkKernel({"elementwise", {f32, bf16}, with(body, "S", shape), {"%s", "%n"}, {f32, bf16}});
  }
}

TEST(Elementwise, CopiesOfViews) {
  // What stands before a reshape that no strides express, and what is returned.
  checkKernel({"elementwise",
               {"3x5x8xf32"},
               "%y = vlp.slice %a0 {offsets = array<i64: 0, 1, 0>, sizes = array<i64: 3, 4, 8>} : (tensor<3x5x8xf32>) "
               "-> tensor<3x4x8xf32>",
               {"%y"},
               {"3x4x8xf32"}});
  checkKernel({"elementwise",
               {"3x5x8xbf16"},
               "%y = vlp.slice %a0 {offsets = array<i64: 0, 0, 3>, sizes = array<i64: 3, 5, 4>} : (tensor<3x5x8xbf16>) "
               "-> tensor<3x5x4xbf16>",
               {"%y"},
               {"3x5x4xbf16"}});
  checkKernel({"elementwise",
               {"3x5x8xi32"},
               "%y = vlp.transpose %a0 {permutation = array<i64: 2, 0, 1>} : (tensor<3x5x8xi32>) -> tensor<8x3x5xi32>",
               {"%y"},
               {"8x3x5xi32"}});
  checkKernel(
      {"elementwise", {"f32"}, "%y = vlp.broadcast %a0 : (tensor<f32>) -> tensor<3x4xf32>", {"%y"}, {"3x4xf32"}});
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
  KernelCase schedule = {
      "elementwise",
      {"i32", "f32", "f32", "f32"},
      "%y = vlp.warmup_cosine %a0, %a1, %a2, %a3 : (tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>",
      {"%y"},
      {"f32"}};
  for (double step : {0, 99, 100, 5000, 10000, 20000}) {
    schedule.given = {{0, {step}}, {1, {5e-4}}, {2, {100}}, {3, {10000}}};
    schedule.floor = 5e-4;
    checkKernel(schedule);
  }
}

TEST(Elementwise, FiniteFlag) {
  KernelCase c = {"elementwise",
                  {"f32", "f32", "i32", "f32", "f32"},
                  "%f = vlp.all_finite %a0, %a1 : (tensor<f32>, tensor<f32>) -> tensor<i32>\n"
                  "%s = vlp.add %a2, %f : (tensor<i32>, tensor<i32>) -> tensor<i32>\n"
                  "%y = vlp.select %f, %a3, %a4 : (tensor<i32>, tensor<f32>, tensor<f32>) -> tensor<f32>",
                  {"%f", "%s", "%y"},
                  {"i32", "i32", "f32"}};
  checkKernel(c);
  for (double bad : {double(NAN), double(INFINITY), -double(INFINITY)}) {
    c.given = {{1, {bad}}, {4, {bad}}};
    checkKernel(c);
  }
}

} // namespace
