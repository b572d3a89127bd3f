// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The elements of patchify and unpatchify as a strided access of six dimensions.
#pragma once

#include "passes/Kernels/Access.h"

namespace vlp {

/// Element i of the result, counted over `space` in row-major order, is that of `source`, which has the shape `space`.
struct PatchAccess {
  Access source;
  llvm::SmallVector<int64_t> space;
};

/// Of a patchify: (B, gy, gx, C, y, x), in order of the rows; of an unpatchify: (B, C, gy, y, gx, x), in order of the
/// image. The operand must be a strided access.
PatchAccess getPatchAccess(mlir::Operation *op);

} // namespace vlp
