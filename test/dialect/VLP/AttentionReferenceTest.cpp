// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention against the definition (all scores, then softmax, then the product) and its gradient against central
// differences.
#include "test/dialect/Interpreter/OpRunner.h"

using namespace vlp;
using namespace vlp::test;

template <typename T>
using AttentionReference = InBothPrecisions<T>;
TYPED_TEST_SUITE(AttentionReference, Precisions);

struct Sizes {
  int batch, queries, keys, heads, width;
  double scale;
  bool causal;
  /// Extents of the mask: of the batch, the heads and the queries (each 1 or all); empty for none.
  std::vector<int> mask = {};

  std::string attributes() const {
    return "heads = " + std::to_string(heads) + " : i64, scale = " + std::to_string(scale) + " : f64" +
           (causal ? ", causal" : "");
  }
  std::string type(int rows) const {
    return "tensor<" + std::to_string(batch) + "x" + std::to_string(rows) + "x" + std::to_string(heads * width) +
           "xf32>";
  }
  std::string lseType() const {
    return "tensor<" + std::to_string(batch) + "x" + std::to_string(heads) + "x" + std::to_string(queries) + "xf32>";
  }
};

/// Place of the mask's element for score (b, h, i, j).
static size_t maskAt(const Sizes &s, int b, int h, int i, int j) {
  auto clamp = [](int index, int extent) { return extent == 1 ? 0 : index; };
  return ((size_t(clamp(b, s.mask[0])) * s.mask[1] + clamp(h, s.mask[1])) * s.mask[2] + clamp(i, s.mask[2])) * s.keys +
         j;
}

/// The definition; `lse` gets the log-sum-exps unless null. Masked scores are -inf, as the papers write them.
static std::vector<double> attend(const Sizes &s, const std::vector<double> &q, const std::vector<double> &k,
                                  const std::vector<double> &v, const std::vector<double> &mask = {},
                                  std::vector<double> *lse = nullptr) {
  int pitch = s.heads * s.width;
  std::vector<double> y(s.batch * s.queries * pitch);
  for (int b = 0; b < s.batch; ++b)
    for (int h = 0; h < s.heads; ++h)
      for (int i = 0; i < s.queries; ++i) {
        std::vector<double> scores(s.keys, 0);
        for (int j = 0; j < s.keys; ++j) {
          for (int d = 0; d < s.width; ++d)
            scores[j] += s.scale * q[(b * s.queries + i) * pitch + h * s.width + d] *
                         k[(b * s.keys + j) * pitch + h * s.width + d];
          if (!mask.empty())
            scores[j] += mask[maskAt(s, b, h, i, j)];
          if (s.causal && j > i)
            scores[j] = -INFINITY;
        }
        double max = *std::max_element(scores.begin(), scores.end()), sum = 0;
        for (double score : scores)
          sum += std::exp(score - max);
        if (lse)
          lse->push_back(max + std::log(sum));
        for (int j = 0; j < s.keys; ++j)
          for (int d = 0; d < s.width; ++d)
            y[(b * s.queries + i) * pitch + h * s.width + d] +=
                std::exp(scores[j] - max) / sum * v[(b * s.keys + j) * pitch + h * s.width + d];
      }
  return y;
}

template <typename T>
static std::vector<double> doubles(const Array<T> &array) {
  return {array.values.begin(), array.values.end()};
}

static const Sizes shapes[] = {{2, 5, 5, 2, 3, 0.5, false},
                               {1, 4, 7, 3, 1, 1.25, false},
                               {2, 5, 5, 2, 4, 0.5, true},
                               {1, 1, 1, 1, 2, 1.0, true},
                               {3, 1, 9, 1, 5, 0.125, false},
                               {2, 4, 7, 2, 3, 0.5, false, {2, 1, 1}},  // key padding
                               {2, 5, 5, 2, 3, 0.5, true, {1, 2, 5}},   // a bias of each head
                               {2, 3, 4, 2, 2, 0.5, false, {2, 2, 3}}}; // everything differs

