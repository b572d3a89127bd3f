// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Uniform draws are Philox's words, spread evenly, and functions of seed, step, stream and place alone.
#include "runtime/format/Philox.h"
#include "test/dialect/Interpreter/OpRunner.h"
#include <cmath>

using namespace vlp;
using namespace vlp::test;

template <typename T>
using RandomReference = InBothPrecisions<T>;
TYPED_TEST_SUITE(RandomReference, Precisions);

template <typename T>
static Array<T> draw(int32_t seed, int32_t step, int64_t stream, int64_t count) {
  return runOp<T>("random_uniform", {ints<T>({}, {seed}), ints<T>({}, {step})},
                  "tensor<" + std::to_string(count) + "xf32>", "stream = " + std::to_string(stream) + " : i64")[0];
}

TYPED_TEST(RandomReference, AreTheGeneratorsWords) {
  Array<TypeParam> drawn = draw<TypeParam>(-5, 7, 3, 9);
  for (uint32_t i = 0; i < 9; ++i) {
    uint32_t word = philox4x32({i, 7, 3, 0}, {uint32_t(-5), kStepKey})[0];
    EXPECT_EQ(drawn[i], TypeParam(((word >> 9) + 0.5) / 8388608.0));
  }
}

TYPED_TEST(RandomReference, DependOnSeedStepAndStream) {
  auto values = [](int32_t seed, int32_t step, int64_t stream) {
    return draw<TypeParam>(seed, step, stream, 16).values;
  };
  EXPECT_EQ(values(1, 2, 3), values(1, 2, 3));
  EXPECT_NE(values(1, 2, 3), values(0, 2, 3));
  EXPECT_NE(values(1, 2, 3), values(1, 3, 3));
  EXPECT_NE(values(1, 2, 3), values(1, 2, 4294967295));
}

TYPED_TEST(RandomReference, FillTheOpenUnitIntervalEvenly) {
  constexpr int64_t count = 100000, bins = 50;
  Array<TypeParam> drawn = draw<TypeParam>(1, 0, 1, count);
  std::vector<int64_t> histogram(bins);
  double correlation = 0;
  for (int64_t i = 0; i < count; ++i) {
    ASSERT_GT(drawn[i], 0);
    ASSERT_LT(drawn[i], 1);
    ++histogram[size_t(double(drawn[i]) * bins)];
    correlation += (drawn[i] - 0.5) * (drawn[(i + 1) % count] - 0.5) * 12 / count;
  }
  double chiSquare = 0, expected = double(count) / bins;
  for (int64_t found : histogram)
    chiSquare += std::pow(found - expected, 2) / expected;
  EXPECT_LT(chiSquare, 94.6) << "49 degrees of freedom, one in 10,000";
  EXPECT_LT(std::fabs(correlation), 4.0 / std::sqrt(double(count)));
}
