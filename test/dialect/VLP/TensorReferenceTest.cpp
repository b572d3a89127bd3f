// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tensor ops mean what their formulas say, for scalars, empty tensors, odd sizes and integers too.
#include "test/dialect/Interpreter/OpRunner.h"

using namespace vlp;
using namespace vlp::test;

template <typename T>
using TensorReference = InBothPrecisions<T>;
TYPED_TEST_SUITE(TensorReference, Precisions);

#define RUN(...) runOp<TypeParam>(__VA_ARGS__)

TYPED_TEST(TensorReference, ReshapeKeepsRowMajorOrder) {
  auto x = floats<TypeParam>({2, 3}, {1, 2, 3, 4, 5, 6});
  expectNear(RUN("reshape", {x}, "tensor<3x2xf32>")[0], {3, 2}, {1, 2, 3, 4, 5, 6});
  auto i = ints<TypeParam>({1}, {7});
  EXPECT_EQ(RUN("reshape", {i}, "tensor<i32>")[0].ints, std::vector<int32_t>{7});
}

TYPED_TEST(TensorReference, TransposeMovesDimensions) {
  auto x = randoms<TypeParam>({2, 3, 5}, 1);
  std::vector<double> expected(30);
  // Dimension d of the result is dimension permutation[d] of the input: y[c, a, b] = x[a, b, c].
  for (int a = 0; a < 2; ++a)
    for (int b = 0; b < 3; ++b)
      for (int c = 0; c < 5; ++c)
        expected[(c * 2 + a) * 3 + b] = x[(a * 3 + b) * 5 + c];
  expectNear(RUN("transpose", {x}, "tensor<5x2x3xf32>", "permutation = array<i64: 2, 0, 1>")[0], {5, 2, 3}, expected);
  auto i = ints<TypeParam>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(RUN("transpose", {i}, "tensor<2x2xi32>", "permutation = array<i64: 1, 0>")[0].ints,
            (std::vector<int32_t>{1, 3, 2, 4}));
}

TYPED_TEST(TensorReference, BroadcastRepeatsOnesAndMissingDimensions) {
  auto x = floats<TypeParam>({2, 1}, {1, 2});
  expectNear(RUN("broadcast", {x}, "tensor<2x2x3xf32>")[0], {2, 2, 3}, {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2});
  auto scalar = floats<TypeParam>({}, {5});
  expectNear(RUN("broadcast", {scalar}, "tensor<3xf32>")[0], {3}, {5, 5, 5});
  expectNear(RUN("broadcast", {scalar}, "tensor<0xf32>")[0], {0}, {});
}

