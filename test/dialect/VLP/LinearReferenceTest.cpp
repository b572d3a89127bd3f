// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matrix products against the formulas of their documentation, in all transposed forms, and their flop counts.
#include "test/dialect/Interpreter/OpRunner.h"

using namespace vlp;
using namespace vlp::test;

template <typename T>
using LinearReference = InBothPrecisions<T>;
TYPED_TEST_SUITE(LinearReference, Precisions);

TYPED_TEST(LinearReference, LinearOfTorchWeights) {
  auto x = randoms<TypeParam>({2, 3, 5}, 1), w = randoms<TypeParam>({7, 5}, 2), b = randoms<TypeParam>({7}, 3);
  std::vector<double> plain(42), biased(42);
  for (int row = 0; row < 6; ++row)
    for (int n = 0; n < 7; ++n) {
      for (int k = 0; k < 5; ++k)
        plain[row * 7 + n] += static_cast<double>(x[row * 5 + k]) * w[n * 5 + k];
      biased[row * 7 + n] = plain[row * 7 + n] + b[n];
    }
  expectNear(runOp<TypeParam>("linear", {x, w}, "tensor<2x3x7xf32>")[0], {2, 3, 7}, plain);
  expectNear(runOp<TypeParam>("linear", {x, w, b}, "tensor<2x3x7xf32>")[0], {2, 3, 7}, biased);
}

TYPED_TEST(LinearReference, LinearOfOneElementAndOfNothing) {
  auto one = floats<TypeParam>({1}, {3}), weight = floats<TypeParam>({1, 1}, {4});
  expectNear(runOp<TypeParam>("linear", {one, weight}, "tensor<1xf32>")[0], {1}, {12});
  // An empty sum is the bias.
  auto empty = floats<TypeParam>({2, 0}, {}), none = floats<TypeParam>({3, 0}, {}),
       bias = floats<TypeParam>({3}, {1, 2, 3});
  expectNear(runOp<TypeParam>("linear", {empty, none, bias}, "tensor<2x3xf32>")[0], {2, 3}, {1, 2, 3, 1, 2, 3});
}

// Products of narrow operands: the sum is rounded once, to the result's type; f64 rounds neither operands nor results.
TYPED_TEST(LinearReference, NarrowProductsRoundTheirResultOnly) {
  Program program(R"(
    func.func @main(%x: tensor<1x2xf32>, %w: tensor<1x2xf32>, %b: tensor<1xf32>) -> (tensor<1x1xf32>, tensor<1x1xbf16>, tensor<1x1xf32>) {
      %xb = vlp.cast %x : (tensor<1x2xf32>) -> tensor<1x2xbf16>
      %wb = vlp.cast %w : (tensor<1x2xf32>) -> tensor<1x2xbf16>
      %wide = vlp.linear %xb, %wb, %b : (tensor<1x2xbf16>, tensor<1x2xbf16>, tensor<1xf32>) -> tensor<1x1xf32>
      %narrow = vlp.linear %xb, %wb, %b : (tensor<1x2xbf16>, tensor<1x2xbf16>, tensor<1xf32>) -> tensor<1x1xbf16>
      %product = vlp.matmul %xb, %wb {transpose_rhs} : (tensor<1x2xbf16>, tensor<1x2xbf16>) -> tensor<1x1xf32>
      return %wide, %narrow, %product : tensor<1x1xf32>, tensor<1x1xbf16>, tensor<1x1xf32>
    })");
  // 1.0625 and 1.125 are bf16 numbers, 1 + 2^-10 is none.
  auto x = floats<TypeParam>({1, 2}, {1.0625, 1 + 0x1p-10}), w = floats<TypeParam>({1, 2}, {1.125, 1}),
       b = floats<TypeParam>({1}, {0x1p-12});
  auto results = program.run<TypeParam>({x, w, b});
  ASSERT_EQ(program.errors, "");
  bool rounds = std::is_same_v<TypeParam, float>;
  double product = 1.0625 * 1.125 + (rounds ? 1 : 1 + 0x1p-10), wide = product + 0x1p-12;
  expectNear(results[0], {1, 1}, {wide});
  expectNear(results[1], {1, 1}, {rounds ? 2.203125 : wide});
  expectNear(results[2], {1, 1}, {product});
}

TYPED_TEST(LinearReference, MatmulInAllForms) {
  auto a = randoms<TypeParam>({3, 5}, 4), b = randoms<TypeParam>({5, 2}, 5);
  Array<TypeParam> at = floats<TypeParam>({5, 3}, {0}), bt = floats<TypeParam>({2, 5}, {0});
  std::vector<double> expected(6);
  for (int m = 0; m < 3; ++m)
    for (int k = 0; k < 5; ++k) {
      at[k * 3 + m] = a[m * 5 + k];
      for (int n = 0; n < 2; ++n) {
        bt[n * 5 + k] = b[k * 2 + n];
        expected[m * 2 + n] += static_cast<double>(a[m * 5 + k]) * b[k * 2 + n];
      }
    }
  auto run = [&](const Array<TypeParam> &lhs, const Array<TypeParam> &rhs, const char *attributes) {
    expectNear(runOp<TypeParam>("matmul", {lhs, rhs}, "tensor<3x2xf32>", attributes)[0], {3, 2}, expected);
  };
  run(a, b, "");
  run(at, b, "transpose_lhs");
  run(a, bt, "transpose_rhs");
  run(at, bt, "transpose_lhs, transpose_rhs");
}

