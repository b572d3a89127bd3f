// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From emitted kernels to GPU code: lower to LLVM IR for NVPTX, optimise, print PTX, assemble a cubin.
#pragma once

#include "passes/CUDA/Assemble.h"
#include "passes/Kernels/Emitter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include <memory>
#include <string>

namespace vlp::cuda {

/// A function attribute: the PTX does not say how many threads a block has (KernelBuilder::hideThreads).
inline constexpr llvm::StringLiteral kHideThreads = "vlp.hide-threads";

/// The chip names of --target=cuda:CHIP, oldest first.
llvm::ArrayRef<llvm::StringRef> supportedChips();

/// Lowers a module of kernels (what --emit=llvm shows: llvm, scf, arith and vector ops) to LLVM IR for `target.chip`
/// and optimises it (O3). This very module goes to the NVPTX back end and to the simulator's compiler. Consumes
/// `module`.
llvm::FailureOr<std::unique_ptr<llvm::Module>> lowerToNVPTX(mlir::ModuleOp module, const TargetInfo &target,
                                                            llvm::LLVMContext &context);

/// PTX text of an optimised module; the same module gives the same text. LLVM ends the process when it cannot select an
/// instruction.
llvm::Expected<std::string> printPTX(llvm::Module &module, const TargetInfo &target);

/// The same in a child process: an instruction that cannot be selected is a diagnostic at `where`.
llvm::FailureOr<std::string> generatePTX(llvm::Module &module, const TargetInfo &target, mlir::Location where);

struct DeviceCode {
  std::string ptx;
  Cubin cubin;
};

/// All of the above.
llvm::FailureOr<DeviceCode> compileModule(mlir::ModuleOp module, const TargetInfo &target);

/// Registers what emitters and `compileModule` need in a context's registry.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace vlp::cuda