TYPED_TEST(TensorReference, SliceAndPadAreAdjoint) {
  auto x = floats<TypeParam>({3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  auto y = RUN("slice", {x}, "tensor<2x2xf32>", "offsets = array<i64: 1, 1>, sizes = array<i64: 2, 2>")[0];
  expectNear(y, {2, 2}, {5, 6, 9, 10});
  auto back = RUN("pad", {y}, "tensor<3x4xf32>", "low = array<i64: 1, 1>, high = array<i64: 0, 1>")[0];
  expectNear(back, {3, 4}, {0, 0, 0, 0, 0, 5, 6, 0, 0, 9, 10, 0});
  expectNear(RUN("slice", {x}, "tensor<3x0xf32>", "offsets = array<i64: 0, 4>, sizes = array<i64: 3, 0>")[0], {3, 0},
             {});
  auto scalar = floats<TypeParam>({}, {3});
  expectNear(RUN("pad", {scalar}, "tensor<f32>", "low = array<i64>, high = array<i64>")[0], {}, {3});
}

TYPED_TEST(TensorReference, ConcatJoinsAlongAnyAxis) {
  auto a = floats<TypeParam>({2, 1, 2}, {1, 2, 3, 4}), b = floats<TypeParam>({2, 2, 2}, {5, 6, 7, 8, 9, 10, 11, 12});
  expectNear(RUN("concat", {a, b}, "tensor<2x3x2xf32>", "axis = 1 : i64")[0], {2, 3, 2},
             {1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12});
  auto i = ints<TypeParam>({2}, {1, 2}), j = ints<TypeParam>({1}, {3});
  EXPECT_EQ(RUN("concat", {j, i, j}, "tensor<4xi32>", "axis = 0 : i64")[0].ints, (std::vector<int32_t>{3, 1, 2, 3}));
}

TYPED_TEST(TensorReference, GatherAndScatterRows) {
  auto x = floats<TypeParam>({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  auto index = ints<TypeParam>({2}, {2, 0});
  auto rows = RUN("gather_rows", {x, index}, "tensor<2x2xf32>")[0];
  expectNear(rows, {2, 2}, {4, 5, 6, 7});
  expectNear(RUN("scatter_rows", {rows, index}, "tensor<2x3x2xf32>")[0], {2, 3, 2},
             {0, 0, 0, 0, 4, 5, 6, 7, 0, 0, 0, 0});
}

TYPED_TEST(TensorReference, RowIndicesOutsideFailAndNameTheLayer) {
  auto x = floats<TypeParam>({2, 3, 2}, {0}), rows = floats<TypeParam>({2, 2}, {0});
  EXPECT_EQ(errorOf<TypeParam>("gather_rows", {x, ints<TypeParam>({2}, {0, 3})}, "tensor<2x2xf32>"),
            "'vlp.gather_rows' op expects an index below 3, got 3 at position 1 (layer layer.under.test)\n");
  EXPECT_EQ(errorOf<TypeParam>("scatter_rows", {rows, ints<TypeParam>({2}, {-1, 0})}, "tensor<2x3x2xf32>"),
            "'vlp.scatter_rows' op expects an index below 3, got -1 at position 0 (layer layer.under.test)\n");
}

TYPED_TEST(TensorReference, ArgmaxTakesTheFirstOfEquals) {
  auto i = ints<TypeParam>({3, 4}, {1, 9, 9, 2, 5, 5, 5, 5, -3, -2, -1, -1});
  EXPECT_EQ(RUN("argmax", {i}, "tensor<3xi32>")[0].ints, (std::vector<int32_t>{1, 0, 2}));
  auto x = floats<TypeParam>({1}, {-4});
  EXPECT_EQ(RUN("argmax", {x}, "tensor<i32>")[0].ints, std::vector<int32_t>{0});
}

TYPED_TEST(TensorReference, ArithmeticBroadcasts) {
  auto x = floats<TypeParam>({2, 3}, {1, 2, 3, 4, 5, 6}), row = floats<TypeParam>({3}, {10, 20, 30});
  auto column = floats<TypeParam>({2, 1}, {2, 4});
  expectNear(RUN("add", {x, row}, "tensor<2x3xf32>")[0], {2, 3}, {11, 22, 33, 14, 25, 36});
  expectNear(RUN("sub", {row, x}, "tensor<2x3xf32>")[0], {2, 3}, {9, 18, 27, 6, 15, 24});
  expectNear(RUN("mul", {x, column}, "tensor<2x3xf32>")[0], {2, 3}, {2, 4, 6, 16, 20, 24});
  expectNear(RUN("div", {row, column}, "tensor<2x3xf32>")[0], {2, 3}, {5, 10, 15, 2.5, 5, 7.5});
  auto zero = floats<TypeParam>({}, {0});
  expectNear(RUN("div", {row, zero}, "tensor<3xf32>")[0], {3}, {INFINITY, INFINITY, INFINITY});
}

TYPED_TEST(TensorReference, IntegerArithmetic) {
  auto a = ints<TypeParam>({3}, {7, -7, 9}), two = ints<TypeParam>({}, {2}), zero = ints<TypeParam>({}, {0});
  EXPECT_EQ(RUN("div", {a, two}, "tensor<3xi32>")[0].ints, (std::vector<int32_t>{3, -3, 4}));
  EXPECT_EQ(RUN("add", {a, two}, "tensor<3xi32>")[0].ints, (std::vector<int32_t>{9, -5, 11}));
  EXPECT_EQ(errorOf<TypeParam>("div", {a, zero}, "tensor<3xi32>"),
            "'vlp.div' op expects integer divisors other than 0, got 0 (layer layer.under.test)\n");
}

TYPED_TEST(TensorReference, UnaryFunctions) {
  auto x = floats<TypeParam>({4}, {-2, 0, 0.5, 3});
  auto apply = [](double (*function)(double)) {
    return std::vector<double>{function(-2), function(0), function(0.5), function(3)};
  };
  expectNear(RUN("neg", {x}, "tensor<4xf32>")[0], {4}, {2, 0, -0.5, -3});
  expectNear(RUN("exp", {x}, "tensor<4xf32>")[0], {4}, apply(std::exp));
  expectNear(RUN("tanh", {x}, "tensor<4xf32>")[0], {4}, apply(std::tanh));
  expectNear(RUN("log", {x}, "tensor<4xf32>")[0], {4}, {NAN, -INFINITY, std::log(0.5), std::log(3.0)});
  expectNear(RUN("sigmoid", {x}, "tensor<4xf32>")[0], {4}, apply([](double v) { return 1 / (1 + std::exp(-v)); }));
  expectNear(RUN("stop_gradient", {x}, "tensor<4xf32>")[0], {4}, {-2, 0, 0.5, 3});
}

// Figures from the definition at 40 digits (mpmath): the left tail must not cancel to 0.
TYPED_TEST(TensorReference, GeluAtKnownPoints) {
  auto x = floats<TypeParam>({5}, {0, 1, -1, 3, -3});
  expectNear(RUN("gelu", {x}, "tensor<5xf32>")[0], {5},
             {0, 0.841344746068543, -0.158655253931457, 2.995950305905110, -0.004049694094890});
  expectNear(RUN("quick_gelu", {x}, "tensor<5xf32>")[0], {5},
             {0, 1 / (1 + std::exp(-1.702)), -1 / (1 + std::exp(1.702)), 3 / (1 + std::exp(-5.106)),
              -3 / (1 + std::exp(5.106))});
  auto tail = RUN("gelu", {floats<TypeParam>({1}, {-10})}, "tensor<1xf32>")[0];
  EXPECT_NEAR(tail[0] / -7.619853024160527e-23, 1, 1e-4);
}

TYPED_TEST(TensorReference, SaturatedActivationsStayFinite) {
  auto x = floats<TypeParam>({2}, {-1e4, 1e4}), ones = floats<TypeParam>({2}, {1});
  expectNear(RUN("sigmoid", {x}, "tensor<2xf32>")[0], {2}, {0, 1});
  expectNear(RUN("gelu", {x}, "tensor<2xf32>")[0], {2}, {0, 1e4});
  expectNear(RUN("quick_gelu", {x}, "tensor<2xf32>")[0], {2}, {0, 1e4});
  expectNear(RUN("gelu_grad", {x, ones}, "tensor<2xf32>")[0], {2}, {0, 1});
  expectNear(RUN("quick_gelu_grad", {x, ones}, "tensor<2xf32>")[0], {2}, {0, 1});
}

// The gradient ops equal central differences of the forward ops.
TYPED_TEST(TensorReference, ActivationGradients) {
  const double h = 1e-5;
  auto x = randoms<TypeParam>({7}, 3), dy = randoms<TypeParam>({7}, 4);
  auto numeric = [&](auto function) {
    std::vector<double> expected;
    for (int i = 0; i < 7; ++i)
      expected.push_back(dy[i] * (function(x[i] + h) - function(x[i] - h)) / (2 * h));
    return expected;
  };
  auto gelu = numeric([](double v) { return v * 0.5 * (1 + std::erf(v / std::sqrt(2.0))); });
  auto quick = numeric([](double v) { return v / (1 + std::exp(-1.702 * v)); });
  auto actual = RUN("gelu_grad", {x, dy}, "tensor<7xf32>")[0],
       actualQuick = RUN("quick_gelu_grad", {x, dy}, "tensor<7xf32>")[0];
  for (int i = 0; i < 7; ++i) {
    EXPECT_NEAR(actual[i], gelu[i], 1e-6);
    EXPECT_NEAR(actualQuick[i], quick[i], 1e-6);
  }
}

TYPED_TEST(TensorReference, NaNPropagates) {
  auto x = floats<TypeParam>({2}, {TypeParam(NAN), 1}), ones = floats<TypeParam>({2}, {1});
  for (const char *op : {"neg", "exp", "log", "tanh", "sigmoid", "gelu", "quick_gelu", "stop_gradient"})
    EXPECT_TRUE(std::isnan(RUN(op, {x}, "tensor<2xf32>")[0][0])) << op;
  for (const char *op : {"add", "sub", "mul", "div", "accumulate", "gelu_grad", "quick_gelu_grad"})
    EXPECT_TRUE(std::isnan(RUN(op, {x, ones}, "tensor<2xf32>")[0][0])) << op;
  EXPECT_TRUE(std::isnan(RUN("reduce_sum", {x}, "tensor<f32>", "axes = array<i64: 0>")[0][0]));
}

TYPED_TEST(TensorReference, CastRoundsInF32ModeOnly) {
  auto i = ints<TypeParam>({2}, {-3, 16777216});
  expectNear(RUN("cast", {i}, "tensor<2xf32>")[0], {2}, {-3, 16777216});
  auto x = floats<TypeParam>({3}, {1, TypeParam(1.0078125 + 0.001), TypeParam(NAN)});
  bool rounds = std::is_same_v<TypeParam, float>;
  expectNear(RUN("cast", {x}, "tensor<3xbf16>")[0], {3}, {1, rounds ? 1.0078125 : 1.0078125 + 0.001, NAN});
  // Half way between 1 and the next bf16: to even.
  expectNear(RUN("cast", {floats<TypeParam>({}, {1.00390625})}, "tensor<bf16>")[0], {}, {rounds ? 1 : 1.00390625});
}

TYPED_TEST(TensorReference, SelectByFlag) {
  auto a = floats<TypeParam>({2}, {1, TypeParam(NAN)}), b = floats<TypeParam>({2}, {3, 4});
  expectNear(RUN("select", {ints<TypeParam>({}, {0}), a, b}, "tensor<2xf32>")[0], {2}, {3, 4});
  expectNear(RUN("select", {ints<TypeParam>({}, {-1}), a, b}, "tensor<2xf32>")[0], {2}, {1, NAN});
  auto i = ints<TypeParam>({1}, {1}), j = ints<TypeParam>({1}, {2});
  EXPECT_EQ(RUN("select", {ints<TypeParam>({}, {0}), i, j}, "tensor<1xi32>")[0].ints, std::vector<int32_t>{2});
}

TYPED_TEST(TensorReference, SelectByARepeatedCondition) {
  auto a = floats<TypeParam>({2, 3}, {1, 2, 3, 4, 5, 6}), b = floats<TypeParam>({2, 3}, {-1, -2, -3, -4, -5, -6});
  expectNear(RUN("select", {ints<TypeParam>({3}, {1, 0, 2}), a, b}, "tensor<2x3xf32>")[0], {2, 3},
             {1, -2, 3, 4, -5, 6});
  expectNear(RUN("select", {ints<TypeParam>({2, 1}, {0, 1}), a, b}, "tensor<2x3xf32>")[0], {2, 3},
             {-1, -2, -3, 4, 5, 6});
}

TYPED_TEST(TensorReference, ComparisonsGiveFlags) {
  auto x = floats<TypeParam>({2, 1}, {1, TypeParam(NAN)}), y = floats<TypeParam>({3}, {0, 1, 2});
  EXPECT_EQ(RUN("equal", {x, y}, "tensor<2x3xi32>")[0].ints, (std::vector<int32_t>{0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(RUN("less", {x, y}, "tensor<2x3xi32>")[0].ints, (std::vector<int32_t>{0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(RUN("less", {y, x}, "tensor<2x3xi32>")[0].ints, (std::vector<int32_t>{1, 0, 0, 0, 0, 0}));
  auto i = ints<TypeParam>({3}, {-100, 0, 7}), zero = ints<TypeParam>({}, {0});
  EXPECT_EQ(RUN("equal", {i, zero}, "tensor<3xi32>")[0].ints, (std::vector<int32_t>{0, 1, 0}));
  EXPECT_EQ(RUN("less", {i, zero}, "tensor<3xi32>")[0].ints, (std::vector<int32_t>{1, 0, 0}));
  auto none = floats<TypeParam>({0}, {});
  EXPECT_EQ(RUN("less", {none, floats<TypeParam>({}, {1})}, "tensor<0xi32>")[0].ints, (std::vector<int32_t>{}));
}

TYPED_TEST(TensorReference, ReduceSumOverAnyDimensions) {
  auto x = randoms<TypeParam>({3, 5, 7}, 9);
  std::vector<double> middle(21), outer(5), all(1);
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 5; ++b)
      for (int c = 0; c < 7; ++c) {
        double value = x[(a * 5 + b) * 7 + c];
        middle[a * 7 + c] += value;
        outer[b] += value;
        all[0] += value;
      }
  expectNear(RUN("reduce_sum", {x}, "tensor<3x7xf32>", "axes = array<i64: 1>")[0], {3, 7}, middle);
  expectNear(RUN("reduce_sum", {x}, "tensor<5xf32>", "axes = array<i64: 0, 2>")[0], {5}, outer);
  expectNear(RUN("reduce_sum", {x}, "tensor<f32>", "axes = array<i64: 0, 1, 2>")[0], {}, all);
  expectNear(RUN("reduce_sum", {floats<TypeParam>({2}, {1, 2})}, "tensor<2xf32>", "axes = array<i64>")[0], {2}, {1, 2});
}

// Long sums must not lose small terms in f32: 2^24 + 1 + 1 + ... would stand still.
TYPED_TEST(TensorReference, LongSumsAccumulateInDouble) {
  auto x = floats<TypeParam>({1001}, {1});
  x[0] = 16777216;
  expectNear(RUN("reduce_sum", {x}, "tensor<f32>", "axes = array<i64: 0>")[0], {}, {16778216});
}

TYPED_TEST(TensorReference, AccumulateInOperandOrder) {
  auto a = floats<TypeParam>({1}, {1e8}), b = floats<TypeParam>({1}, {-1e8}), c = floats<TypeParam>({1}, {1});
  // In f32, (1e8 + 1) - 1e8 loses the 1 and (1e8 - 1e8) + 1 keeps it.
  EXPECT_EQ(RUN("accumulate", {a, b, c}, "tensor<1xf32>")[0][0], TypeParam(1));
  EXPECT_EQ(RUN("accumulate", {a, c, b}, "tensor<1xf32>")[0][0], TypeParam(std::is_same_v<TypeParam, float> ? 0 : 1));
}

TYPED_TEST(TensorReference, Constants) {
  Program program("func.func @main() -> (tensor<2x2xf32>, tensor<3xi32>, tensor<2xf32>) {\n"
                  "%a = vlp.constant dense<[[1.5, 2.5], [3.5, 4.5]]> : tensor<2x2xf32>\n"
                  "%b = vlp.constant dense<[-1, 0, 7]> : tensor<3xi32>\n"
                  "%c = vlp.constant dense<0.25> : tensor<2xf32>\n"
                  "return %a, %b, %c : tensor<2x2xf32>, tensor<3xi32>, tensor<2xf32>\n}");
  auto results = program.run<TypeParam>({});
  ASSERT_EQ(results.size(), 3u) << program.errors;
  expectNear(results[0], {2, 2}, {1.5, 2.5, 3.5, 4.5});
  EXPECT_EQ(results[1].ints, (std::vector<int32_t>{-1, 0, 7}));
  expectNear(results[2], {2}, {0.25, 0.25});
}
