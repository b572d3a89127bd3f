// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of gradient checks.
#include "GradientCases.h"
#include <sstream>

using namespace vlp::test;

static std::vector<GradientCase> tensorCases() {
  return {
      {"reshape", {{"x", "3x5"}}, "*%y = vlp.reshape %x : (<3x5>) -> <5x1x3>", "5x1x3"},
      {"transpose",
       {{"x", "2x3x5"}},
       "*%y = vlp.transpose %x {permutation = array<i64: 2, 0, 1>} : (<2x3x5>) -> <5x2x3>",
       "5x2x3"},
      {"transpose of a matrix",
       {{"x", "2x3"}},
       "*%y = vlp.transpose %x {permutation = array<i64: 1, 0>} : (<2x3>) -> <3x2>",
       "3x2"},
      {"broadcast", {{"x", "3x1x5"}}, "*%y = vlp.broadcast %x : (<3x1x5>) -> <2x3x4x5>", "2x3x4x5"},
      {"broadcast of a scalar", {{"x", ""}}, "*%y = vlp.broadcast %x : (<>) -> <2x3>", "2x3"},
      {"broadcast to itself", {{"x", "1x3"}}, "*%y = vlp.broadcast %x : (<1x3>) -> <1x3>", "1x3"},
      {"slice",
       {{"x", "4x5"}},
       "*%y = vlp.slice %x {offsets = array<i64: 1, 2>, sizes = array<i64: 2, 2>} : (<4x5>) -> <2x2>",
       "2x2"},
      {"slices that tile",
       {{"x", "2x6"}},
       R"(*%a = vlp.slice %x {offsets = array<i64: 0, 4>, sizes = array<i64: 2, 2>} : (<2x6>) -> <2x2>
          *%b = vlp.slice %x {offsets = array<i64: 0, 0>, sizes = array<i64: 2, 2>} : (<2x6>) -> <2x2>
          *%c = vlp.slice %x {offsets = array<i64: 0, 2>, sizes = array<i64: 2, 2>} : (<2x6>) -> <2x2>
          %d = vlp.mul %a, %b : (<2x2>, <2x2>) -> <2x2>
          %y = vlp.mul %d, %c : (<2x2>, <2x2>) -> <2x2>)",
       "2x2"},
      {"slices that overlap",
       {{"x", "5x3"}},
       R"(*%a = vlp.slice %x {offsets = array<i64: 0, 0>, sizes = array<i64: 3, 3>} : (<5x3>) -> <3x3>
          *%b = vlp.slice %x {offsets = array<i64: 2, 0>, sizes = array<i64: 3, 3>} : (<5x3>) -> <3x3>
          %y = vlp.mul %a, %b : (<3x3>, <3x3>) -> <3x3>)",
       "3x3"},
      {"pad",
       {{"x", "2x3"}},
       "*%y = vlp.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 2>} : (<2x3>) -> <3x5>",
       "3x5"},
      {"concat",
       {{"a", "2x1x3"}, {"b", "2x4x3"}, {"c", "2x2x3"}},
       "*%y = vlp.concat %a, %b, %c {axis = 1 : i64} : (<2x1x3>, <2x4x3>, <2x2x3>) -> <2x7x3>",
       "2x7x3"},
      {"concat with itself",
       {{"a", "1x3"}, {"b", "2x3"}},
       "*%y = vlp.concat %a, %b, %a {axis = 0 : i64} : (<1x3>, <2x3>, <1x3>) -> <4x3>",
       "4x3"},
      {"concat of one", {{"a", "1x3"}}, "*%y = vlp.concat %a {axis = 0 : i64} : (<1x3>) -> <1x3>", "1x3"},
      {"gather_rows",
       {{"x", "3x5x4"}},
       "%i = vlp.constant dense<[4, 0, 4]> : <3xi>\n*%y = vlp.gather_rows %x, %i : (<3x5x4>, <3xi>) -> <3x4>",
       "3x4"},
      {"gather_rows, batch 1",
       {{"x", "1x3x2"}},
       "%i = vlp.constant dense<[1]> : <1xi>\n*%y = vlp.gather_rows %x, %i : (<1x3x2>, <1xi>) -> <1x2>",
       "1x2"},
      {"scatter_rows",
       {{"x", "3x4"}},
       "%i = vlp.constant dense<[1, 0, 1]> : <3xi>\n*%y = vlp.scatter_rows %x, %i : (<3x4>, <3xi>) -> <3x2x4>",
       "3x2x4"},
      {"select, first",
       {{"a", "3"}, {"b", "3"}},
       "%i = vlp.constant dense<1> : <i>\n*%y = vlp.select %i, %a, %b : (<i>, <3>, <3>) -> <3>",
       "3"},
      {"select, second",
       {{"a", "3"}, {"b", "3"}},
       "%i = vlp.constant dense<0> : <i>\n*%y = vlp.select %i, %a, %b : (<i>, <3>, <3>) -> <3>",
       "3"},
      {"select, by row",
       {{"a", "2x3"}, {"b", "2x3"}},
       "%i = vlp.constant dense<[[1], [0]]> : <2x1xi>\n*%y = vlp.select %i, %a, %b : (<2x1xi>, <2x3>, <2x3>) -> <2x3>",
       "2x3"},
      {"reduce_sum, outer and inner",
       {{"x", "2x3x5"}},
       "*%y = vlp.reduce_sum %x {axes = array<i64: 0, 2>} : (<2x3x5>) -> <3>",
       "3"},
      {"reduce_sum of rows",
       {{"x", "3x1x2"}},
       "*%y = vlp.reduce_sum %x {axes = array<i64: 0, 1>} : (<3x1x2>) -> <2>",
       "2"},
      {"reduce_sum of all", {{"x", "3x2"}}, "*%y = vlp.reduce_sum %x {axes = array<i64: 0, 1>} : (<3x2>) -> <>", ""},
      {"reduce_sum of nothing",
       {{"x", "3x2"}},
       "*%y = vlp.reduce_sum %x {axes = array<i64>} : (<3x2>) -> <3x2>",
       "3x2"},
      {"accumulate",
       {{"a", "3"}, {"b", "3"}, {"c", "3"}},
       "*%y = vlp.accumulate %a, %b, %c : (<3>, <3>, <3>) -> <3>",
       "3"},
      {"accumulate with itself",
       {{"a", "3"}, {"b", "3"}},
       "*%y = vlp.accumulate %a, %b, %a : (<3>, <3>, <3>) -> <3>",
       "3"},
  };
}

