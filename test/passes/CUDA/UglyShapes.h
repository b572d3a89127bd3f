// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels that CLIP is made of as functions of its sizes.
#pragma once

#include "test/passes/Kernels/KernelCase.h"

namespace vlp::test {

struct Sizes {
  int batch, sequence, width;
  int heads;    ///< divides the width
  int channels; ///< of a picture whose patches have `width` numbers: width = channels x patch x patch
  int patch;
  std::string type; ///< of activations
  std::string variant;
};

/// An anchor's kernels.
struct Family {
  const char *name;
  std::vector<std::string> variants;
  KernelCase (*make)(const Sizes &);
};

/// One entry an anchor of CLIP's training step.
const std::vector<Family> &families();

} // namespace vlp::test
