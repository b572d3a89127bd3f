// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From emitted kernels to machine code: lower to LLVM, optimise, and link one shared object without undefined symbols.
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

/// Lowers and compiles a module of kernels (what --emit=llvm shows: func, scf, arith, vector and llvm ops); returns the
/// bytes of an ELF shared object. The same module gives the same bytes. `llvmText`, if given, receives the optimised
/// LLVM IR.
llvm::FailureOr<std::string> compileModule(mlir::ModuleOp module, const TargetInfo &target,
                                           std::string *llvmText = nullptr);

/// Registers what emitters and `compileModule` need in a context's registry.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace vlp::cpu
