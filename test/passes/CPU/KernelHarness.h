// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiles one kernel region for the CPU, runs it on random data in several schedules, and compares it with the interpreter.
#pragma once

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
  /// Largest error, relative to the largest magnitude of the result; with a `floor`, relative to the element's own magnitude or to
  /// the floor, whichever is larger.
  double tolerance = 2e-6;
  double floor = 0;
  /// If not empty, the elements of the first input, instead of random ones.
  std::vector<float> values = {};
};

/// Runs the case for every chip that this machine can run. Fails the current test with the kernel's text on a wrong result, an element
/// left unwritten, a write outside a result, or results that depend on how the tasks were split.
void checkKernel(const KernelCase &kernel);

/// Replaces every `name` in `text` by `value`: shapes as parameters of a case.
std::string with(std::string text, const std::vector<std::pair<std::string, int>> &values);

} // namespace vlp::test
