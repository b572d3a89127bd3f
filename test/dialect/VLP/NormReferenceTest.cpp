// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Normalisations against their formulas in double; gradients against central differences.
#include "test/dialect/Interpreter/OpRunner.h"

using namespace vlp;
using namespace vlp::test;

template <typename T>
using NormReference = InBothPrecisions<T>;
TYPED_TEST_SUITE(NormReference, Precisions);

static const char *eps = "eps = 1.0e-5 : f64";

TYPED_TEST(NormReference, LayerNormOfHandNumbers) {
  // Row 1 2 3 6: mean 3, biased variance 3.5.
  auto x = floats<TypeParam>({1, 4}, {1, 2, 3, 6}), gamma = floats<TypeParam>({4}, {1, 2, 1, 1}),
       beta = floats<TypeParam>({4}, {0, 0, 5, 0});
  auto results = runOp<TypeParam>("layer_norm", {x, gamma, beta}, "tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>",
                                  "eps = 0.5 : f64");
  expectNear(results[0], {1, 4}, {-1, -1, 5, 1.5});
  expectNear(results[1], {1}, {3});
  expectNear(results[2], {1}, {0.5});
}

TYPED_TEST(NormReference, LayerNormOfLargeMeansAndConstantRows) {
  // Two passes keep the variance where one pass would cancel; a constant row gives beta.
  auto x = floats<TypeParam>({2, 2}, {10001, 9999, 7, 7}), gamma = floats<TypeParam>({2}, {1}),
       beta = floats<TypeParam>({2}, {0.25});
  auto results = runOp<TypeParam>("layer_norm", {x, gamma, beta}, "tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>", eps);
  double rstd = 1 / std::sqrt(1 + 1e-5);
  expectNear(results[0], {2, 2}, {rstd + 0.25, 0.25 - rstd, 0.25, 0.25});
  expectNear(results[2], {2}, {rstd, 1 / std::sqrt(1e-5)});
}

TYPED_TEST(NormReference, LayerNormOfOneColumn) {
  auto x = floats<TypeParam>({3, 1}, {1, 2, TypeParam(NAN)}), gamma = floats<TypeParam>({1}, {2}),
       beta = floats<TypeParam>({1}, {3});
  auto results = runOp<TypeParam>("layer_norm", {x, gamma, beta}, "tensor<3x1xf32>, tensor<3xf32>, tensor<3xf32>", eps);
  expectNear(results[0], {3, 1}, {3, 3, NAN});
}

/// d/dx of sum(w * f(x)) by central differences, for f and w in double.
template <typename F>
static std::vector<double> differences(std::vector<double> x, const std::vector<double> &weights, F function) {
  const double h = 1e-5;
  std::vector<double> gradient;
  for (double &element : x) {
    double saved = element, difference = 0;
    for (int sign : {1, -1}) {
      element = saved + sign * h;
      std::vector<double> y = function(x);
      for (size_t i = 0; i < y.size(); ++i)
        difference += sign * weights[i] * y[i];
    }
    element = saved;
    gradient.push_back(difference / (2 * h));
  }
  return gradient;
}

template <typename T>
static std::vector<double> doubles(const Array<T> &array) {
  return {array.values.begin(), array.values.end()};
}