/// Each binary op on equal shapes, each side broadcast, both, a scalar, and one value twice. Denominators stay away
/// from 0.
static std::vector<GradientCase> binaryCases() {
  struct Shapes {
    std::string suffix, lhs, rhs, result;
  };
  const std::vector<Shapes> shapes = {{"", "2x3", "2x3", "2x3"},
                                      {", rhs broadcast", "2x3x5", "5", "2x3x5"},
                                      {", lhs broadcast", "3x1", "2x3x5", "2x3x5"},
                                      {", both broadcast", "3x1", "1x5", "3x5"},
                                      {", scalar rhs", "3x1", "", "3x1"},
                                      {", one element", "1", "1x1", "1x1"}};
  std::vector<GradientCase> cases;
  for (std::string op : {"add", "sub", "mul", "div"}) {
    for (const Shapes &s : shapes)
      cases.push_back({op + s.suffix,
                       {{"a", s.lhs}, {"b", s.rhs, 0.5, 2}},
                       "*%y = vlp." + op + " %a, %b : (<" + s.lhs + ">, <" + s.rhs + ">) -> <" + s.result + ">",
                       s.result});
    cases.push_back(
        {op + " with itself", {{"a", "2x3", 0.5, 2}}, "*%y = vlp." + op + " %a, %a : (<2x3>, <2x3>) -> <2x3>", "2x3"});
  }
  return cases;
}

