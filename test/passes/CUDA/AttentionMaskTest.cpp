// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention with a mask on the GPU, and the mask's gradient: every extent as 1 and in full, sequences that fit in a
// block and that stream past it, tails, causal on top, hidden keys, queries that see no key.
#include "test/passes/CUDA/KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>

using vlp::test::checkKernel;
using vlp::test::checkReports;
using vlp::test::KernelCase;
using vlp::test::with;

namespace {

struct Shape {
  int batch, heads, queries, keys, depth;
  bool causal = false;

  std::vector<std::pair<std::string, int>> sizes() const {
    return {{"B", batch}, {"S", queries}, {"K", keys}, {"D", heads * depth}, {"H", heads}};
  }
  /// Errors of scores become relative errors of powers. In three products of tf32 they are up to 2^-22 of the sum of a
  /// score's terms: 3.5e-6 with a scale of 0.37 at a depth of 160, whose models have 0.08.
  std::string attributes() const {
    return " {heads = H : i64, scale = " + std::string(depth > 100 ? "0.08" : "0.37") + " : f64" +
           std::string(causal ? ", causal" : "") + "} : ";
  }
  int64_t scores() const { return int64_t(batch) * heads * queries * keys; }
};

const char *const kTypes[] = {"f32", "bf16"};
const char *const kMasks[] = {"Bx1x1xK", "1xHxSxK", "1x1xSxK", "BxHxSxK"};

/// `text` with the sizes of `s`, the element type for T and the mask's shape for M.
std::string fill(std::string text, const Shape &s, const std::string &type, const std::string &mask) {
  return with(with(with(text, "M", mask), "T", type), s.sizes());
}

KernelCase forward(const Shape &s, const std::string &type, const std::string &mask) {
  KernelCase c{"attention", {}, {}, {"%y", "%l"}, {fill("BxSxDxT", s, type, mask), fill("BxHxSxf32", s, type, mask)}};
  for (const char *input : {"BxSxDxT", "BxKxDxT", "BxKxDxT", "Mxf32"})
    c.inputs.push_back(fill(input, s, type, mask));
  c.body = fill("%y, %l = vlp.attention %a0, %a1, %a2, %a3" + s.attributes() +
                    "(tensor<BxSxDxT>, tensor<BxKxDxT>, tensor<BxKxDxT>, tensor<Mxf32>) -> (tensor<BxSxDxT>, "
                    "tensor<BxHxSxf32>)",
                s, type, mask);
  c.tolerance = type == "bf16" ? 2e-3 : 2e-6; // as in AttentionTest
  return c;
}

KernelCase backward(const Shape &s, const std::string &type, const std::string &mask,
                    const std::vector<int> &wanted = {0, 1, 2, 3}) {
  KernelCase c{"attention_grad", {}, {}, {}, {}};
  for (const char *input : {"BxSxDxT", "BxKxDxT", "BxKxDxT", "BxSxDxT", "BxHxSxf32", "BxSxDxT", "Mxf32"})
    c.inputs.push_back(fill(input, s, type, mask));
  c.body = fill("%g0, %g1, %g2, %g3 = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5, %a6" + s.attributes() +
                    "(tensor<BxSxDxT>, tensor<BxKxDxT>, tensor<BxKxDxT>, tensor<BxSxDxT>, tensor<BxHxSxf32>, "
                    "tensor<BxSxDxT>, tensor<Mxf32>) -> (tensor<BxSxDxT>, tensor<BxKxDxT>, tensor<BxKxDxT>, "
                    "tensor<BxHxSxKxf32>)",
                s, type, mask);
  const char *results[] = {"BxSxDxT", "BxKxDxT", "BxKxDxT", "BxHxSxKxf32"};
  for (int i : wanted) {
    c.yields.push_back("%g" + std::to_string(i));
    c.results.push_back(fill(results[i], s, type, mask));
  }
  c.tolerance = type == "bf16" ? 4e-3 : 2e-6;
  return c;
}

/// Every third key hidden, and every key from the second query of the first head; on the rest, less than one.
std::vector<double> hiding(const Shape &s) {
  std::vector<double> mask(s.scores());
  for (int64_t i = 0; i < s.scores(); ++i)
    mask[i] = i % s.keys % 3 == 1 || (s.queries > 1 && i / s.keys == 1) ? -INFINITY : (i * 7 % 11) / 11.0 - 0.5;
  return mask;
}

const Shape kShapes[] = {
    {1, 1, 1, 3, 8}, {2, 3, 17, 17, 16}, {3, 1, 5, 50, 64}, {1, 2, 140, 33, 16}, {1, 1, 20, 197, 48}};

TEST(CudaAttentionMask, EveryExtent) {
  for (const char *type : kTypes)
    for (const char *mask : kMasks)
      for (const Shape &s : kShapes)
        checkReports(forward(s, type, mask));
}

TEST(CudaAttentionMask, GradientsOfEveryExtent) {
  for (const char *type : kTypes)
    for (const char *mask : kMasks)
      for (const Shape &s : kShapes)
        checkReports(backward(s, type, mask));
}

// In full: the machine code as well.
TEST(CudaAttentionMask, MachineCode) {
  for (const char *type : kTypes)
    for (const Shape &s :
         {Shape{2, 2, 50, 50, 64}, {1, 1, 197, 197, 64}, {2, 2, 30, 30, 80, true}, {1, 1, 33, 140, 160}}) {
      checkKernel(forward(s, type, "Bx1x1xK"));
      checkKernel(backward(s, type, "Bx1x1xK", {0, 1, 2}));
      checkKernel(backward(s, type, "1xHxSxK"));
    }
}

TEST(CudaAttentionMask, CausalOnTop) {
  for (const char *type : kTypes)
    for (const Shape &s : {Shape{2, 2, 17, 17, 16, true}, {1, 1, 150, 150, 16, true}}) {
      checkReports(forward(s, type, "Bx1x1xK"));
      checkReports(backward(s, type, "Bx1x1xK"));
    }
}

TEST(CudaAttentionMask, SomeGradientsOnly) {
  for (const char *type : kTypes)
    for (int queries : {20, 140})
      for (const std::vector<int> &wanted : {std::vector<int>{3}, {0}, {1, 2}, {3, 1}})
        checkReports(backward({1, 2, queries, 35, 16}, type, "1xHxSxK", wanted));
}

// A query that sees no key has a result of zero, and no gradient goes through it.
TEST(CudaAttentionMask, HiddenKeys) {
  for (const char *type : kTypes)
    for (const Shape &s : kShapes) {
      KernelCase c = forward(s, type, "BxHxSxK");
      c.given[3] = hiding(s);
      c.yields.resize(1); // one lse is minus infinity, to which errors would be relative
      c.results.resize(1);
      checkReports(c);
      c = backward(s, type, "BxHxSxK");
      c.given[6] = hiding(s);
      c.given[4] = std::vector<double>(int64_t(s.batch) * s.heads * s.queries, 1.25);
      if (s.queries > 1)
        c.given[4][1] = -INFINITY;
      checkReports(c);
    }
}

} // namespace
