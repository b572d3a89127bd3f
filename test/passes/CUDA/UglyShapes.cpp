// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CLIP's kernels of any size, as text. B is the batch, S the sequence, W the width, T the type of activations.
#include "test/passes/CUDA/UglyShapes.h"

#include <algorithm>
#include <cmath>

using namespace vlp::test;

namespace {

/// Puts sizes in place of their letters, in a case whose types and body name them.
KernelCase sized(const Sizes &s, KernelCase c, std::vector<std::pair<std::string, int>> more = {}) {
  more.insert(more.end(), {{"B", s.batch}, {"S", s.sequence}, {"W", s.width}, {"R", s.batch * s.sequence}});
  auto replace = [&](std::string &text) { text = with(with(text, more), "T", s.type); };
  for (std::vector<std::string> *list : {&c.inputs, &c.results})
    std::for_each(list->begin(), list->end(), replace);
  replace(c.body);
  return c;
}

/// bf16 may differ by `bf16` of the largest magnitude: what a value between two ops loses when it is rounded.
double tolerance(const Sizes &s, double bf16, double f32 = 2e-6) { return s.type == "bf16" ? bf16 : f32; }

//===-- Products ------------------------------------------------------------------------------------------------===//

// The other width, N, is small and odd or even: it alone decides how long a case takes. The slope of GELU and of its
// derivative, at most 1.13, multiplies the rounding of their argument in bf16.
KernelCase matmul(const Sizes &s) {
  int narrow = s.heads % 2 ? 37 : 24;
  KernelCase c;
  if (s.variant == "projection")
    c = {"matmul",
         {"BxSxWxT", "NxWxT", "Nxf32"},
         "%y = vlp.linear %a0, %a1, %a2 : (tensor<BxSxWxT>, tensor<NxWxT>, tensor<Nxf32>) -> tensor<BxSxNxT>",
         {"%y"},
         {"BxSxNxT"}};
  else if (s.variant == "widening")
    c = {"matmul",
         {"BxSxNxT", "WxNxT", "WxT"},
         "%y = vlp.linear %a0, %a1, %a2 : (tensor<BxSxNxT>, tensor<WxNxT>, tensor<WxT>) -> tensor<BxSxWxT>\n"
         "%z = vlp.quick_gelu %y : (tensor<BxSxWxT>) -> tensor<BxSxWxT>",
         {"%y", "%z"},
         {"BxSxWxT", "BxSxWxT"}};
  else if (s.variant == "residual")
    c = {"matmul",
         {"BxSxWxT", "NxWxT", "Nxf32", "BxSxNxf32"},
         "%y = vlp.linear %a0, %a1, %a2 : (tensor<BxSxWxT>, tensor<NxWxT>, tensor<Nxf32>) -> tensor<BxSxNxf32>\n"
         "%z = vlp.add %y, %a3 : (tensor<BxSxNxf32>, tensor<BxSxNxf32>) -> tensor<BxSxNxf32>",
         {"%z"},
         {"BxSxNxf32"}};
  else if (s.variant == "input_gradient")
    c = {"matmul",
         {"BxSxNxT", "NxWxT", "BxSxWxT"},
         "%y = vlp.matmul %a0, %a1 : (tensor<BxSxNxT>, tensor<NxWxT>) -> tensor<BxSxWxT>\n"
         "%z = vlp.quick_gelu_grad %a2, %y : (tensor<BxSxWxT>, tensor<BxSxWxT>) -> tensor<BxSxWxT>",
         {"%z"},
         {"BxSxWxT"}};
  else if (s.variant == "input_gradient_long")
    c = {"matmul",
         {"BxSxWxT", "WxNxT"},
         "%y = vlp.matmul %a0, %a1 : (tensor<BxSxWxT>, tensor<WxNxT>) -> tensor<BxSxNxf32>",
         {"%y"},
         {"BxSxNxf32"}};
  else if (s.variant == "weight_gradient")
    c = {"matmul",
         {"RxNxT", "RxWxT"},
         "%y = vlp.matmul %a0, %a1 {transpose_lhs} : (tensor<RxNxT>, tensor<RxWxT>) -> tensor<NxWxf32>",
         {"%y"},
         {"NxWxf32"}};
  else if (s.variant == "weight_bias_gradient")
    c = {"matmul",
         {"RxWxT", "RxNxT"},
         "%y = vlp.matmul %a0, %a1 {transpose_lhs} : (tensor<RxWxT>, tensor<RxNxT>) -> tensor<WxNxf32>\n"
         "%c = vlp.cast %a0 : (tensor<RxWxT>) -> tensor<RxWxf32>\n"
         "%b = vlp.reduce_sum %c {axes = array<i64: 0>} : (tensor<RxWxf32>) -> tensor<Wxf32>",
         {"%y", "%b"},
         {"WxNxf32", "Wxf32"}};
  else // weight_gradient_summed: of a weight that two places share
    c = {"matmul",
         {"RxWxT", "RxNxT", "WxNxf32"},
         "%y = vlp.matmul %a0, %a1 {transpose_lhs} : (tensor<RxWxT>, tensor<RxNxT>) -> tensor<WxNxf32>\n"
         "%z = vlp.accumulate %a2, %y : (tensor<WxNxf32>, tensor<WxNxf32>) -> tensor<WxNxf32>",
         {"%z"},
         {"WxNxf32"}};
  if (s.variant == "widening" || s.variant == "input_gradient")
    c.tolerance = tolerance(s, 1.13 / 256);
  return sized(s, c, {{"N", narrow}});
}

//===-- Attention -----------------------------------------------------------------------------------------------===//

// The scale is CLIP's. An error of a score is a relative error of its power, and three products of tf32 err by up to
// 2^-22 of the sum of the magnitudes of a score's terms, where f32 errs by 2^-24: at a scale of 0.37 that alone exceeds
// the tolerance of f32 for some heads.
std::string headAttributes(const Sizes &s) {
  return "{heads = " + std::to_string(s.heads) +
         " : i64, scale = " + std::to_string(1 / std::sqrt(static_cast<double>(s.width) / s.heads)) + " : f64" +
         (s.variant == "causal" ? ", causal}" : "}");
}

KernelCase attention(const Sizes &s) {
  KernelCase c = {"attention",
                  {"BxSxWxT", "BxSxWxT", "BxSxWxT"},
                  "%y, %l = vlp.attention %a0, %a1, %a2 " + headAttributes(s) +
                      " : (tensor<BxSxWxT>, tensor<BxSxWxT>, tensor<BxSxWxT>) -> (tensor<BxSxWxT>, tensor<BxHxSxf32>)",
                  {"%y", "%l"},
                  {"BxSxWxT", "BxHxSxf32"}};
  // Probabilities go to the second product as bf16, with a relative error of 1.66e-3 (standard deviation: 2^-8 /
  // sqrt(3) at the low end of a binade, half of that at the high end). So that of an output is 1.66e-3 of the outputs'
  // own, of which the largest of thousands is 3.8; six of the error's are allowed.
  c.tolerance = tolerance(s, 1.66e-3 * 6 / 3.8);
  return sized(s, c, {{"H", s.heads}});
}

KernelCase attentionGrad(const Sizes &s) {
  std::string five = "tensor<BxSxWxT>, tensor<BxSxWxT>, tensor<BxSxWxT>, tensor<BxSxWxT>, tensor<BxHxSxf32>";
  KernelCase c = {"attention_grad",
                  {"BxSxWxT", "BxSxWxT", "BxSxWxT", "BxSxWxT", "BxHxSxf32", "BxSxWxT"},
                  "%q, %k, %v = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 " + headAttributes(s) + " : (" + five +
                      ", tensor<BxSxWxT>) -> (tensor<BxSxWxT>, tensor<BxSxWxT>, tensor<BxSxWxT>)",
                  {"%q", "%k", "%v"},
                  {"BxSxWxT", "BxSxWxT", "BxSxWxT"}};
  c.tolerance = tolerance(s, 4e-3);
  return sized(s, c, {{"H", s.heads}});
}

//===-- Rows ----------------------------------------------------------------------------------------------------===//

// Statistics, gamma and beta are f32. In mixed precision the residual stream is f32 and the result is rounded.
KernelCase layerNorm(const Sizes &s) {
  KernelCase c = {"layer_norm",
                  {"BxSxWxI", "Wxf32", "Wxf32"},
                  "%y, %m, %r = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<BxSxWxI>, tensor<Wxf32>, "
                  "tensor<Wxf32>) -> (tensor<BxSxWxI>, tensor<BxSxf32>, tensor<BxSxf32>)",
                  {"%y", "%m", "%r"},
                  {"BxSxWxI", "BxSxf32", "BxSxf32"}};
  std::string input = s.variant == "residual" ? "f32" : s.type;
  if (input != s.type) {
    c.body += "\n%n = vlp.cast %y : (tensor<BxSxWxf32>) -> tensor<BxSxWxbf16>";
    c.yields[0] = "%n";
    c.results[0] = "BxSxWxbf16";
  }
  for (std::string *text : {&c.inputs[0], &c.body, &c.results[0]})
    *text = with(*text, "I", input);
  c.range = 3;
  c.tolerance = 1e-5;
  return sized(s, c);
}

KernelCase layerNormGrad(const Sizes &s) {
  KernelCase c = {"layer_norm_grad",
                  {"BxSxWxI", "Wxf32", "BxSxf32", "BxSxf32", "BxSxWxT", "BxSxWxI"},
                  "%x, %g, %b = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<BxSxWxI>, tensor<Wxf32>, "
                  "tensor<BxSxf32>, tensor<BxSxf32>, tensor<BxSxWxT>) -> (tensor<BxSxWxI>, tensor<Wxf32>, "
                  "tensor<Wxf32>)",
                  {"%x", "%g", "%b"},
                  {"BxSxWxI", "Wxf32", "Wxf32"}};
  bool residual = s.variant == "residual";
  if (residual) { // with the gradient that goes around the layer added
    c.body += "\n%s = vlp.accumulate %a5, %x : (tensor<BxSxWxI>, tensor<BxSxWxI>) -> tensor<BxSxWxI>";
    c.yields[0] = "%s";
  } else {
    c.inputs.pop_back();
  }
  for (std::string *text : {&c.inputs.front(), &c.inputs.back(), &c.body, &c.results[0]})
    *text = with(*text, "I", residual ? "f32" : s.type);
  c.tolerance = 1e-5;
  return sized(s, c);
}

/// Functions of R rows of `width` numbers.
KernelCase row(const Sizes &s) {
  KernelCase c;
  auto make = [&](std::vector<std::string> inputs, const std::string &body, std::vector<std::string> yields,
                  std::vector<std::string> results, double range = 2) {
    c = {"row", std::move(inputs), body, std::move(yields), std::move(results)};
    c.range = range;
  };
  if (s.variant == "softmax") {
    make({"RxWxT"}, "%y = vlp.softmax %a0 : (tensor<RxWxT>) -> tensor<RxWxT>", {"%y"}, {"RxWxT"}, 30);
  } else if (s.variant == "softmax_grad") {
    make({"RxWxT", "RxWxT"}, "%y = vlp.softmax_grad %a0, %a1 : (tensor<RxWxT>, tensor<RxWxT>) -> tensor<RxWxT>", {"%y"},
         {"RxWxT"}, 1);
  } else if (s.variant == "l2_normalize") {
    make({"RxWxT"},
         "%y, %n = vlp.l2_normalize %a0 {eps = 1.0e-12 : f64} : (tensor<RxWxT>) -> (tensor<RxWxT>, tensor<Rxf32>)",
         {"%y", "%n"}, {"RxWxT", "Rxf32"}, 1);
  } else if (s.variant == "l2_normalize_grad") {
    make({"RxWxT", "Rxf32", "RxWxT"},
         "%y = vlp.l2_normalize_grad %a0, %a1, %a2 {eps = 0.0 : f64} : (tensor<RxWxT>, tensor<Rxf32>, tensor<RxWxT>) "
         "-> tensor<RxWxT>",
         {"%y"}, {"RxWxT"}, 1);
    c.positive = true;
  } else if (s.variant == "cross_entropy") {
    make({"RxWxT", "Rxi32"},
         "%l, %e = vlp.cross_entropy %a0, %a1 {ignore_index = 2 : i64, smoothing = 0.1 : f64} : (tensor<RxWxT>, "
         "tensor<Rxi32>) -> (tensor<Rxf32>, tensor<Rxf32>)",
         {"%l", "%e"}, {"Rxf32", "Rxf32"}, 200);
    c.integers = 3;
  } else if (s.variant == "cross_entropy_grad") {
    make({"RxWxT", "Rxi32", "Rxf32", "Rxf32"},
         "%g = vlp.cross_entropy_grad %a0, %a1, %a2, %a3 {ignore_index = 2 : i64, smoothing = 0.1 : f64} : "
         "(tensor<RxWxT>, tensor<Rxi32>, tensor<Rxf32>, tensor<Rxf32>) -> tensor<RxWxT>",
         {"%g"}, {"RxWxT"});
    c.integers = 3;
  } else if (s.variant == "soft_cross_entropy") {
    make({"RxWxT", "RxWxT"},
         "%l, %e = vlp.soft_cross_entropy %a0, %a1 : (tensor<RxWxT>, tensor<RxWxT>) -> (tensor<Rxf32>, tensor<Rxf32>)",
         {"%l", "%e"}, {"Rxf32", "Rxf32"});
    c.positive = true; // a distribution is, but for its scale
  } else if (s.variant == "soft_cross_entropy_grad") {
    make({"RxWxT", "RxWxT", "Rxf32", "Rxf32"},
         "%g = vlp.soft_cross_entropy_grad %a0, %a1, %a2, %a3 : (tensor<RxWxT>, tensor<RxWxT>, tensor<Rxf32>, "
         "tensor<Rxf32>) -> tensor<RxWxT>",
         {"%g"}, {"RxWxT"});
    c.tolerance = 5e-6;
  } else { // argmax
    make({"RxWxT"}, "%y = vlp.argmax %a0 : (tensor<RxWxT>) -> tensor<Rxi32>", {"%y"}, {"Rxi32"});
  }
  return sized(s, c);
}

// bias: of a layer's gradient; positions: of what was broadcast over the batch; mean: of all; norm: of all gradients.
KernelCase reduce(const Sizes &s) {
  if (s.variant == "norm") {
    KernelCase c = {"reduce",
                    {"BxSxWxT", "Wxf32", "SxWxf32", "f32"},
                    "%y = vlp.global_norm %a0, %a1, %a2, %a3 : (tensor<BxSxWxT>, tensor<Wxf32>, tensor<SxWxf32>, "
                    "tensor<f32>) -> tensor<f32>",
                    {"%y"},
                    {"f32"}};
    return sized(s, c);
  }
  const char *axes = s.variant == "bias"        ? ": 0, 1"
                     : s.variant == "positions" ? ": 0"
                     : s.variant == "last"      ? ": 2"
                                                : ": 0, 1, 2";
  const char *result = s.variant == "bias" ? "W" : s.variant == "positions" ? "SxW" : s.variant == "last" ? "BxS" : "";
  std::string f32 = result + std::string(*result ? "xf32" : "f32");
  KernelCase c = {"reduce", {"BxSxWxT"}, "", {"%y"}, {f32}};
  std::string operand = "%a0";
  if (s.type == "bf16") {
    c.body = "%w = vlp.cast %a0 : (tensor<BxSxWxT>) -> tensor<BxSxWxf32>\n";
    operand = "%w";
  }
  c.positive = s.variant == "mean"; // of losses: terms do not cancel
  c.body += "%y = vlp.reduce_sum " + operand + " {axes = array<i64" + axes + ">} : (tensor<BxSxWxf32>) -> tensor<" +
            f32 + ">";
  return sized(s, c);
}

//===-- Movement ------------------------------------------------------------------------------------------------===//

/// Reads a vocabulary of a few hundred rows, so that ids repeat.
constexpr int kVocabulary = 300;

KernelCase embedding(const Sizes &s) {
  KernelCase c = {"embedding",
                  {"VxWxT", "BxSxi32", "SxWxT"},
                  "%e = vlp.embedding %a0, %a1 : (tensor<VxWxT>, tensor<BxSxi32>) -> tensor<BxSxWxT>\n"
                  "%y = vlp.add %e, %a2 : (tensor<BxSxWxT>, tensor<SxWxT>) -> tensor<BxSxWxT>",
                  {"%y"},
                  {"BxSxWxT"}};
  c.integers = kVocabulary;
  return sized(s, c, {{"V", kVocabulary}});
}

// spread: ids all over the vocabulary, most of them absent; repeated: five ids.
KernelCase embeddingGrad(const Sizes &s) {
  KernelCase c = {"embedding_grad",
                  {"BxSxWxT", "BxSxi32"},
                  "%y = vlp.embedding_grad %a0, %a1 : (tensor<BxSxWxT>, tensor<BxSxi32>) -> tensor<VxWxT>",
                  {"%y"},
                  {"VxWxT"}};
  c.integers = s.variant == "spread" ? kVocabulary : 5;
  return sized(s, c, {{"V", kVocabulary}});
}

/// The class token before the patches.
KernelCase concat(const Sizes &s) {
  return sized(s,
               {"concat",
                {"1x1xWxT", "BxSxWxT", "PxWxT"},
                "%b = vlp.broadcast %a0 : (tensor<1x1xWxT>) -> tensor<Bx1xWxT>\n"
                "%c = vlp.concat %b, %a1 {axis = 1 : i64} : (tensor<Bx1xWxT>, tensor<BxSxWxT>) -> tensor<BxPxWxT>\n"
                "%y = vlp.add %c, %a2 : (tensor<BxPxWxT>, tensor<PxWxT>) -> tensor<BxPxWxT>",
                {"%y"},
                {"BxPxWxT"},
                4,
                1,
                false,
                tolerance(s, 1.0 / 256)},
               {{"P", s.sequence + 1}});
}

/// Its gradient from the class token alone.
KernelCase pad(const Sizes &s) {
  return sized(s,
               {"pad",
                {"Bx1xWxT"},
                "%y = vlp.pad %a0 {low = array<i64: 0, 0, 0>, high = array<i64: 0, L, 0>} : (tensor<Bx1xWxT>) -> "
                "tensor<BxSxWxT>",
                {"%y"},
                {"BxSxWxT"}},
               {{"L", s.sequence - 1}});
}

/// A sequence of patches in the grid that is closest to a square.
KernelCase patches(const Sizes &s) {
  int rows = 1;
  for (int d = 1; d * d <= s.sequence; ++d)
    if (s.sequence % d == 0)
      rows = d;
  bool back = s.variant == "unpatchify";
  std::string picture = "BxCxYxXxT", tokens = "BxSxWxT", from = back ? tokens : picture, to = back ? picture : tokens;
  KernelCase c = {"patchify",
                  {from},
                  "%y = vlp." + s.variant + " %a0 {patch = P : i64} : (tensor<" + from + ">) -> tensor<" + to + ">",
                  {"%y"},
                  {to}};
  return sized(s, c, {{"C", s.channels}, {"P", s.patch}, {"Y", rows * s.patch}, {"X", s.sequence / rows * s.patch}});
}

KernelCase gatherRows(const Sizes &s) {
  KernelCase c = {"gather_rows",
                  {"BxSxWxT", "Bxi32"},
                  "%y = vlp.gather_rows %a0, %a1 : (tensor<BxSxWxT>, tensor<Bxi32>) -> tensor<BxWxT>",
                  {"%y"},
                  {"BxWxT"}};
  c.integers = s.sequence;
  return sized(s, c);
}

KernelCase scatterRows(const Sizes &s) {
  KernelCase c = {"scatter_rows",
                  {"BxWxT", "Bxi32"},
                  "%y = vlp.scatter_rows %a0, %a1 : (tensor<BxWxT>, tensor<Bxi32>) -> tensor<BxSxWxT>",
                  {"%y"},
                  {"BxSxWxT"}};
  c.integers = s.sequence;
  return sized(s, c);
}

//===-- Elements ------------------------------------------------------------------------------------------------===//

KernelCase elementwise(const Sizes &s) {
  KernelCase c;
  if (s.variant == "activation")
    c = {"elementwise",
         {"BxSxWxT", "WxT"},
         "%b = vlp.add %a0, %a1 : (tensor<BxSxWxT>, tensor<WxT>) -> tensor<BxSxWxT>\n"
         "%y = vlp.quick_gelu %b : (tensor<BxSxWxT>) -> tensor<BxSxWxT>",
         {"%b", "%y"},
         {"BxSxWxT", "BxSxWxT"}};
  else if (s.variant == "scaled") // logits
    c = {"elementwise",
         {"BxSxWxT", "f32"},
         "%e = vlp.exp %a1 : (tensor<f32>) -> tensor<f32>\n"
         "%w = vlp.cast %a0 : (tensor<BxSxWxT>) -> tensor<BxSxWxf32>\n"
         "%y = vlp.mul %w, %e : (tensor<BxSxWxf32>, tensor<f32>) -> tensor<BxSxWxf32>",
         {"%y"},
         {"BxSxWxf32"}};
  else // gradients that meet; f32, and rounded for the next product
    c = {"elementwise",
         {"BxSxWxf32", "BxSxWxf32"},
         "%y = vlp.accumulate %a0, %a1 : (tensor<BxSxWxf32>, tensor<BxSxWxf32>) -> tensor<BxSxWxf32>\n"
         "%n = vlp.cast %y : (tensor<BxSxWxf32>) -> tensor<BxSxWxbf16>",
         {"%y", "%n"},
         {"BxSxWxf32", "BxSxWxbf16"}};
  if (s.variant == "scaled" && s.type == "f32") {
    c.body = with(c.body, "%w = vlp.cast %a0 : (tensor<BxSxWxT>) -> tensor<BxSxWxf32>\n", std::string());
    c.body = with(c.body, "%w", "%a0");
  }
  if (s.variant == "activation")
    c.tolerance = tolerance(s, 1.13 / 256);
  return sized(s, c);
}

// One kernel updates as many parameters as the batch has items: of S x W, then of W elements each.
KernelCase adamw(const Sizes &s) {
  KernelCase c;
  c.anchor = "adamw";
  std::string scalars =
      ", tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>";
  for (int i = 0; i < s.batch; ++i) {
    std::string n = std::to_string(i), shape = i == 0 ? "SxWxT" : "WxT", t = "tensor<" + shape + ">", operands;
    for (int j = 0; j < 4 + 8; ++j)
      operands += (j ? ", %a" : "%a") + std::to_string(j < 4 ? 4 * i + j : 4 * s.batch + j - 4);
    c.inputs.insert(c.inputs.end(), 4, shape);
    c.body += "%p" + n + ", %m" + n + ", %v" + n + " = vlp.adamw " + operands + " {decay} : (" + t + ", " + t + ", " +
              t + ", " + t + scalars + ") -> (" + t + ", " + t + ", " + t + ")\n";
    for (const char *name : {"%p", "%m", "%v"}) {
      c.yields.push_back(name + n);
      c.results.push_back(shape);
    }
  }
  for (double value : {7.0, 5e-4, 0.9, 0.98, 1e-6, 0.2, 0.25, 1.0}) {
    bool integer = value == 7.0 || value == 1.0; // the step and whether it counts
    c.given[c.inputs.size()] = {value};
    c.inputs.push_back(integer ? "i32" : "f32");
  }
  c.positive = true; // the second moment is
  return sized(s, c);
}

KernelCase matchTargets(const Sizes &s) {
  KernelCase c = {"match_targets",
                  {"Rxi32", "Wxi32"},
                  "%y = vlp.match_targets %a0, %a1 : (tensor<Rxi32>, tensor<Wxi32>) -> tensor<RxWxf32>",
                  {"%y"},
                  {"RxWxf32"}};
  c.integers = 12;
  return sized(s, c);
}

} // namespace