template <typename T>
static std::vector<Array<T>> maskOf(const Sizes &s, unsigned seed) {
  if (s.mask.empty())
    return {};
  return {randoms<T>({s.mask[0], s.mask[1], s.mask[2], s.keys}, seed)};
}

template <typename T>
static std::vector<Array<T>> with(std::vector<Array<T>> operands, const std::vector<Array<T>> &more) {
  operands.insert(operands.end(), more.begin(), more.end());
  return operands;
}

TYPED_TEST(AttentionReference, Definition) {
  for (const Sizes &s : shapes) {
    int64_t pitch = s.heads * s.width;
    auto q = randoms<TypeParam>({s.batch, s.queries, pitch}, 1), k = randoms<TypeParam>({s.batch, s.keys, pitch}, 2);
    auto v = randoms<TypeParam>({s.batch, s.keys, pitch}, 3);
    auto mask = maskOf<TypeParam>(s, 12);
    auto results =
        runOp<TypeParam>("attention", with({q, k, v}, mask), s.type(s.queries) + ", " + s.lseType(), s.attributes());
    std::vector<double> lse, added = mask.empty() ? std::vector<double>() : doubles(mask[0]);
    expectNear(results[0], {s.batch, s.queries, pitch}, attend(s, doubles(q), doubles(k), doubles(v), added, &lse));
    expectNear(results[1], {s.batch, s.heads, s.queries}, lse);
  }
}

// Query 0 of a causal attention sees key 0 alone: its value exactly, and its score as the log-sum-exp.
TYPED_TEST(AttentionReference, FirstCausalRowIsItsValue) {
  auto q = randoms<TypeParam>({1, 3, 2}, 4), v = randoms<TypeParam>({1, 3, 2}, 5);
  auto results = runOp<TypeParam>("attention", {q, q, v}, "tensor<1x3x2xf32>, tensor<1x1x3xf32>",
                                  "heads = 1 : i64, scale = 1.0 : f64, causal");
  EXPECT_EQ(results[0][0], v[0]);
  EXPECT_EQ(results[0][1], v[1]);
  EXPECT_NEAR(results[1][0], q[0] * q[0] + q[1] * q[1], 1e-6);
}

TYPED_TEST(AttentionReference, SaturatedScoresStayFinite) {
  auto q = floats<TypeParam>({1, 1, 1}, {100}), k = floats<TypeParam>({1, 3, 1}, {100, -100, 99});
  auto v = floats<TypeParam>({1, 3, 1}, {1, 2, 3});
  auto results = runOp<TypeParam>("attention", {q, k, v}, "tensor<1x1x1xf32>, tensor<1x1x1xf32>",
                                  "heads = 1 : i64, scale = 1.0 : f64");
  expectNear(results[0], {1, 1, 1}, {1});
  expectNear(results[1], {1, 1, 1}, {1e4});
}

TYPED_TEST(AttentionReference, NaNStaysInItsBatchItem) {
  auto q = randoms<TypeParam>({2, 2, 2}, 6);
  q[0] = TypeParam(NAN);
  auto y = runOp<TypeParam>("attention", {q, q, q}, "tensor<2x2x2xf32>, tensor<2x1x2xf32>",
                            "heads = 1 : i64, scale = 1.0 : f64")[0];
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_FALSE(std::isnan(y[4]));
}

// The interpreter's causal loop never reads a masked key: a NaN there is invisible.
TYPED_TEST(AttentionReference, MaskedKeysAreNotRead) {
  auto q = randoms<TypeParam>({1, 2, 1}, 7), k = q, v = q;
  k[1] = v[1] = TypeParam(NAN);
  auto y = runOp<TypeParam>("attention", {q, k, v}, "tensor<1x2x1xf32>, tensor<1x1x2xf32>",
                            "heads = 1 : i64, scale = 1.0 : f64, causal")[0];
  EXPECT_FALSE(std::isnan(y[0]));
  EXPECT_TRUE(std::isnan(y[1]));
}