static std::vector<GradientCase> unaryCases() {
  std::vector<GradientCase> cases;
  for (std::string op : {"neg", "exp", "tanh", "sigmoid", "gelu", "quick_gelu"}) {
    std::string body = "*%y = vlp." + op + " %x : (<3x7>) -> <3x7>";
    cases.push_back({op, {{"x", "3x7", -2, 2}}, body, "3x7"});
  }
  cases.push_back({"log", {{"x", "3x7", 0.3, 2}}, "*%y = vlp.log %x : (<3x7>) -> <3x7>", "3x7"});
  cases.push_back({"gelu, one element", {{"x", "", -2, 2}}, "*%y = vlp.gelu %x : (<>) -> <>", ""});
  cases.push_back({"cast",
                   {{"x", "2x3"}},
                   "*%d = vlp.cast %x : (<2x3>) -> tensor<2x3xbf16>\n*%y = vlp.cast %d : (tensor<2x3xbf16>) -> <2x3>",
                   "2x3"});
  return cases;
}

static std::vector<GradientCase> linearCases() {
  std::vector<GradientCase> cases = {
      {"linear",
       {{"x", "2x3x5"}, {"w", "4x5"}, {"b", "4"}},
       "*%y = vlp.linear %x, %w, %b : (<2x3x5>, <4x5>, <4>) -> <2x3x4>",
       "2x3x4"},
      {"linear without bias", {{"x", "3x5"}, {"w", "4x5"}}, "*%y = vlp.linear %x, %w : (<3x5>, <4x5>) -> <3x4>", "3x4"},
      {"linear of a vector",
       {{"x", "5"}, {"w", "4x5"}, {"b", "4"}},
       "*%y = vlp.linear %x, %w, %b : (<5>, <4x5>, <4>) -> <4>",
       "4"},
      {"linear of one row",
       {{"x", "1x1x5"}, {"w", "1x5"}, {"b", "1"}},
       "*%y = vlp.linear %x, %w, %b : (<1x1x5>, <1x5>, <1>) -> <1x1x1>",
       "1x1x1"},
      {"matmul of leading dimensions",
       {{"a", "2x3x5"}, {"b", "5x4"}},
       "*%y = vlp.matmul %a, %b : (<2x3x5>, <5x4>) -> <2x3x4>",
       "2x3x4"},
      {"matmul of leading dimensions, transposed",
       {{"a", "2x3x5"}, {"b", "4x5"}},
       "*%y = vlp.matmul %a, %b {transpose_rhs} : (<2x3x5>, <4x5>) -> <2x3x4>",
       "2x3x4"},
      {"matmul with itself",
       {{"a", "3x5"}},
       "*%y = vlp.matmul %a, %a {transpose_rhs} : (<3x5>, <3x5>) -> <3x3>",
       "3x3"},
      {"patch_embed",
       {{"x", "2x3x4x6"}, {"w", "5x3x2x2"}, {"b", "5"}},
       "*%y = vlp.patch_embed %x, %w, %b : (<2x3x4x6>, <5x3x2x2>, <5>) -> <2x6x5>",
       "2x6x5"},
      {"patch_embed without bias",
       {{"x", "1x2x3x3"}, {"w", "4x2x3x3"}},
       "*%y = vlp.patch_embed %x, %w : (<1x2x3x3>, <4x2x3x3>) -> <1x1x4>",
       "1x1x4"},
      {"patchify", {{"x", "2x3x4x6"}}, "*%y = vlp.patchify %x {patch = 2 : i64} : (<2x3x4x6>) -> <2x6x12>", "2x6x12"},
      {"unpatchify",
       {{"x", "2x6x12"}},
       "*%y = vlp.unpatchify %x {patch = 2 : i64} : (<2x6x12>) -> <2x3x4x6>",
       "2x3x4x6"},
  };
  for (bool transposeLhs : {false, true})
    for (bool transposeRhs : {false, true}) {
      std::string lhs = transposeLhs ? "5x3" : "3x5", rhs = transposeRhs ? "4x5" : "5x4", flags;
      flags += transposeLhs ? "transpose_lhs" : "";
      flags += transposeLhs && transposeRhs ? ", " : "";
      flags += transposeRhs ? "transpose_rhs" : "";
      cases.push_back({"matmul {" + flags + "}",
                       {{"a", lhs}, {"b", rhs}},
                       "*%y = vlp.matmul %a, %b {" + flags + "} : (<" + lhs + ">, <" + rhs + ">) -> <3x4>",
                       "3x4"});
    }
  return cases;
}

