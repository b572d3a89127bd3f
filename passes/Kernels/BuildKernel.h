// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Construction of kernel regions from groups of ops, and the materialisation of views that no kernel can
// read through.
#pragma once

#include "dialect/VLP/VLP.h"

namespace vlp {

/// Builds a kernel that computes `yields` by clones of `ops` (in program order). Views and splat constants are cloned
/// along; all other values used become operands, in order of first use. `ops` may be empty: the kernel then copies.
KernelOp buildKernel(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef kind,
                     llvm::ArrayRef<mlir::Operation *> ops, llvm::ArrayRef<mlir::Value> yields);

/// Erases ops of the block that compute what nobody uses.
void eraseUnusedOps(mlir::Block &block);

/// Makes every view chain of the block a strided access and every value that is returned or written a dense tensor, by
/// inserting copying kernels; drops stop_gradient, which has no meaning after differentiation.
void materializeViews(mlir::Block &block);

/// Whether `op` is a constant that kernels hold in their code rather than in memory.
bool isSplatConstant(mlir::Operation *op);

} // namespace vlp
