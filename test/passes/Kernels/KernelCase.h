// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One kernel region as a test case in text form, shared by the harnesses of all targets.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace vlp::test {

/// A kernel region in text form. Inputs are called %a0, %a1, ... in the body; types are written without "tensor<>".
struct KernelCase {
  std::string anchor;
  std::vector<std::string> inputs;
  std::string body;
  std::vector<std::string> yields;
  std::vector<std::string> results;
  /// Integer inputs are drawn from [0, integers).
  int integers = 4;
  /// Float inputs are drawn from [-range, range], or from (0, range] if positive.
  double range = 1;
  bool positive = false;
  /// Largest error, relative to the largest magnitude of the result; with a `floor`, relative to the element's own
  /// magnitude or to the floor, whichever is larger. Results in bf16 may differ by their own rounding, half a unit in
  /// the last place, on top of it.
  double tolerance = 2e-6;
  double floor = 0;
  /// Elements of some inputs, by position, instead of random ones.
  std::map<unsigned, std::vector<double>> given = {};
};

/// The case as a module with one function "k".
std::string moduleText(const KernelCase &c);

/// Replaces every `name` in `text` by `value`: shapes as parameters of a case.
std::string with(std::string text, const std::vector<std::pair<std::string, int>> &values);
/// The same for text, e.g. an element type.
std::string with(std::string text, const std::string &name, const std::string &value);

} // namespace vlp::test
