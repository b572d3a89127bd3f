// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Choices of one value from each of several dimensions: all of them, or few that cover every pair of values.
#pragma once

#include <vector>

namespace vlp::test {

/// The position of the value taken from each dimension.
using Choice = std::vector<int>;

/// All choices from dimensions of `sizes`, the last dimension fastest.
std::vector<Choice> allChoices(const std::vector<int> &sizes);

/// Choices such that any two values of two dimensions are together in one at least. Greedy: the next one has the most
/// pairs not seen yet, and of several such choices the one of the smallest positions is taken (put cheap values first).
std::vector<Choice> pairwiseChoices(const std::vector<int> &sizes);

} // namespace vlp::test