template <typename T>
static void expectClose(const Array<T> &actual, const std::vector<double> &expected) {
  ASSERT_EQ(actual.values.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(actual.values[i], expected[i], 1e-5 * std::max(1.0, std::abs(expected[i]))) << "element " << i;
}

TYPED_TEST(NormReference, LayerNormGradient) {
  const int rows = 3, columns = 5;
  auto x = randoms<TypeParam>({rows, columns}, 1), gamma = randoms<TypeParam>({columns}, 2),
       beta = randoms<TypeParam>({columns}, 3);
  auto dy = randoms<TypeParam>({rows, columns}, 4);
  auto forward = runOp<TypeParam>("layer_norm", {x, gamma, beta}, "tensor<3x5xf32>, tensor<3xf32>, tensor<3xf32>", eps);
  auto actual = runOp<TypeParam>("layer_norm_grad", {x, gamma, forward[1], forward[2], dy},
                                 "tensor<3x5xf32>, tensor<5xf32>, tensor<5xf32>");
  auto norm = [&](const std::vector<double> &x, const std::vector<double> &gamma, const std::vector<double> &beta) {
    std::vector<double> y;
    for (int r = 0; r < rows; ++r) {
      double mean = 0, variance = 0;
      for (int c = 0; c < columns; ++c)
        mean += x[r * columns + c] / columns;
      for (int c = 0; c < columns; ++c)
        variance += std::pow(x[r * columns + c] - mean, 2) / columns;
      for (int c = 0; c < columns; ++c)
        y.push_back((x[r * columns + c] - mean) / std::sqrt(variance + 1e-5) * gamma[c] + beta[c]);
    }
    return y;
  };
  auto xd = doubles(x), gd = doubles(gamma), bd = doubles(beta), weights = doubles(dy);
  expectClose(actual[0], differences(xd, weights, [&](auto &v) { return norm(v, gd, bd); }));
  expectClose(actual[1], differences(gd, weights, [&](auto &v) { return norm(xd, v, bd); }));
  expectClose(actual[2], differences(bd, weights, [&](auto &v) { return norm(xd, gd, v); }));
}

TYPED_TEST(NormReference, L2NormalizeOfHandNumbers) {
  auto x = floats<TypeParam>({2, 2}, {3, 4, 0, 0});
  auto raw = runOp<TypeParam>("l2_normalize", {x}, "tensor<2x2xf32>, tensor<2xf32>", "eps = 0.0 : f64");
  expectNear(raw[0], {2, 2}, {0.6, 0.8, NAN, NAN});
  expectNear(raw[1], {2}, {5, 0});
  auto guarded = runOp<TypeParam>("l2_normalize", {x}, "tensor<2x2xf32>, tensor<2xf32>", "eps = 10.0 : f64");
  expectNear(guarded[0], {2, 2}, {0.3, 0.4, 0, 0});
  expectNear(guarded[1], {2}, {5, 0});
}

TYPED_TEST(NormReference, L2NormalizeOfHugeRowsStaysFinite) {
  auto x = floats<TypeParam>({1, 2}, {3e30, 4e30});
  expectNear(runOp<TypeParam>("l2_normalize", {x}, "tensor<1x2xf32>, tensor<1xf32>", "eps = 0.0 : f64")[0], {1, 2},
             {0.6, 0.8});
}

TYPED_TEST(NormReference, L2NormalizeGradient) {
  auto x = randoms<TypeParam>({3, 4}, 5), dy = randoms<TypeParam>({3, 4}, 6);
  for (double bound : {0.0, 100.0}) {
    std::string attribute = "eps = " + std::to_string(bound) + " : f64";
    auto forward = runOp<TypeParam>("l2_normalize", {x}, "tensor<3x4xf32>, tensor<3xf32>", attribute);
    auto actual = runOp<TypeParam>("l2_normalize_grad", {forward[0], forward[1], dy}, "tensor<3x4xf32>", attribute)[0];
    expectClose(actual, differences(doubles(x), doubles(dy), [&](const std::vector<double> &v) {
                  std::vector<double> y;
                  for (int i = 0; i < 12; ++i) {
                    double squares = 0;
                    for (int c = i / 4 * 4; c < i / 4 * 4 + 4; ++c)
                      squares += v[c] * v[c];
                    y.push_back(v[i] / std::max(std::sqrt(squares), bound));
                  }
                  return y;
                }));
  }
}

TYPED_TEST(NormReference, SoftmaxOfHandNumbers) {
  auto x = floats<TypeParam>({3, 2}, {0, TypeParam(std::log(3.0)), 1e4, -1e4, TypeParam(-INFINITY), 2});
  expectNear(runOp<TypeParam>("softmax", {x}, "tensor<3x2xf32>")[0], {3, 2}, {0.25, 0.75, 1, 0, 0, 1});
  expectNear(runOp<TypeParam>("softmax", {floats<TypeParam>({1}, {-7})}, "tensor<1xf32>")[0], {1}, {1});
  expectNear(runOp<TypeParam>("softmax", {floats<TypeParam>({2}, {TypeParam(NAN), 0})}, "tensor<2xf32>")[0], {2},
             {NAN, NAN});
  expectNear(runOp<TypeParam>("softmax", {floats<TypeParam>({2, 0}, {})}, "tensor<2x0xf32>")[0], {2, 0}, {});
}

TYPED_TEST(NormReference, SoftmaxGradient) {
  auto x = randoms<TypeParam>({2, 5}, 7), dy = randoms<TypeParam>({2, 5}, 8);
  auto y = runOp<TypeParam>("softmax", {x}, "tensor<2x5xf32>")[0];
  auto actual = runOp<TypeParam>("softmax_grad", {y, dy}, "tensor<2x5xf32>")[0];
  expectClose(actual, differences(doubles(x), doubles(dy), [](const std::vector<double> &v) {
                std::vector<double> y;
                for (int i = 0; i < 10; ++i) {
                  double sum = 0;
                  for (int c = i / 5 * 5; c < i / 5 * 5 + 5; ++c)
                    sum += std::exp(v[c] - v[i]);
                  y.push_back(1 / sum);
                }
                return y;
              }));
}