static std::vector<GradientCase> rowCases() {
  return {
      {"layer_norm",
       {{"x", "2x3x5"}, {"g", "5", 0.5, 1.5}, {"b", "5"}},
       "*%y, %m, %r = vlp.layer_norm %x, %g, %b {eps = 0.1 : f64} : (<2x3x5>, <5>, <5>) -> (<2x3x5>, <2x3>, <2x3>)",
       "2x3x5"},
      {"layer_norm of a vector",
       {{"x", "5", 1, 2}, {"g", "5"}, {"b", "5"}},
       "*%y, %m, %r = vlp.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (<5>, <5>, <5>) -> (<5>, <>, <>)",
       "5"},
      {"layer_norm, offset only",
       {{"x", "2x3", -1, 1, false}, {"g", "3", -1, 1, false}, {"b", "3"}},
       "*%y, %m, %r = vlp.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (<2x3>, <3>, <3>) -> (<2x3>, <2>, <2>)",
       "2x3"},
      {"l2_normalize",
       {{"x", "2x3x5"}},
       "*%y, %n = vlp.l2_normalize %x {eps = 0.0 : f64} : (<2x3x5>) -> (<2x3x5>, <2x3>)",
       "2x3x5"},
      {"l2_normalize of short and long rows",
       {{"x", "2x3", -0.2, 0.2}, {"z", "3x3", 1, 2}},
       R"(%r = vlp.concat %x, %z {axis = 0 : i64} : (<2x3>, <3x3>) -> <5x3>
          *%y, %n = vlp.l2_normalize %r {eps = 1.0 : f64} : (<5x3>) -> (<5x3>, <5>))",
       "5x3"},
      {"softmax", {{"x", "2x3x5", -2, 2}}, "*%y = vlp.softmax %x : (<2x3x5>) -> <2x3x5>", "2x3x5"},
      {"softmax of one element",
       {{"x", "2x1"}, {"z", "2x2"}},
       R"(%r = vlp.concat %x, %z {axis = 1 : i64} : (<2x1>, <2x2>) -> <2x3>
          *%y = vlp.softmax %r : (<2x3>) -> <2x3>)",
       "2x3"},
      {"attention",
       {{"q", "2x5x6", -2, 2}, {"k", "2x5x6", -2, 2}, {"v", "2x5x6"}},
       "*%y, %l = vlp.attention %q, %k, %v {heads = 2 : i64, scale = 0.7 : f64} : (<2x5x6>, <2x5x6>, <2x5x6>) -> "
       "(<2x5x6>, <2x2x5>)",
       "2x5x6"},
      {"attention, cross",
       {{"q", "2x3x6", -2, 2}, {"k", "2x5x6", -2, 2}, {"v", "2x5x6"}},
       "*%y, %l = vlp.attention %q, %k, %v {heads = 3 : i64, scale = 0.7 : f64} : (<2x3x6>, <2x5x6>, <2x5x6>) -> "
       "(<2x3x6>, <2x3x3>)",
       "2x3x6"},
      {"attention, causal",
       {{"q", "1x4x3", -2, 2}, {"k", "1x4x3", -2, 2}, {"v", "1x4x3"}},
       "*%y, %l = vlp.attention %q, %k, %v {heads = 1 : i64, scale = 0.7 : f64, causal} : (<1x4x3>, <1x4x3>, <1x4x3>) "
       "-> (<1x4x3>, <1x1x4>)",
       "1x4x3"},
      {"attention, one value",
       {{"x", "2x3x4", -2, 2}},
       "*%y, %l = vlp.attention %x, %x, %x {heads = 2 : i64, scale = 0.5 : f64} : (<2x3x4>, <2x3x4>, <2x3x4>) -> "
       "(<2x3x4>, <2x2x3>)",
       "2x3x4"},
      {"attention with a mask of each head",
       {{"q", "2x3x4", -2, 2}, {"k", "2x5x4", -2, 2}, {"v", "2x5x4"}, {"m", "1x2x3x5"}},
       "*%y, %l = vlp.attention %q, %k, %v, %m {heads = 2 : i64, scale = 0.7 : f64} : (<2x3x4>, <2x5x4>, <2x5x4>, "
       "<1x2x3x5>) -> (<2x3x4>, <2x2x3>)",
       "2x3x4"},
      {"attention, causal, with padding",
       {{"q", "2x4x4", -2, 2}, {"k", "2x4x4", -2, 2}, {"v", "2x4x4"}, {"m", "2x1x1x4"}},
       "*%y, %l = vlp.attention %q, %k, %v, %m {heads = 2 : i64, scale = 0.7 : f64, causal} : (<2x4x4>, <2x4x4>, "
       "<2x4x4>, <2x1x1x4>) -> (<2x4x4>, <2x2x4>)",
       "2x4x4"},
      {"embedding",
       {{"t", "7x3"}},
       "%i = vlp.constant dense<[[6, 0, 6], [2, 6, 3]]> : <2x3xi>\n*%y = vlp.embedding %t, %i : (<7x3>, <2x3xi>) -> "
       "<2x3x3>",
       "2x3x3"},
      {"embedding of one",
       {{"t", "2x3"}},
       "%i = vlp.constant dense<1> : <i>\n*%y = vlp.embedding %t, %i : (<2x3>, <i>) -> <3>",
       "3"},
      {"cross_entropy",
       {{"x", "3x5", -2, 2}},
       R"(%i = vlp.constant dense<[4, 0, 4]> : <3xi>
          *%y, %l = vlp.cross_entropy %x, %i {ignore_index = -100 : i64, smoothing = 0.0 : f64} : (<3x5>, <3xi>) -> (<3>, <3>))",
       "3"},
      {"cross_entropy, ignored and smoothed",
       {{"x", "4x5", -2, 2}},
       R"(%i = vlp.constant dense<[2, 1, 2, 0]> : <4xi>
          *%y, %l = vlp.cross_entropy %x, %i {ignore_index = 2 : i64, smoothing = 0.3 : f64} : (<4x5>, <4xi>) -> (<4>, <4>))",
       "4"},
      {"soft_cross_entropy",
       {{"x", "3x5", -2, 2}, {"t", "3x5", 0, 1, false}},
       "*%y, %l = vlp.soft_cross_entropy %x, %t : (<3x5>, <3x5>) -> (<3>, <3>)",
       "3"},
  };
}

