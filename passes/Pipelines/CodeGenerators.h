// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of code generators: what turns a plan into machine code for each target of the command line.
#pragma once

#include "passes/Package/Package.h"
#include "passes/Kernels/Emitter.h"
#include "mlir/IR/OwningOpRef.h"

namespace vlp {

/// The chips of `target` ("cpu", "cuda", "sim"), oldest first; empty for an unknown target.
llvm::ArrayRef<llvm::StringRef> getChips(llvm::StringRef target);

/// Names of all targets.
llvm::ArrayRef<llvm::StringRef> getTargetNames();

/// The chip that is meant where none is given: the best that this machine runs for cpu, the oldest for cuda and sim.
std::string getDefaultChip(llvm::StringRef target);

/// Whose emitters plan and emit the kernels of `target`: the simulator runs what CUDA gets.
llvm::StringRef getEmitterTarget(llvm::StringRef target);

/// Emits the functions of all kernels of a plan that was planned for `target`, as MLIR.
llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitPlan(mlir::ModuleOp plan, const TargetInfo &target);

/// Emits and compiles them.
llvm::FailureOr<CodeBlob> generateCode(mlir::ModuleOp plan, const TargetInfo &target);

} // namespace vlp
