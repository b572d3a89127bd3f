// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How far PyTorch's bf16 autocast is from f64 on a golden file: what our bf16 is measured by.
#pragma once

#include "llvm/Support/Error.h"
#include <map>
#include <string>

namespace vlp::tools {

struct AutocastErrors {
  /// Version of PyTorch.
  std::string torch;
  /// |autocast - f64| / |f64| by tensor (loss, logits_per_image, grad/NAME), and of all gradients as one vector
  /// ("gradients").
  std::map<std::string, double> errors;
};

/// The errors for the golden file `golden`: read from `file`, which tools/reference/clip_autocast.py wrote, or, where
/// it is empty, those that are built in. Fails if they belong to another golden file, or if none are known.
llvm::Expected<AutocastErrors> findAutocastErrors(const std::string &golden, const std::string &file);

} // namespace vlp::tools
