// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One kernel region as machine code for one chip, on every stage of its way.
#pragma once

#include "passes/CUDA/CompileCUDA.h"
#include "passes/CUDA/LintPTX.h"
#include "test/passes/Kernels/PreparedCase.h"

namespace vlp::test {

struct CompiledKernel {
  KernelPlan plan;
  std::vector<std::string> symbols; // one a launch; launches of equal suffix share a function
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> device; // what goes to the NVPTX back end and to the simulator's compiler
  std::string ptx;
  cuda::PtxLint lint;
  cuda::Cubin cubin;
};

/// Loads what kernels and their code need.
void loadDialects(mlir::MLIRContext &context);
/// Null, and the current test fails, if any stage does. `matmulTile`: TargetInfo::matmulTile.
std::unique_ptr<CompiledKernel> compileKernel(KernelOp kernel, llvm::StringRef chip, llvm::StringRef matmulTile = "");
/// The same up to `device`: enough for the simulator.
std::unique_ptr<CompiledKernel> lowerKernel(KernelOp kernel, llvm::StringRef chip);
/// Fails the current test unless the lint is content and each launch can run on the chip, without spills and local
/// memory.
void judge(const CompiledKernel &code, llvm::StringRef chip);
/// Bytes of shared memory that one block may have.
int64_t largestShared(llvm::StringRef chip);

} // namespace vlp::test