// Query 1 sees nothing: a result of zero, and no gradient through it.
TYPED_TEST(AttentionReference, AQueryThatSeesNoKey) {
  auto q = randoms<TypeParam>({1, 2, 2}, 13), dy = randoms<TypeParam>({1, 2, 2}, 14);
  const TypeParam hidden = -INFINITY;
  auto mask = floats<TypeParam>({1, 1, 2, 2}, {0, hidden, hidden, hidden});
  const char *attributes = "heads = 1 : i64, scale = 1.0 : f64";
  auto forward = runOp<TypeParam>("attention", {q, q, q, mask}, "tensor<1x2x2xf32>, tensor<1x1x2xf32>", attributes);
  expectNear(forward[0], {1, 2, 2}, {double(q[0]), double(q[1]), 0, 0});
  EXPECT_EQ(forward[1][1], hidden);
  auto gradient =
      runOp<TypeParam>("attention_grad", {q, q, q, forward[0], forward[1], dy, mask},
                       "tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x1x2x2xf32>", attributes);
  expectNear(gradient[0], {1, 2, 2}, {0, 0, 0, 0});
  expectNear(gradient[1], {1, 2, 2}, {0, 0, 0, 0});
  expectNear(gradient[2], {1, 2, 2}, {double(dy[0]), double(dy[1]), 0, 0});
  expectNear(gradient[3], {1, 1, 2, 2}, {0, 0, 0, 0});
}

TYPED_TEST(AttentionReference, Gradient) {
  const double h = 1e-5;
  for (const Sizes &s : shapes) {
    int64_t pitch = s.heads * s.width;
    auto q = randoms<TypeParam>({s.batch, s.queries, pitch}, 8), k = randoms<TypeParam>({s.batch, s.keys, pitch}, 9);
    auto v = randoms<TypeParam>({s.batch, s.keys, pitch}, 10), dy = randoms<TypeParam>({s.batch, s.queries, pitch}, 11);
    auto mask = maskOf<TypeParam>(s, 12);
    std::string scores = "tensor<" + std::to_string(s.batch) + "x" + std::to_string(s.heads) + "x" +
                         std::to_string(s.queries) + "x" + std::to_string(s.keys) + "xf32>";
    auto forward =
        runOp<TypeParam>("attention", with({q, k, v}, mask), s.type(s.queries) + ", " + s.lseType(), s.attributes());
    auto actual = runOp<TypeParam>("attention_grad", with({q, k, v, forward[0], forward[1], dy}, mask),
                                   s.type(s.queries) + ", " + s.type(s.keys) + ", " + s.type(s.keys) +
                                       (mask.empty() ? "" : ", " + scores),
                                   s.attributes());
    std::vector<std::vector<double>> operands = {doubles(q), doubles(k), doubles(v)};
    if (!mask.empty()) {
      operands.push_back(doubles(mask[0]));
      auto sum =
          floats<TypeParam>(mask[0].shape, std::vector<TypeParam>(mask[0].values.size(),
                                                                  0)); // of the score gradients, where the mask repeats
      for (int b = 0, n = 0; b < s.batch; ++b)
        for (int h = 0; h < s.heads; ++h)
          for (int i = 0; i < s.queries; ++i)
            for (int j = 0; j < s.keys; ++j)
              sum[maskAt(s, b, h, i, j)] += actual[3][n++];
      actual[3] = sum;
    }
    for (size_t operand = 0; operand < operands.size(); ++operand)
      for (size_t i = 0; i < operands[operand].size(); ++i) {
        double saved = operands[operand][i], difference = 0;
        for (int sign : {1, -1}) {
          operands[operand][i] = saved + sign * h;
          std::vector<double> y =
              attend(s, operands[0], operands[1], operands[2], mask.empty() ? std::vector<double>() : operands[3]);
          for (size_t n = 0; n < y.size(); ++n)
            difference += sign * dy[n] * y[n];
        }
        operands[operand][i] = saved;
        EXPECT_NEAR(actual[operand][i], difference / (2 * h), 2e-5) << "operand " << operand << ", element " << i;
      }
  }
}