const std::vector<GradientCase> &vlp::test::getGradientCases() {
  static const std::vector<GradientCase> all = [] {
    std::vector<GradientCase> cases;
    for (const auto &family : {tensorCases(), binaryCases(), unaryCases(), linearCases(), rowCases()})
      cases.insert(cases.end(), family.begin(), family.end());
    return cases;
  }();
  return all;
}

/// "3x5" as "tensor<3x5xf32>"; "2xi" as "tensor<2xi32>".
static std::string typeText(std::string shape) {
  bool isInteger = !shape.empty() && shape.back() == 'i';
  if (isInteger)
    return "tensor<" + shape + "32>";
  return "tensor<" + shape + (shape.empty() ? "" : "x") + "f32>";
}

/// Expands `<3x5>`, but not the brackets of tensor<>, dense<> and array<>.
static std::string expandTypes(const std::string &text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t end = text.find('>', i);
    bool isShape = text[i] == '<' && (i == 0 || !isalnum(text[i - 1])) && end != std::string::npos &&
                   text.find_first_not_of("0123456789xi", i + 1) == end;
    result += isShape ? typeText(text.substr(i + 1, end - i - 1)) : text.substr(i, 1);
    i = isShape ? end : i;
  }
  return result;
}

/// Expands types and turns `*` at a line's start into a location at its end.
static std::string expandBody(const std::string &body) {
  std::istringstream lines(body);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(' '));
    bool isSubject = line.front() == '*';
    text += "  " + expandTypes(isSubject ? line.substr(1) : line) + (isSubject ? " loc(\"subject\")\n" : "\n");
  }
  return text;
}