TYPED_TEST(LinearReference, MatmulPassesLeadingDimensionsThrough) {
  auto a = floats<TypeParam>({2, 1, 2}, {1, 2, 3, 4}), b = floats<TypeParam>({2, 2}, {1, 10, 100, 1000});
  expectNear(runOp<TypeParam>("matmul", {a, b}, "tensor<2x1x2xf32>")[0], {2, 1, 2}, {201, 2010, 403, 4030});
}

TYPED_TEST(LinearReference, NaNReachesItsRowAndColumnOnly) {
  auto a = floats<TypeParam>({2, 2}, {TypeParam(NAN), 1, 1, 1}), b = floats<TypeParam>({2, 2}, {1, 2, 3, 4});
  expectNear(runOp<TypeParam>("matmul", {a, b}, "tensor<2x2xf32>")[0], {2, 2}, {NAN, NAN, 4, 6});
}

// The convolution of the formula, on a picture that is not square and has an odd number of patches.
TYPED_TEST(LinearReference, PatchEmbedIsAStridedConvolution) {
  const int channels = 3, height = 4, width = 6, p = 2, depth = 5;
  auto image = randoms<TypeParam>({2, channels, height, width}, 6), w = randoms<TypeParam>({depth, channels, p, p}, 7);
  auto bias = randoms<TypeParam>({depth}, 8);
  std::vector<double> expected;
  for (int b = 0; b < 2; ++b)
    for (int gy = 0; gy < height / p; ++gy)
      for (int gx = 0; gx < width / p; ++gx)
        for (int n = 0; n < depth; ++n) {
          double sum = bias[n];
          for (int c = 0; c < channels; ++c)
            for (int y = 0; y < p; ++y)
              for (int x = 0; x < p; ++x)
                sum += static_cast<double>(image[((b * channels + c) * height + gy * p + y) * width + gx * p + x]) *
                       w[((n * channels + c) * p + y) * p + x];
          expected.push_back(sum);
        }
  expectNear(runOp<TypeParam>("patch_embed", {image, w, bias}, "tensor<2x6x5xf32>")[0], {2, 6, 5}, expected);
  // patchify, then linear with the flattened weight, is the same.
  auto rows = runOp<TypeParam>("patchify", {image}, "tensor<2x6x12xf32>", "patch = 2 : i64")[0];
  Array<TypeParam> flat = w;
  flat.shape = {depth, channels * p * p};
  expectNear(runOp<TypeParam>("linear", {rows, flat, bias}, "tensor<2x6x5xf32>")[0], {2, 6, 5}, expected);
  auto back = runOp<TypeParam>("unpatchify", {rows}, "tensor<2x3x4x6xf32>", "patch = 2 : i64")[0];
  EXPECT_EQ(back.values, image.values);
}

static double flopsOf(llvm::StringRef body) {
  Program program(body);
  EXPECT_EQ(program.errors, "");
  double flops = 0;
  program.module->walk([&](CostOpInterface op) { flops += op.getFlops(); });
  return flops;
}

TEST(Cost, CountsTwoFlopsAMultiplyAdd) {
  EXPECT_EQ(flopsOf(moduleOf<float>("linear", {floats<float>({2, 5, 8}, {0}), floats<float>({24, 8}, {0})}, "",
                                    "tensor<2x5x24xf32>")),
            2.0 * 10 * 24 * 8);
  EXPECT_EQ(flopsOf(moduleOf<float>("matmul", {floats<float>({8, 4}, {0}), floats<float>({3, 8}, {0})},
                                    "transpose_lhs, transpose_rhs", "tensor<4x3xf32>")),
            2.0 * 4 * 3 * 8);
  // ViT-B/32's patch embedding of one picture: 49 patches, 768 x 3072.
  EXPECT_EQ(flopsOf(moduleOf<float>("patch_embed",
                                    {floats<float>({1, 3, 224, 224}, {0}), floats<float>({768, 3, 32, 32}, {0})}, "",
                                    "tensor<1x49x768xf32>")),
            2.0 * 49 * 768 * 3072);
}

TEST(Cost, AttentionCountsTheDenseRectangle) {
  auto q = floats<float>({2, 5, 8}, {0}), k = floats<float>({2, 3, 8}, {0}), lse = floats<float>({2, 2, 5}, {0});
  // Two products of 2 B heads Sq Sk d each; the backward has five.
  EXPECT_EQ(flopsOf(moduleOf<float>("attention", {q, k, k}, "heads = 2 : i64, scale = 0.5 : f64",
                                    "tensor<2x5x8xf32>, tensor<2x2x5xf32>")),
            4.0 * 2 * 2 * 5 * 3 * 4);
  EXPECT_EQ(flopsOf(moduleOf<float>("attention", {q, q, q}, "heads = 2 : i64, scale = 0.5 : f64, causal",
                                    "tensor<2x5x8xf32>, tensor<2x2x5xf32>")),
            4.0 * 2 * 2 * 5 * 5 * 4);
  EXPECT_EQ(flopsOf(moduleOf<float>("attention_grad", {q, k, k, q, lse, q}, "heads = 2 : i64, scale = 0.5 : f64",
                                    "tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>")),
            10.0 * 2 * 2 * 5 * 3 * 4);
}

TEST(Cost, BytesAreOperandsAndResultsOnce) {
  Program program(
      moduleOf<float>("linear", {floats<float>({2, 8}, {0}), floats<float>({3, 8}, {0})}, "", "tensor<2x3xf32>"));
  program.module->walk([&](CostOpInterface op) { EXPECT_EQ(op.getBytes(), 4.0 * (16 + 24 + 6)); });
}
