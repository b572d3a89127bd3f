// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One kernel on the interpreter, on given operands.
#pragma once

#include "tools/vlp-check/Device.h"

namespace vlp::tools {

/// What the interpreter says about one kernel.
struct KernelReference {
  std::vector<Array<double>> results;
  /// For each result, how far the f32 run is from it (Euclidean).
  std::vector<double> noise;
};

/// |a - b|.
double getDistance(const Array<double> &a, const Array<double> &b);

/// Runs `kernel` by itself.
llvm::Expected<KernelReference> runAlone(KernelOp kernel, llvm::ArrayRef<Array<double>> operands);

} // namespace vlp::tools
