// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Embeddings and losses: hand numbers, repeated and ignored rows, saturated logits, gradients by central differences.
#include "test/dialect/Interpreter/OpRunner.h"

using namespace vlp;
using namespace vlp::test;

template <typename T>
using LossReference = InBothPrecisions<T>;
TYPED_TEST_SUITE(LossReference, Precisions);

static const char *twoRows = "tensor<2xf32>, tensor<2xf32>";

TYPED_TEST(LossReference, EmbeddingReadsRows) {
  auto table = floats<TypeParam>({3, 2}, {0, 1, 10, 11, 20, 21});
  auto ids = ints<TypeParam>({2, 2}, {2, 0, 2, 1});
  expectNear(runOp<TypeParam>("embedding", {table, ids}, "tensor<2x2x2xf32>")[0], {2, 2, 2},
             {20, 21, 0, 1, 20, 21, 10, 11});
  expectNear(runOp<TypeParam>("embedding", {table, ints<TypeParam>({}, {1})}, "tensor<2xf32>")[0], {2}, {10, 11});
}

// A row that is named three times gets three gradients, one that is not named gets none.
TYPED_TEST(LossReference, EmbeddingGradientAddsRepeatedRows) {
  auto dy = floats<TypeParam>({4, 2}, {1, 2, 10, 20, 100, 200, 1000, 2000});
  auto ids = ints<TypeParam>({4}, {2, 0, 2, 2});
  expectNear(runOp<TypeParam>("embedding_grad", {dy, ids}, "tensor<4x2xf32>")[0], {4, 2},
             {10, 20, 0, 0, 1101, 2202, 0, 0});
}

TYPED_TEST(LossReference, IdsOutsideTheTableFailAndNameTheLayer) {
  auto table = floats<TypeParam>({3, 2}, {0});
  EXPECT_EQ(errorOf<TypeParam>("embedding", {table, ints<TypeParam>({2}, {0, 3})}, "tensor<2x2xf32>"),
            "'vlp.embedding' op expects ids below the table's 3 rows, got 3 at position 1 (layer layer.under.test)\n");
  EXPECT_EQ(
      errorOf<TypeParam>("embedding_grad", {floats<TypeParam>({1, 2}, {0}), ints<TypeParam>({1}, {-1})},
                         "tensor<3x2xf32>"),
      "'vlp.embedding_grad' op expects ids below the table's 3 rows, got -1 at position 0 (layer layer.under.test)\n");
}

TYPED_TEST(LossReference, CrossEntropyOfHandNumbers) {
  // Probabilities 1/4, 3/4.
  auto x = floats<TypeParam>({2, 2}, {0, TypeParam(std::log(3.0))});
  auto results = runOp<TypeParam>("cross_entropy", {x, ints<TypeParam>({2}, {0, 1})}, twoRows);
  expectNear(results[0], {2}, {std::log(4.0), std::log(4.0 / 3)});
  expectNear(results[1], {2}, {std::log(4.0), std::log(4.0)});
  // Smoothing 0.5: three quarters of the target on the label, a quarter on the other class.
  auto smooth =
      runOp<TypeParam>("cross_entropy", {x, ints<TypeParam>({2}, {0, 1})}, twoRows, "smoothing = 0.5 : f64")[0];
  expectNear(smooth, {2}, {std::log(4.0) - 0.25 * std::log(3.0), std::log(4.0) - 0.75 * std::log(3.0)});
  // Smoothing 1: the label does not matter.
  auto uniform =
      runOp<TypeParam>("cross_entropy", {x, ints<TypeParam>({2}, {0, 1})}, twoRows, "smoothing = 1.0 : f64")[0];
  expectNear(uniform, {2}, {std::log(4.0) - 0.5 * std::log(3.0), std::log(4.0) - 0.5 * std::log(3.0)});
}

TYPED_TEST(LossReference, IgnoredRowsHaveNoLossAndNoGradient) {
  auto x = floats<TypeParam>({2, 3}, {TypeParam(NAN), 1, 2, 0, 0, 0});
  auto labels = ints<TypeParam>({2}, {-100, 2});
  auto results = runOp<TypeParam>("cross_entropy", {x, labels}, twoRows);
  expectNear(results[0], {2}, {0, std::log(3.0)});
  auto dx = runOp<TypeParam>("cross_entropy_grad", {x, labels, results[1], floats<TypeParam>({2}, {1})},
                             "tensor<2x3xf32>")[0];
  expectNear(dx, {2, 3}, {0, 0, 0, 1 / 3.0, 1 / 3.0, -2 / 3.0});
  auto other =
      runOp<TypeParam>("cross_entropy", {x, ints<TypeParam>({2}, {1, 1})}, twoRows, "ignore_index = 1 : i64")[0];
  expectNear(other, {2}, {0, 0});
}

TYPED_TEST(LossReference, LabelsOutsideFail) {
  auto x = floats<TypeParam>({2, 3}, {0});
  EXPECT_EQ(errorOf<TypeParam>("cross_entropy", {x, ints<TypeParam>({2}, {0, 3})}, twoRows),
            "'vlp.cross_entropy' op expects labels below the 3 classes or -100 to ignore, got 3 in row 1 (layer "
            "layer.under.test)\n");
}

