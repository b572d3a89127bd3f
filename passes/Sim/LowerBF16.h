// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// bf16 on chips that do not know it.
#pragma once

#include "llvm/IR/Function.h"
#include <set>
#include <string>

namespace vlp::sim {

/// Turns all bf16 values of `function` into i16 with the same bits, and widening into integer arithmetic: left alone,
/// the x86 back end splits vectors of bf16 and rounds their elements by calls of a library. Roundings to bf16 and
/// arithmetic in bf16 must have been replaced before; what is left of them goes to `unsupported`.
void lowerBF16(llvm::Function &function, std::set<std::string> &unsupported);

} // namespace vlp::sim
