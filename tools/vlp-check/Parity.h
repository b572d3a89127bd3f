// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Agreement with an official model's numbers.
#pragma once

#include "tools/vlp-check/Device.h"

namespace vlp::tools {

/// One compared tensor. Errors are relative Euclidean norms: |ours - expected| / |expected|, absolute where that is
/// zero.
struct ParityRow {
  std::string tensor;
  double norm;
  double error;
  double tolerance;
  /// Too small to compare: its norm is at most 1e-7 of the largest gradient's (attention key biases, whose gradient is
  /// mathematically zero). Ours must be as small.
  bool skipped;
  bool passed;
  /// bf16 only: the error of PyTorch's autocast.
  double autocast = 0;
};

struct ParityReport {
  std::vector<ParityRow> rows;
  bool passed() const;
};

/// Against the golden numbers of an architecture: losses and other results 1e-5, each gradient 1e-4. In bf16, against
/// the interpreter in f64, for which the golden numbers are f32: each tensor, and all gradients as one vector (row
/// "gradients"), at most 1.5 times as far as PyTorch's bf16 autocast or, where that came nearer by luck, as 2^-8, the
/// distance of bf16 numbers. `autocastFile`: see findAutocastErrors. NaN never passes.
llvm::Expected<ParityReport> checkParity(llvm::StringRef architecture, const std::string &goldenFile,
                                         const Device &device, const std::string &autocastFile = "");

} // namespace vlp::tools
