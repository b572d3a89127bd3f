// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A real emitter's kernel, broken by hand, and what the harness says of it.
#pragma once

#include "runtime/sim/Engine.h"
#include "test/passes/CUDA/CompiledKernel.h"

#include "llvm/IR/Instructions.h"

namespace vlp::test {

/// A case, compiled for sm_80.
class MutatedKernel {
public:
  explicit MutatedKernel(KernelCase kernelCase);

  /// What the harness reports, in all its modes, of the code as `mutate` leaves it.
  std::vector<std::string> failures(llvm::function_ref<void(llvm::Module &)> mutate);

  struct Checked {
    /// Of the forward, the reverse and a random order of threads.
    std::vector<std::vector<sim::Finding>> findings;
    /// Of the harness, in the same runs: the findings again, wrong results, elements left unwritten.
    std::vector<std::string> failures;
  };
  /// Checked mode alone; the mutation may change the launches as well.
  Checked check(llvm::function_ref<void(llvm::Module &, KernelPlan &)> mutate);

  /// All instructions that `wanted` holds for, in order of the module.
  static std::vector<llvm::Instruction *> find(llvm::Module &module,
                                               llvm::function_ref<bool(llvm::Instruction &)> wanted);
  static std::vector<llvm::Instruction *> stores(llvm::Module &module);
  static std::vector<llvm::Instruction *> barriers(llvm::Module &module) { return calls(module, "barrier"); }
  /// Calls of intrinsics whose name starts with "llvm.nvvm." and `name`.
  static std::vector<llvm::Instruction *> calls(llvm::Module &module, llvm::StringRef name);

  KernelCase c;
  mlir::MLIRContext context;
  PreparedCase prepared;
  std::unique_ptr<CompiledKernel> code;

private:
  std::vector<std::string> intercept(llvm::function_ref<void()> run);
};

} // namespace vlp::test
