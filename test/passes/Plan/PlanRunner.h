// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs plan entries in memory, kernel by kernel, through the reference implementations of the ops in them.
#pragma once

#include "dialect/Interpreter/Interpreter.h"
#include "dialect/Plan/Plan.h"

namespace vlp::test {

/// The entry's outputs. Arena, outputs and every buffer before its first write hold a pattern that no test computes. A
/// kernel runs when its last stage does; earlier stages fill what they write with the pattern.
std::vector<Array<float>> runPlan(mlir::ModuleOp module, llvm::StringRef entry, const std::vector<Array<float>> &inputs,
                                  State<float> &state);

} // namespace vlp::test
