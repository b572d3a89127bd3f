// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Agreement with an official model's numbers.
#pragma once

#include "tools/vlp-check/Device.h"

namespace vlp::tools {

/// One compared tensor. Errors are relative Euclidean norms: |ours - golden| / |golden|, absolute where golden is zero.
struct ParityRow {
  std::string tensor;
  double norm;
  double error;
  double tolerance;
  /// Too small to compare: its norm is at most 1e-7 of the largest gradient's (attention key biases, whose gradient is
  /// mathematically zero). Ours must be as small.
  bool skipped;
  bool passed;
};

struct ParityReport {
  std::vector<ParityRow> rows;
  bool passed() const;
};

/// Loss rtol 1e-5, logits 1e-5, each gradient 1e-4. NaN never passes.
llvm::Expected<ParityReport> checkClipParity(const std::string &goldenFile, const Device &device);

} // namespace vlp::tools
