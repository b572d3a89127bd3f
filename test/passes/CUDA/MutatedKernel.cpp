// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Mutates copies of a module and intercepts what the harness reports.
#include "test/passes/CUDA/MutatedKernel.h"

#include "test/passes/CUDA/SimulatedRun.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;

MutatedKernel::MutatedKernel(KernelCase kernelCase)
    : c(std::move(kernelCase)), context(mlir::MLIRContext::Threading::DISABLED) {
  loadDialects(context);
  prepared = prepare(c, context);
  code = compileKernel(prepared.kernel, "sm_80");
}

std::vector<std::string> MutatedKernel::intercept(llvm::function_ref<void()> run) {
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    run();
  }
  std::vector<std::string> messages;
  for (int i = 0; i < results.size(); ++i)
    messages.push_back(results.GetTestPartResult(i).message());
  return messages;
}

std::vector<std::string> MutatedKernel::failures(llvm::function_ref<void(llvm::Module &)> mutate) {
  std::unique_ptr<llvm::Module> mutant = llvm::CloneModule(*code->device);
  mutate(*mutant);
  return intercept([&] { simulate(c, prepared, {code->plan, code->symbols, *mutant, largestShared("sm_80")}); });
}

MutatedKernel::Checked MutatedKernel::check(llvm::function_ref<void(llvm::Module &, KernelPlan &)> mutate) {
  std::unique_ptr<llvm::Module> mutant = llvm::CloneModule(*code->device);
  KernelPlan plan = code->plan;
  mutate(*mutant, plan);
  Checked checked;
  checked.failures = intercept([&] {
    checked.findings = simulateChecked(c, prepared, {plan, code->symbols, *mutant, largestShared("sm_80")});
  });
  return checked;
}

std::vector<llvm::Instruction *> MutatedKernel::find(llvm::Module &module,
                                                     llvm::function_ref<bool(llvm::Instruction &)> wanted) {
  std::vector<llvm::Instruction *> found;
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (wanted(instruction))
        found.push_back(&instruction);
  return found;
}

std::vector<llvm::Instruction *> MutatedKernel::stores(llvm::Module &module) {
  return find(module, [](llvm::Instruction &instruction) { return llvm::isa<llvm::StoreInst>(instruction); });
}

std::vector<llvm::Instruction *> MutatedKernel::calls(llvm::Module &module, llvm::StringRef name) {
  return find(module, [&](llvm::Instruction &instruction) {
    auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction);
    if (!call || !call->getCalledFunction())
      return false;
    llvm::StringRef callee = call->getCalledFunction()->getName();
    return callee.consume_front("llvm.nvvm.") && callee.starts_with(name);
  });
}
