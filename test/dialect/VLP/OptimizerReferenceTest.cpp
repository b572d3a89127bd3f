// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimizer ops: hand numbers, the switches (clip off, no decay, not enabled), NaN and infinities.
#include "test/dialect/Interpreter/OpRunner.h"

using namespace vlp;
using namespace vlp::test;

template <typename T>
using OptimizerReference = InBothPrecisions<T>;
TYPED_TEST_SUITE(OptimizerReference, Precisions);

template <typename T>
static Array<T> scalar(double value) {
  return floats<T>({}, {static_cast<T>(value)});
}

TYPED_TEST(OptimizerReference, GlobalNormOfSeveralTensors) {
  auto a = floats<TypeParam>({2}, {1, 2}), b = floats<TypeParam>({1, 2}, {2, 4}), c = scalar<TypeParam>(0);
  expectNear(runOp<TypeParam>("global_norm", {a, b, c}, "tensor<f32>")[0], {}, {5});
  // Squares beyond the range of f32 do not overflow on the way.
  expectNear(runOp<TypeParam>("global_norm", {floats<TypeParam>({2}, {3e25, 4e25})}, "tensor<f32>")[0], {}, {5e25});
  EXPECT_TRUE(
      std::isnan(runOp<TypeParam>("global_norm", {floats<TypeParam>({2}, {TypeParam(NAN), 1})}, "tensor<f32>")[0][0]));
}

TYPED_TEST(OptimizerReference, ClipFactor) {
  auto factor = [](double norm, double bound) {
    return runOp<TypeParam>("clip_factor", {scalar<TypeParam>(norm), scalar<TypeParam>(bound)}, "tensor<f32>")[0][0];
  };
  EXPECT_NEAR(factor(4, 1), 0.25, 1e-6);
  EXPECT_EQ(factor(0.5, 1), TypeParam(1));
  EXPECT_EQ(factor(0, 1), TypeParam(1));
  EXPECT_EQ(factor(1e9, 0), TypeParam(1)) << "0 turns clipping off";
  EXPECT_EQ(factor(INFINITY, 1), TypeParam(0));
  EXPECT_TRUE(std::isnan(factor(NAN, 1)));
}

TYPED_TEST(OptimizerReference, AllFinite) {
  auto flag = [](double a, double b) {
    return runOp<TypeParam>("all_finite", {scalar<TypeParam>(a), scalar<TypeParam>(b)}, "tensor<i32>")[0].ints[0];
  };
  EXPECT_EQ(flag(1, -3e38), 1);
  EXPECT_EQ(flag(1, INFINITY), 0);
  EXPECT_EQ(flag(-INFINITY, 1), 0);
  EXPECT_EQ(flag(NAN, 1), 0);
}