TYPED_TEST(LossReference, SaturatedLogits) {
  auto x = floats<TypeParam>({2, 2}, {1e4, -1e4});
  auto labels = ints<TypeParam>({2}, {0, 1});
  auto results = runOp<TypeParam>("cross_entropy", {x, labels}, twoRows);
  expectNear(results[0], {2}, {0, 2e4});
  expectNear(results[1], {2}, {1e4, 1e4});
  auto dx = runOp<TypeParam>("cross_entropy_grad", {x, labels, results[1], floats<TypeParam>({2}, {1})},
                             "tensor<2x2xf32>")[0];
  expectNear(dx, {2, 2}, {0, 0, 1, -1});
  // A class masked by -inf does not count.
  auto masked = floats<TypeParam>({2, 2}, {TypeParam(-INFINITY), 5});
  expectNear(runOp<TypeParam>("cross_entropy", {masked, ints<TypeParam>({2}, {1})}, twoRows)[0], {2}, {0, 0});
}

/// loss = sum_n weights[n] sum_c q[n, c] (lse[n] - x[n, c]).
static double weightedLoss(const std::vector<double> &x, const std::vector<double> &q,
                           const std::vector<double> &weights, int classes) {
  double loss = 0;
  for (size_t n = 0; n < weights.size(); ++n) {
    double sum = 0;
    for (int c = 0; c < classes; ++c)
      sum += std::exp(x[n * classes + c]);
    for (int c = 0; c < classes; ++c)
      loss += weights[n] * q[n * classes + c] * (std::log(sum) - x[n * classes + c]);
  }
  return loss;
}

template <typename T>
static void expectGradient(const Array<T> &actual, const Array<T> &logits, const std::vector<double> &q,
                           const std::vector<double> &weights, int classes) {
  const double h = 1e-5;
  std::vector<double> x(logits.values.begin(), logits.values.end());
  for (size_t i = 0; i < x.size(); ++i) {
    double saved = x[i];
    x[i] = saved + h;
    double above = weightedLoss(x, q, weights, classes);
    x[i] = saved - h;
    double below = weightedLoss(x, q, weights, classes);
    x[i] = saved;
    EXPECT_NEAR(actual.values[i], (above - below) / (2 * h), 1e-5) << "element " << i;
  }
}

TYPED_TEST(LossReference, CrossEntropyGradient) {
  auto x = randoms<TypeParam>({3, 5}, 1), dloss = floats<TypeParam>({3}, {1, 0.5, -2});
  auto labels = ints<TypeParam>({3}, {4, 0, 2});
  std::vector<double> q(15, 0.1 / 5);
  for (int n = 0; n < 3; ++n)
    q[n * 5 + labels.ints[n]] += 0.9;
  auto forward =
      runOp<TypeParam>("cross_entropy", {x, labels}, "tensor<3xf32>, tensor<3xf32>", "smoothing = 0.1 : f64");
  auto dx = runOp<TypeParam>("cross_entropy_grad", {x, labels, forward[1], dloss}, "tensor<3x5xf32>",
                             "smoothing = 0.1 : f64")[0];
  expectGradient(dx, x, q, {1, 0.5, -2}, 5);
}

// Targets need not sum to 1: rows without a match are zero, and their loss and gradient with them.
TYPED_TEST(LossReference, SoftCrossEntropyAndItsGradient) {
  auto x = randoms<TypeParam>({3, 4}, 2), dloss = floats<TypeParam>({3}, {1, -0.5, 2});
  auto t = floats<TypeParam>({3, 4}, {0.5, 0.5, 0, 0, 0, 0, 0, 0, 1, 0.25, 0.5, 0.75});
  std::vector<double> q(t.values.begin(), t.values.end()), xd(x.values.begin(), x.values.end());
  auto forward = runOp<TypeParam>("soft_cross_entropy", {x, t}, "tensor<3xf32>, tensor<3xf32>");
  expectNear(forward[0], {3}, {weightedLoss(xd, q, {1, 0, 0}, 4), 0, weightedLoss(xd, q, {0, 0, 1}, 4)});
  auto dx = runOp<TypeParam>("soft_cross_entropy_grad", {x, t, forward[1], dloss}, "tensor<3x4xf32>")[0];
  expectGradient(dx, x, q, {1, -0.5, 2}, 4);
}

TYPED_TEST(LossReference, MatchTargetsShareTheMass) {
  auto a = ints<TypeParam>({3}, {7, 8, 9}), b = ints<TypeParam>({4}, {7, 9, 7, 9});
  expectNear(runOp<TypeParam>("match_targets", {a, b}, "tensor<3x4xf32>")[0], {3, 4},
             {0.5, 0, 0.5, 0, 0, 0, 0, 0, 0, 0.5, 0, 0.5});
  auto one = ints<TypeParam>({1}, {-1});
  expectNear(runOp<TypeParam>("match_targets", {one, one}, "tensor<1x1xf32>")[0], {1, 1}, {1});
}
