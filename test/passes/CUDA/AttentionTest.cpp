// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention and its gradient on the GPU: every way a block can be divided, both types, tails of rows, columns and
// depths, causal and cross attention, slices of fused projections, scores that would overflow, missing results.
#include "test/passes/CUDA/KernelHarness.h"

#include <gtest/gtest.h>
#include <limits>

using vlp::test::checkKernel;
using vlp::test::checkReports;
using vlp::test::KernelCase;

namespace {

struct Shape {
  int batch, heads, queries, keys, depth;
  bool causal = false;
  std::string scale = "0.37";

  int width() const { return heads * depth; }
  std::string attributes() const {
    return "{heads = " + std::to_string(heads) + " : i64, scale = " + scale + " : f64" + (causal ? ", causal}" : "}");
  }
  std::string lse() const {
    return std::to_string(batch) + "x" + std::to_string(heads) + "x" + std::to_string(queries) + "xf32";
  }
  std::string tensor(int rows, int columns, const std::string &type) const {
    return std::to_string(batch) + "x" + std::to_string(rows) + "x" + std::to_string(columns) + "x" + type;
  }
};

/// "(tensor<a>, tensor<b>)"
std::string types(const std::vector<std::string> &list) {
  std::string text;
  for (const std::string &type : list)
    text += (text.empty() ? "tensor<" : ", tensor<") + type + ">";
  return "(" + text + ")";
}

const std::vector<std::string> kPlain = {"%a0", "%a1", "%a2"};
const char *const kTypes[] = {"f32", "bf16"};

/// Attention of `operands`: `inputs`, or `views` of them.
KernelCase forward(const Shape &s, const std::string &type, std::vector<std::string> inputs = {},
                   const std::string &views = "", const std::vector<std::string> &operands = kPlain) {
  std::string query = s.tensor(s.queries, s.width(), type), key = s.tensor(s.keys, s.width(), type);
  if (inputs.empty())
    inputs = {query, key, key};
  std::string op = "%y, %l = vlp.attention " + operands[0] + ", " + operands[1] + ", " + operands[2] + " " +
                   s.attributes() + " : " + types({query, key, key}) + " -> " + types({query, s.lse()});
  KernelCase c{"attention", inputs, views + op, {"%y", "%l"}, {query, s.lse()}};
  // Probabilities go to the second product as bf16: up to 2^-9 of the largest value each, and random signs.
  c.tolerance = type == "bf16" ? 2e-3 : 2e-6;
  return c;
}

/// Its gradients `wanted`, of plain operands.
KernelCase backward(const Shape &s, const std::string &type, const std::vector<int> &wanted = {0, 1, 2}) {
  std::string query = s.tensor(s.queries, s.width(), type), key = s.tensor(s.keys, s.width(), type);
  std::vector<std::string> inputs = {query, key, key, query, s.lse(), query};
  std::string op = "%g0, %g1, %g2 = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 " + s.attributes() + " : " +
                   types(inputs) + " -> " + types({query, key, key});
  KernelCase c{"attention_grad", inputs, op, {}, {}};
  for (int i : wanted) {
    c.yields.push_back("%g" + std::to_string(i));
    c.results.push_back(i == 0 ? query : key);
  }
  c.tolerance = type == "bf16" ? 4e-3 : 2e-6;
  return c;
}

/// Attention and its gradients, in full or by their results and findings alone: most of the time of a full check goes
/// to the assembler.
void checkBoth(const Shape &s, const std::string &type) {
  checkKernel(forward(s, type));
  checkKernel(backward(s, type));
}
void reportBoth(const Shape &s, const std::string &type) {
  checkReports(forward(s, type));
  checkReports(backward(s, type));
}

/// "%name = vlp.slice ..." of rows and columns of `from`.
std::string slice(const std::string &name, const std::string &from, const std::string &fromType, const Shape &s,
                  int firstRow, int rows, int firstColumn, const std::string &type) {
  return name + " = vlp.slice " + from + " {offsets = array<i64: 0, " + std::to_string(firstRow) + ", " +
         std::to_string(firstColumn) + ">, sizes = array<i64: " + std::to_string(s.batch) + ", " +
         std::to_string(rows) + ", " + std::to_string(s.width()) + ">} : " + types({fromType}) + " -> tensor<" +
         s.tensor(rows, s.width(), type) + ">\n";
}

TEST(CudaAttention, SequencesBatchesAndHeadsInPairs) {
  for (const char *type : kTypes) {
    for (const Shape &s : {Shape{1, 1, 1, 1, 8}, {5, 3, 17, 17, 16}, {3, 1, 50, 50, 64}, {1, 3, 77, 77, 64, true}})
      checkBoth(s, type);
    for (const Shape &s : {Shape{3, 12, 1, 1, 64},
                           {5, 1, 50, 50, 16, true},
                           {1, 12, 17, 17, 64},
                           {3, 3, 77, 77, 16},
                           {1, 1, 128, 128, 32}})
      reportBoth(s, type);
  }
}

TEST(CudaAttention, LongSequencesGoInTiles) {
  for (const char *type : kTypes) {
    for (const Shape &s : {Shape{1, 1, 197, 197, 64}, {1, 1, 257, 257, 80, true}})
      checkBoth(s, type);
    for (const Shape &s :
         {Shape{1, 2, 130, 130, 16, true}, {2, 1, 192, 192, 16}, {3, 1, 197, 197, 48, true}, {1, 3, 257, 257, 16}})
      reportBoth(s, type);
  }
  reportBoth({1, 1, 577, 577, 64}, "bf16");
}

TEST(CudaAttention, GroupsWithoutAPairStoreNothing) {
  for (const char *type : kTypes) {
    reportBoth({5, 1, 7, 7, 16}, type);         // four pairs a block
    reportBoth({1, 3, 30, 30, 16, true}, type); // two
  }
}

TEST(CudaAttention, EveryDepth) {
  for (const char *type : kTypes) {
    for (int depth : {5, 128})
      checkBoth({2, depth == 5 ? 3 : 1, 18, 18, depth}, type);
    for (int depth : {1, 20, 48, 80, 88, 96, 104, 160})
      reportBoth({2, 1, 18, 18, depth, depth % 16 == 0}, type);
  }
}

TEST(CudaAttention, Cross) {
  for (const char *type : kTypes) {
    for (auto [queries, keys] : {std::pair{3, 150}, {200, 7}})
      checkBoth({1, 2, queries, keys, 64}, type);
    for (auto [queries, keys] : {std::pair{1, 150}, {3, 21}, {40, 5}, {100, 129}, {257, 77}})
      reportBoth({1, 2, queries, keys, 16}, type);
  }
}

TEST(CudaAttention, SlicesOfAFusedProjection) {
  for (const char *type : kTypes)
    for (const Shape &s : {Shape{2, 3, 17, 17, 16, true}, {2, 1, 20, 20, 5}, {3, 1, 140, 140, 8}}) {
      std::string fused = s.tensor(s.queries, 3 * s.width(), type), views;
      for (int i = 0; i < 3; ++i)
        views += slice("%v" + std::to_string(i), "%a0", fused, s, 0, s.queries, i * s.width(), type);
      checkKernel(forward(s, type, {fused}, views, {"%v0", "%v1", "%v2"}));
    }
}

TEST(CudaAttention, SlicesOfRowsStrideOverTheBatch) {
  for (const char *type : kTypes) {
    Shape s{3, 2, 19, 31, 16};
    std::string first = s.tensor(20, s.width(), type),
                second = s.tensor(33, 2 * s.width() + 1, type); // rows of odd size
    std::string views = slice("%q", "%a0", first, s, 1, 19, 0, type) + slice("%k", "%a1", second, s, 2, 31, 0, type) +
                        slice("%v", "%a1", second, s, 0, 31, s.width() + 1, type);
    checkReports(forward(s, type, {first, second}, views, {"%q", "%k", "%v"}));
  }
}

TEST(CudaAttention, LargeScoresNeitherOverflowNorLosePrecision) {
  for (const char *type : kTypes)
    for (const char *scale : {"1.0", "-3.0", "0.0"}) {
      Shape s{1, 1, 40, 100, 16, false, scale};
      KernelCase c = forward(s, type);
      for (unsigned i :
           {0u, 1u}) { // whole numbers up to 64: products and sums are exact, scores up to 16 x 64 x 64 x 3
        std::vector<double> values((i == 0 ? s.queries : s.keys) * s.width());
        for (size_t e = 0; e < values.size(); ++e)
          values[e] = static_cast<int>((e * 37 + i * 11) % 129) - 64;
        c.given[i] = values;
      }
      checkReports(c);
    }
}

TEST(CudaAttention, ANotANumberStaysInItsRow) {
  for (const char *type : kTypes)
    for (int queries : {20, 140}) {
      Shape s{1, 1, queries, 25, 16};
      KernelCase c = forward(s, type);
      std::vector<double> values(s.queries * s.width());
      for (size_t e = 0; e < values.size(); ++e)
        values[e] = static_cast<int>(e % 7) / 4.0 - 0.75;
      values[3 * s.width() + 2] = std::numeric_limits<double>::quiet_NaN();
      c.given[0] = values;
      checkReports(c);
    }
}

TEST(CudaAttention, OneResultOnly) {
  for (const char *type : kTypes)
    for (int queries : {20, 140})
      for (unsigned left : {0u, 1u}) {
        KernelCase c = forward({1, 2, queries, 35, 16}, type);
        c.yields = {c.yields[left]};
        c.results = {c.results[left]};
        checkReports(c);
      }
}

TEST(CudaAttentionGrad, SomeGradientsOnly) {
  for (const char *type : kTypes)
    for (int queries : {20, 140})
      for (const std::vector<int> &wanted : {std::vector<int>{0}, {1}, {2}, {2, 1}, {1, 0}})
        checkReports(backward({1, 2, queries, 35, 16}, type, wanted));
}

TEST(CudaAttentionGrad, IntoOneConcatenatedGradient) {
  for (const char *type : kTypes)
    for (const Shape &s :
         {Shape{2, 3, 17, 17, 16, true}, {1, 3, 20, 20, 5}, {2, 1, 140, 140, 8}, {1, 1, 133, 133, 64, true}}) {
      KernelCase c = backward(s, type);
      std::string fused = s.tensor(s.queries, 3 * s.width(), type), operands = types(c.results);
      c.body += "\n%c = vlp.concat %g0, %g1, %g2 {axis = 2 : i64} : " + operands + " -> tensor<" + fused + ">";
      c.yields = {"%c"};
      c.results = {fused};
      checkKernel(c);
    }
}

TEST(CudaAttentionGrad, SlicesOfEveryOperand) {
  for (const char *type : kTypes)
    for (int rows : {18, 135}) {
      Shape s{2, 2, rows, rows, 8, true};
      std::string query = s.tensor(rows, s.width(), type), fused = s.tensor(rows + 1, 3 * s.width() + 2, type);
      std::string lse = "2x3x" + std::to_string(rows) + "xf32", views;
      for (int i = 0; i < 3; ++i)
        views += slice("%v" + std::to_string(i), "%a0", fused, s, 1, rows, i * s.width() + i, type);
      views +=
          slice("%y", "%a1", fused, s, 0, rows, 2, type) + slice("%d", "%a1", fused, s, 1, rows, s.width() + 1, type);
      views += "%l = vlp.slice %a2 {offsets = array<i64: 0, 1, 0>, sizes = array<i64: 2, 2, " + std::to_string(rows) +
               ">} : " + types({lse}) + " -> tensor<" + s.lse() + ">\n";
      KernelCase c = backward(s, type);
      c.inputs = {fused, fused, lse};
      c.body = views + "%g0, %g1, %g2 = vlp.attention_grad %v0, %v1, %v2, %y, %l, %d " + s.attributes() + " : " +
               types({query, query, query, query, s.lse(), query}) + " -> " + types({query, query, query});
      checkKernel(c);
    }
}

TEST(CudaAttention, InstructionsFollowFromTheShape) {
  // bf16: each of two products has 8 tiles of columns times 4 steps; ldmatrix reads two tiles of the right operand
  // at once, and a step of the left one in the first product only. Rows of 128 bytes are copied by 16.
  auto counts = checkKernel(forward({1, 4, 64, 64, 64}, "bf16"));
  ASSERT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts[0].mma, 64u);
  EXPECT_EQ(counts[0].ldmatrix, 4u * (1 + 4) + 4u * 4);
  EXPECT_EQ(counts[0].wideAsyncCopies, counts[0].asyncCopies);
  EXPECT_EQ(counts[0].wideAsyncCopies, 3u * 64 * 8 / 128);
  // f32: three products of twice as many steps; the values are read by vectors of four.
  counts = checkKernel(forward({1, 4, 32, 32, 64}, "f32"));
  ASSERT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts[0].mma, 3u * 2 * 4 * 8);
  EXPECT_EQ(counts[0].ldmatrix, 8u * (1 + 2));
  EXPECT_EQ(counts[0].wideAsyncCopies, counts[0].asyncCopies);
  EXPECT_EQ(counts[0].wideShared, 4u * 2 * 2);
}

} // namespace