std::string vlp::test::getModuleText(const GradientCase &gradientCase) {
  std::ostringstream text;
  for (const CaseInput &input : gradientCase.inputs)
    text << "vlp.parameter @" << input.name << " : " << typeText(input.shape)
         << " {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>" << (input.trainable ? ", trainable" : "") << "}\n";
  std::string type = typeText(gradientCase.result);
  text << "func.func @function(%projection: " << type << ") -> (tensor<f32>, " << type
       << ") attributes {vlp.differentiate} {\n";
  for (const CaseInput &input : gradientCase.inputs)
    text << "  %" << input.name << " = vlp.read @" << input.name << " : " << typeText(input.shape) << "\n";
  text << expandBody(gradientCase.body);
  text << "  %projected = vlp.mul %y, %projection : (" << type << ", " << type << ") -> " << type << "\n";
  std::string axes;
  int64_t rank =
      gradientCase.result.empty() ? 0 : 1 + std::count(gradientCase.result.begin(), gradientCase.result.end(), 'x');
  for (int64_t d = 0; d < rank; ++d)
    axes += (d ? ", " : ": ") + std::to_string(d);
  text << "  %loss = vlp.reduce_sum %projected {axes = array<i64" << axes << ">} : (" << type << ") -> tensor<f32>\n";
  text << "  return %loss, %y : tensor<f32>, " << type << "\n}\n";
  return text.str();
}

/// tanh(x w) applied `uses` times to a 2x3 matrix, with the weight named by `weightOf(use)`.
template <typename Name>
static std::string makeChain(unsigned uses, Name weightOf) {
  std::string body, value = "x";
  for (unsigned i = 0; i < uses; ++i) {
    std::string next = i + 1 == uses ? "y" : "t" + std::to_string(i);
    body += "%m" + std::to_string(i) + " = vlp.linear %" + value + ", %" + weightOf(i) + " : (<2x3>, <3x3>) -> <2x3>\n";
    body += "%" + next + " = vlp.tanh %m" + std::to_string(i) + " : (<2x3>) -> <2x3>\n";
    value = next;
  }
  return body;
}

GradientCase vlp::test::makeSharedWeightCase(unsigned uses) {
  return {"shared weight",
          {{"x", "2x3", -1, 1, false}, {"w", "3x3"}},
          makeChain(uses, [](unsigned) { return "w"; }),
          "2x3"};
}

GradientCase vlp::test::makeCopiedWeightCase(unsigned uses) {
  GradientCase copied = {"copied weight", {{"x", "2x3", -1, 1, false}}, "", "2x3"};
  auto name = [](unsigned i) { return "w" + std::to_string(i); };
  for (unsigned i = 0; i < uses; ++i)
    copied.inputs.push_back({name(i), "3x3"});
  copied.body = makeChain(uses, name);
  return copied;
}
