// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From kernels to machine code: emit, lower to LLVM, optimise, and link one shared object without undefined symbols.
#pragma once

#include "passes/Kernels/Emitter.h"
#include <string>

namespace vlp::cpu {

/// The chip names of --target=cpu:CHIP, best last.
llvm::ArrayRef<llvm::StringRef> supportedChips();
/// The best of them that this machine can run.
std::string hostChip();
/// The CPU features that code for `chip` needs, as /proc/cpuinfo names them.
llvm::SmallVector<std::string> requiredFeatures(llvm::StringRef chip);

/// Emits all functions into one module of func, scf, arith, vector and llvm ops (what --emit=llvm shows, before lowering).
llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitKernels(mlir::MLIRContext *context, llvm::ArrayRef<KernelToEmit> kernels,
                                                               const TargetInfo &target);

/// The same for all stages of all plan.kernel ops of a plan, planned for `target`: functions are named as plan.kernel says.
llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitPlan(mlir::ModuleOp plan, const TargetInfo &target);

/// Lowers and compiles such a module; returns the bytes of an ELF shared object. The same module gives the same bytes.
/// `llvmText`, if given, receives the optimised LLVM IR.
llvm::FailureOr<std::string> compileModule(mlir::ModuleOp module, const TargetInfo &target, std::string *llvmText = nullptr);

/// Registers what `emitKernels` and `compileModule` need in a context's registry.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace vlp::cpu