TYPED_TEST(OptimizerReference, WarmupCosine) {
  auto rate = [](int step, double warmup, double total) {
    return runOp<TypeParam>(
        "warmup_cosine",
        {ints<TypeParam>({}, {step}), scalar<TypeParam>(2), scalar<TypeParam>(warmup), scalar<TypeParam>(total)},
        "tensor<f32>")[0][0];
  };
  EXPECT_NEAR(rate(0, 4, 12), 0.5, 1e-6);
  EXPECT_NEAR(rate(3, 4, 12), 2, 1e-6);
  EXPECT_NEAR(rate(4, 4, 12), 2, 1e-6);
  EXPECT_NEAR(rate(8, 4, 12), 1, 1e-6);
  EXPECT_NEAR(rate(6, 4, 12), 1 + std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(rate(12, 4, 12), 0, 1e-6);
  EXPECT_NEAR(rate(99, 4, 12), 0, 1e-6) << "stays at 0 after the end";
  EXPECT_NEAR(rate(0, 0, 10), 2, 1e-6) << "no warm-up";
  EXPECT_EQ(rate(4, 4, 4), TypeParam(0)) << "nothing after the warm-up";
  EXPECT_EQ(rate(9, 4, 2), TypeParam(0));
}

/// p, m, v after one step from the given moments; operands as the op lists them.
template <typename T>
static std::vector<Array<T>> step(int step, double decay, bool decays, double scale = 1, int enabled = 1) {
  return runOp<T>("adamw",
                  {floats<T>({2}, {1, -2}), floats<T>({2}, {0.5, -0.25}), floats<T>({2}, {0.1, 0}),
                   floats<T>({2}, {0.2, 0}), ints<T>({}, {step}), scalar<T>(0.01), scalar<T>(0.9), scalar<T>(0.999),
                   scalar<T>(1e-8), scalar<T>(decay), scalar<T>(scale), ints<T>({}, {enabled})},
                  "tensor<2xf32>, tensor<2xf32>, tensor<2xf32>", decays ? "decay" : "");
}

/// torch.optim.AdamW written out for one element.
static std::array<double, 3> torchStep(double p, double g, double m, double v, int t, double decay) {
  p *= 1 - 0.01 * decay;
  m = 0.9 * m + (1 - 0.9) * g;
  v = 0.999 * v + (1 - 0.999) * g * g;
  double denominator = std::sqrt(v) / std::sqrt(1 - std::pow(0.999, t)) + 1e-8;
  return {p - 0.01 / (1 - std::pow(0.9, t)) * m / denominator, m, v};
}

// In f32 the coefficients themselves are rounded (1 - 0.999f is off by 5e-5); hence the wider bound.
template <typename T>
static void expectStep(const std::vector<Array<T>> &actual, int t, double decay, double scale) {
  double bound = std::is_same_v<T, float> ? 1e-5 : 1e-12;
  std::array<double, 3> expected[] = {torchStep(1, 0.5 * scale, 0.1, 0.2, t, decay),
                                      torchStep(-2, -0.25 * scale, 0, 0, t, decay)};
  for (int element = 0; element < 2; ++element)
    for (int output = 0; output < 3; ++output)
      EXPECT_NEAR(actual[output][element], expected[element][output], bound)
          << "element " << element << ", output " << output;
}

TYPED_TEST(OptimizerReference, AdamWAsTorchComputesIt) {
  expectStep(step<TypeParam>(1, 0.1, true), 1, 0.1, 1);
  expectStep(step<TypeParam>(1, 0.1, false), 1, 0, 1);
  expectStep(step<TypeParam>(1000, 0.2, true), 1000, 0.2, 1);
  expectStep(step<TypeParam>(5, 0.2, true, 0.125), 5, 0.2, 0.125);
}

// The step of a not-finite loss leaves everything bit for bit as it was, whatever the gradient holds.
TYPED_TEST(OptimizerReference, AdamWNotEnabledChangesNothing) {
  auto results = step<TypeParam>(3, 0.1, true, NAN, 0);
  EXPECT_EQ(results[0].values, (std::vector<TypeParam>{1, -2}));
  EXPECT_EQ(results[1].values, (std::vector<TypeParam>{TypeParam(0.1), 0}));
  EXPECT_EQ(results[2].values, (std::vector<TypeParam>{TypeParam(0.2), 0}));
}

TYPED_TEST(OptimizerReference, Clamp) {
  auto x = floats<TypeParam>({4}, {-5, 0.5, 9, TypeParam(NAN)});
  expectNear(runOp<TypeParam>("clamp", {x, scalar<TypeParam>(0), scalar<TypeParam>(4.6052)}, "tensor<4xf32>")[0], {4},
             {0, 0.5, TypeParam(4.6052), NAN});
  // min comes last: crossed bounds give the upper one.
  expectNear(runOp<TypeParam>("clamp", {x, scalar<TypeParam>(3), scalar<TypeParam>(1)}, "tensor<4xf32>")[0], {4},
             {1, 1, 1, NAN});
}
