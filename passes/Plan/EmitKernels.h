// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Code of the kernels of a plan, as one module of functions.
#pragma once

#include "mlir/IR/OwningOpRef.h"
#include "passes/Kernels/Emitter.h"

namespace vlp {

/// One function each.
llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitKernels(mlir::MLIRContext *context,
                                                               llvm::ArrayRef<KernelToEmit> kernels,
                                                               const TargetInfo &target, EmitterLookup lookup);

/// All stages of all plan.kernel ops of a plan, planned for `target`: functions are named as plan.kernel says.
llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitKernels(mlir::ModuleOp plan, const TargetInfo &target,
                                                               EmitterLookup lookup);

} // namespace vlp
