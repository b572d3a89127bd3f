// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which emitter kind an op anchors.
#pragma once

#include "dialect/VLP/VLP.h"

namespace vlp {

/// The emitter kind that compiles a kernel around `op` ("matmul", "row", "elementwise", ...); empty for views,
/// constants, state and control ops, which are no kernels.
llvm::StringRef getAnchorKind(mlir::Operation *op);

/// Whether `op` computes each element of its one result from the operands' elements at that place, so that it may be an
/// epilogue.
bool isElementwise(mlir::Operation *op);

/// Whether `op` casts to a wider float type: it adds nothing to what its operand holds, so that readers should read
/// that.
bool isWideningCast(mlir::Operation *op);

/// Whether kernels of `kind` take elementwise consumers of their main result (result 0 of the anchor).
bool acceptsEpilogue(llvm::StringRef kind);

} // namespace vlp
