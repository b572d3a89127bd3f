// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards queues at their ends, soft targets, and that negatives are drawn as they should be.
#include "models/common/Momentum.h"
#include "models/common/TrainState.h"
#include "test/models/common/EntryRunner.h"
#include <cmath>

using namespace vlp;
using namespace vlp::models;
using vlp::test::EntryRunner;
using vlp::test::makeArray;
using vlp::test::makeInts;

TEST(Momentum, TheQueueIsARing) {
  EntryRunner runner;
  ModelBuilder b(*runner.module);
  runner.build(b, {{"queue", b.floatType({2, 6})}, {"rows", b.floatType({3, 2})}, {"position", b.intType({})}},
               [&]() -> std::vector<Output> {
                 mlir::Value position = b.getInput("position");
                 return {{"queue", enqueue(b, b.getInput("queue"), b.getInput("rows"), position)},
                         {"position", advance(b, position, 3, 6)}};
               });
  auto queue = makeArray({2, 6}, {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15});
  auto rows = makeArray({3, 2}, {-1, -2, -3, -4, -5, -6});
  auto first = runner.run({queue, rows, makeInts({}, {0})}), last = runner.run({queue, rows, makeInts({}, {3})});
  EXPECT_EQ(first[0].values, (std::vector<double>{-1, -3, -5, 3, 4, 5, -2, -4, -6, 13, 14, 15}));
  EXPECT_EQ(last[0].values, (std::vector<double>{0, 1, 2, -1, -3, -5, 10, 11, 12, -2, -4, -6}));
  EXPECT_EQ(first[1].ints, std::vector<int32_t>{3});
  EXPECT_EQ(last[1].ints, std::vector<int32_t>{0});
}

/// Chi-square of `counts` against `probabilities`.
static double chiSquare(const std::vector<int64_t> &counts, const std::vector<double> &probabilities, int64_t draws) {
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i)
    if (probabilities[i] > 0)
      sum += std::pow(counts[i] - draws * probabilities[i], 2) / (draws * probabilities[i]);
  return sum;
}

namespace {
/// Draws negatives of a fixed matrix, step after step.
class DrawnNegatives : public testing::Test {
protected:
  void draw(std::vector<double> similarity, int64_t size, int32_t steps, double least = 0) {
    ModelBuilder b(*runner.module);
    runner.build(b, {{"similarity", b.floatType({size, size})}}, [&]() -> std::vector<Output> {
      mlir::Value uniform = drawUniform(b, {size, size}, DrawStream::Negatives);
      return {{"index", drawNegatives(b, b.getInput("similarity"), uniform, least)}};
    });
    counts.assign(size, std::vector<int64_t>(size));
    runner.state["train.seed"] = makeInts({}, {1});
    for (int32_t step = 0; step < steps; ++step) {
      runner.state["train.step"] = makeInts({}, {step});
      auto drawn = runner.run({makeArray({size, size}, similarity)});
      for (int64_t row = 0; row < size; ++row)
        ++counts[row][drawn[0].ints[row]];
    }
  }

  EntryRunner runner;
  std::vector<std::vector<int64_t>> counts;
};
} // namespace

TEST_F(DrawnNegatives, FollowTheSoftmaxOfTheOthers) {
  constexpr int64_t size = 5, steps = 4000;
  std::vector<double> similarity = {9, 0.5, 1, 0, -1, 2, 0, 0, 0, 0, -3, 1, 50, 1, 1, 0, 0, 1, 2, 3, 1, 2, 3, 2, -9};
  draw(similarity, size, steps);
  for (int64_t row = 0; row < size; ++row) {
    std::vector<double> weights(size);
    double sum = 0;
    for (int64_t column = 0; column < size; ++column)
      if (column != row)
        sum += weights[column] = std::exp(similarity[row * size + column]);
    for (double &weight : weights)
      weight /= sum;
    EXPECT_EQ(counts[row][row], 0) << "a row's own column is no negative";
    EXPECT_LT(chiSquare(counts[row], weights, steps), 21.1) << "row " << row << ": 3 degrees, one in 10,000";
  }
}

// BLIP's floor: what the softmax leaves nothing is still drawn.
TEST_F(DrawnNegatives, EveryWeightIsAtLeastTheFloor) {
  constexpr int64_t steps = 4000;
  draw({20, -20, -20, 0, 0, 0, 0, 0, 0}, 3, steps, /*least=*/0.25);
  EXPECT_EQ(counts[0][0], 0);
  EXPECT_LT(chiSquare(counts[0], {0, 0.5, 0.5}, steps), 15.2) << "1 degree, one in 10,000";
}

// torch.multinomial fails here: but for the diagonal all weights are 0 in f32.
TEST_F(DrawnNegatives, SurviveASaturatedSoftmax) {
  draw({1000, -1000, -1001, -1000, 1000, -1000, 0, 0, 1000}, 3, 200);
  for (int64_t row = 0; row < 3; ++row)
    EXPECT_EQ(counts[row][row], 0);
  EXPECT_GT(counts[0][1], counts[0][2]);
  EXPECT_GT(counts[0][2], 0);
  EXPECT_GT(counts[2][0], 60);
  EXPECT_GT(counts[2][1], 60);
}

TEST_F(DrawnNegatives, OfTwoItemsIsTheOther) {
  draw({0, 0, 0, 0}, 2, 20);
  EXPECT_EQ(counts[0][1], 20);
  EXPECT_EQ(counts[1][0], 20);
}

TEST(Momentum, TargetsMixTheDiagonalWithTheMomentumModel) {
  EntryRunner runner;
  ModelBuilder b(*runner.module);
  auto rows = [&](const char *name) { return Port{name, b.floatType({2, 2})}; };
  runner.build(
      b, {rows("f"), rows("fm"), rows("gm"), {"queue", b.floatType({2, 1})}, {"alpha", b.floatType({})}},
      [&]() -> std::vector<Output> {
        ContrastSide queries{b.getInput("f"), b.getInput("fm"), {}}, keys{{}, b.getInput("gm"), b.getInput("queue")};
        Contrast contrast = contrastWithQueue(b, queries, keys, b.constant(0.5), b.getInput("alpha"));
        return {{"similarity", contrast.similarity}, {"losses", contrast.losses}};
      });
  auto f = makeArray({2, 2}, {1, 0, 0.6, 0.8}), fm = makeArray({2, 2}, {0, 1, 1, 0});
  auto gm = makeArray({2, 2}, {0.8, 0.6, 0, 1}), queue = makeArray({2, 1}, {-1, 0});
  auto results = runner.run({f, fm, gm, queue, makeArray({}, {0.25})});
  std::vector<double> similarity = {1.6, 0, -2, 1.92, 1.6, -1.2}, soft = {1.2, 2, 0, 1.6, 0, -2};
  for (int row = 0; row < 2; ++row) {
    double sum = 0, softSum = 0, loss = 0;
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(results[0].values[3 * row + c], similarity[3 * row + c], 1e-12);
      sum += std::exp(similarity[3 * row + c]);
      softSum += std::exp(soft[3 * row + c]);
    }
    for (int c = 0; c < 3; ++c) {
      double target = 0.25 * std::exp(soft[3 * row + c]) / softSum + 0.75 * (c == row);
      loss -= target * (similarity[3 * row + c] - std::log(sum));
    }
    EXPECT_NEAR(results[1].values[row], loss, 1e-12);
  }
}