const std::vector<Family> &vlp::test::families() {
  static const std::vector<Family> all = {
      {"matmul",
       {"projection", "widening", "residual", "input_gradient", "input_gradient_long", "weight_gradient",
        "weight_bias_gradient", "weight_gradient_summed"},
       matmul},
      {"attention", {"full", "causal"}, attention},
      {"attention_grad", {"full", "causal"}, attentionGrad},
      {"layer_norm", {"plain", "residual"}, layerNorm},
      {"layer_norm_grad", {"plain", "residual"}, layerNormGrad},
      {"row",
       {"softmax", "softmax_grad", "l2_normalize", "l2_normalize_grad", "cross_entropy", "cross_entropy_grad",
        "soft_cross_entropy", "soft_cross_entropy_grad", "argmax"},
       row},
      {"reduce", {"bias", "positions", "last", "mean", "norm"}, reduce},
      {"embedding", {"rows"}, embedding},
      {"embedding_grad", {"spread", "repeated"}, embeddingGrad},
      {"concat", {"class_token"}, concat},
      {"pad", {"class_token"}, pad},
      {"patchify", {"patchify", "unpatchify"}, patches},
      {"gather_rows", {"rows"}, gatherRows},
      {"scatter_rows", {"rows"}, scatterRows},
      {"elementwise", {"activation", "scaled", "gradients"}, elementwise},
      {"adamw", {"decay"}, adamw},
      {"match_targets", {"targets"}, matchTargets}};
  return all;
}
