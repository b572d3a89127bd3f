// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels of flags and draws, for the elementwise emitters of all targets.
#pragma once

#include "test/passes/Kernels/KernelCase.h"

namespace vlp::test {

/// Comparisons, choices by element, and uniform draws, in the shape "AxB"; draws repeat over the rows, too.
std::vector<KernelCase> makeFlagCases(const std::string &shape);

} // namespace vlp::test
