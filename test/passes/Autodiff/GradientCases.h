// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of gradient checks: small odd shapes for every differentiable op. Both the gradient check and the mutation
// test run it, and fail for a differentiable op that is not in it.
#pragma once

#include <string>
#include <vector>

namespace vlp::test {

/// A parameter of a case. Values are uniform in [low, high].
struct CaseInput {
  std::string name;
  std::string shape; // "3x5", "" for rank 0
  double low = -1, high = 1;
  bool trainable = true;
};

/// `body` is IR that reads its inputs as %name and defines %y. Shorthands: `<3x5>` is tensor<3x5xf32>, `<2xi>` is
/// tensor<2xi32>, and a line that begins with `*` holds an op under test.
struct GradientCase {
  std::string name;
  std::vector<CaseInput> inputs;
  std::string body;
  std::string result; // shape of %y
};

const std::vector<GradientCase> &getGradientCases();

/// The module of a case. `@function` reads the inputs, takes a projection of %y's shape and returns sum(y * projection)
/// and y; it has `vlp.differentiate`. Ops under test have the location "subject".
std::string getModuleText(const GradientCase &gradientCase);

/// One case in which a weight is used `uses` times, and the same with as many copies of it, named w0, w1, ...
GradientCase makeSharedWeightCase(unsigned uses);
GradientCase makeCopiedWeightCase(unsigned uses);

} // namespace vlp::test
