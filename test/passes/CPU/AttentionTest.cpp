// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The attention emitters against the interpreter: fused projections, cross attention, masks and their gradients.
#include "KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>

using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::with;

namespace {

const char *kAttention = "%q = vlp.slice %a0 {offsets = array<i64: 0, 0, 0>, sizes = array<i64: B, S, D>} : "
                         "(tensor<BxSxTxf32>) -> tensor<BxSxDxf32>\n"
                         "%k = vlp.slice %a0 {offsets = array<i64: 0, 0, D>, sizes = array<i64: B, S, D>} : "
                         "(tensor<BxSxTxf32>) -> tensor<BxSxDxf32>\n"
                         "%v = vlp.slice %a0 {offsets = array<i64: 0, 0, E>, sizes = array<i64: B, S, D>} : "
                         "(tensor<BxSxTxf32>) -> tensor<BxSxDxf32>\n";

TEST(Attention, FusedProjectionPlainAndCausal) {
  for (auto [b, s, d, h] : {std::tuple{1, 1, 8, 1}, {2, 5, 12, 3}, {1, 17, 64, 2}, {2, 50, 32, 1}, {1, 77, 160, 2}})
    for (const char *causal : {"", ", causal"}) {
      std::vector<std::pair<std::string, int>> sizes = {{"B", b},     {"S", s},     {"D", d},
                                                        {"T", 3 * d}, {"E", 2 * d}, {"H", h}};
      std::string body =
          std::string(kAttention) + "%y, %l = vlp.attention %q, %k, %v {heads = H : i64, scale = 0.37 : f64" + causal +
          "} : (tensor<BxSxDxf32>, tensor<BxSxDxf32>, tensor<BxSxDxf32>) -> (tensor<BxSxDxf32>, tensor<BxHxSxf32>)";
      checkKernel({"attention",
                   {with("BxSxTxf32", sizes)},
                   with(body, sizes),
                   {"%y", "%l"},
                   {with("BxSxDxf32", sizes), with("BxHxSxf32", sizes)},
                   4,
                   2.0});
    }
}

TEST(Attention, CrossWithoutStatistics) {
  checkKernel({"attention",
               {"2x3x16xf32", "2x21x16xf32", "2x21x16xf32"},
               "%y, %l = vlp.attention %a0, %a1, %a2 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x3x16xf32>, "
               "tensor<2x21x16xf32>, "
               "tensor<2x21x16xf32>) -> (tensor<2x3x16xf32>, tensor<2x2x3xf32>)",
               {"%y"},
               {"2x3x16xf32"}});
}

/// Every extent of a mask as 1 and in full; [B, H, Sq, Sk].
const char *const kMasks[] = {"Bx1x1xK", "1xHxSxK", "1x1xSxK", "BxHxSxK"};

/// A mask of `shape` with every third key hidden, and, if `all`, from the second query of the first head.
std::vector<double> hide(int64_t elements, int64_t keys, bool all) {
  std::vector<double> mask(elements);
  for (int64_t i = 0; i < elements; ++i)
    mask[i] = i % keys % 3 == 1 || (all && i / keys == 1) ? -INFINITY : (i * 7 % 11) / 11.0 - 0.5;
  return mask;
}

TEST(Attention, Masks) {
  for (auto [b, s, n, d, h] : {std::tuple{1, 1, 3, 8, 1}, {2, 5, 21, 12, 3}, {3, 17, 17, 32, 2}, {2, 7, 50, 16, 1}})
    for (const char *mask : kMasks) {
      std::vector<std::pair<std::string, int>> sizes = {{"B", b}, {"S", s}, {"K", n}, {"D", d}, {"H", h}};
      std::string body = with("%y, %l = vlp.attention %a0, %a1, %a2, %a3 {heads = H : i64, scale = 0.37 : f64} : "
                              "(tensor<BxSxDxf32>, tensor<BxKxDxf32>, tensor<BxKxDxf32>, tensor<Mxf32>) -> "
                              "(tensor<BxSxDxf32>, tensor<BxHxSxf32>)",
                              "M", mask);
      KernelCase c{"attention",
                   {with("BxSxDxf32", sizes), with("BxKxDxf32", sizes), with("BxKxDxf32", sizes),
                    with(std::string(mask) + "xf32", sizes)},
                   with(body, sizes),
                   {"%y", "%l"},
                   {with("BxSxDxf32", sizes), with("BxHxSxf32", sizes)},
                   4,
                   2.0};
      checkKernel(c);
      if (std::string(mask) == "BxHxSxK") {
        c.given[3] = hide(int64_t(b) * h * s * n, n, /*all=*/s > 1);
        c.yields = {"%y"}; // one lse is minus infinity
        c.results = {with("BxSxDxf32", sizes)};
        checkKernel(c);
      }
    }
}

// The gradients with a mask, its own among them; one query sees no key.
TEST(AttentionGrad, Masks) {
  for (auto [b, s, n, d, h] : {std::tuple{1, 1, 3, 8, 1}, {2, 5, 21, 12, 3}, {3, 17, 17, 32, 2}, {2, 7, 50, 16, 1}})
    for (const char *mask : kMasks)
      for (const char *causal : {"", ", causal"}) {
        if (*causal && s != n)
          continue;
        std::vector<std::pair<std::string, int>> sizes = {{"B", b}, {"S", s}, {"K", n}, {"D", d}, {"H", h}};
        std::string query = "tensor<BxSxDxf32>", key = "tensor<BxKxDxf32>";
        std::string body =
            with("%q, %k, %v, %s = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5, %a6 {heads = H : i64, scale = "
                 "0.37 : f64" +
                     std::string(causal) + "} : (" + query + ", " + key + ", " + key + ", " + query +
                     ", tensor<BxHxSxf32>, " + query + ", tensor<Mxf32>) -> (" + query + ", " + key + ", " + key +
                     ", tensor<BxHxSxKxf32>)",
                 "M", mask);
        KernelCase c{
            "attention_grad",
            {with("BxSxDxf32", sizes), with("BxKxDxf32", sizes), with("BxKxDxf32", sizes), with("BxSxDxf32", sizes),
             with("BxHxSxf32", sizes), with("BxSxDxf32", sizes), with(std::string(mask) + "xf32", sizes)},
            with(body, sizes),
            {"%q", "%k", "%v", "%s"},
            {with("BxSxDxf32", sizes), with("BxKxDxf32", sizes), with("BxKxDxf32", sizes), with("BxHxSxKxf32", sizes)}};
        c.tolerance = 5e-6;
        checkKernel(c);
        if (std::string(mask) == "BxHxSxK") {
          c.given[6] = hide(int64_t(b) * h * s * n, n, /*all=*/s > 1);
          c.given[4] = std::vector<double>(int64_t(b) * h * s, 1.25);
          if (s > 1)
            c.given[4][1] = -INFINITY;
          checkKernel(c);
        }
      }
}

TEST(AttentionGrad, IntoOneConcatenatedGradient) {
  for (auto [b, s, d, h] : {std::tuple{1, 1, 8, 1}, {2, 5, 12, 3}, {1, 17, 64, 2}, {2, 50, 32, 1}})
    for (const char *causal : {"", ", causal"}) {
      std::vector<std::pair<std::string, int>> sizes = {{"B", b},     {"S", s},     {"D", d},
                                                        {"T", 3 * d}, {"E", 2 * d}, {"H", h}};
      std::string type = "tensor<BxSxDxf32>";
      std::string body =
          std::string(kAttention) +
          "%dq, %dk, %dv = vlp.attention_grad %q, %k, %v, %a1, %a2, %a3 {heads = H : i64, scale = 0.37 : f64" + causal +
          "} : (" + type + ", " + type + ", " + type + ", " + type + ", tensor<BxHxSxf32>, " + type + ") -> (" + type +
          ", " + type + ", " + type + ")\n%c = vlp.concat %dq, %dk, %dv {axis = 2 : i64} : (" + type + ", " + type +
          ", " + type + ") -> tensor<BxSxTxf32>";
      checkKernel(
          {"attention_grad",
           {with("BxSxTxf32", sizes), with("BxSxDxf32", sizes), with("BxHxSxf32", sizes), with("BxSxDxf32", sizes)},
           with(body, sizes),
           {"%c"},
           {with("BxSxTxf32", sizes)},
           4,
           1.0,
           false,
           5e-6});
    }
}

TEST(AttentionGrad, CrossIntoThreeResults) {
  checkKernel({"attention_grad",
               {"2x3x8xf32", "2x9x8xf32", "2x9x8xf32", "2x3x8xf32", "2x2x3xf32", "2x3x8xf32"},
               "%dq, %dk, %dv = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 {heads = 2 : i64, scale = 0.5 : f64} : "
               "(tensor<2x3x8xf32>, "
               "tensor<2x9x8xf32>, tensor<2x9x8xf32>, tensor<2x3x8xf32>, tensor<2x2x3xf32>, tensor<2x3x8xf32>) -> "
               "(tensor<2x3x8xf32>, "
               "tensor<2x9x8xf32>, tensor<2x9x8xf32>)",
               {"%dq", "%dk", "%dv"},
               {"2x3x8xf32", "2x9x8xf32", "2x9x8xf32"}});
}

} // namespace
