// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-deduplicate-kernels, and the pipeline that ends with it.
#include "mlir/Transforms/Passes.h"
#include "passes/Kernels/KernelName.h"
#include "passes/Kernels/Passes.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_DEDUPLICATEKERNELS
#include "passes/Kernels/Passes.h.inc"
} // namespace vlp

namespace {
struct DeduplicateKernelsPass : vlp::impl::DeduplicateKernelsBase<DeduplicateKernelsPass> {
  void runOnOperation() override {
    llvm::StringMap<std::string> texts; // symbol -> canonical text
    WalkResult result = getOperation().walk([&](KernelOp kernel) {
      std::string symbol = getKernelSymbol(kernel);
      std::string text = getCanonicalText(kernel);
      auto [it, isNew] = texts.try_emplace(symbol, text);
      if (!isNew && it->second != text) {
        kernel.emitError() << "expected kernels named '" << symbol << "' to be equal, got two bodies with one hash";
        return WalkResult::interrupt();
      }
      kernel->setAttr(kKernelSymbolAttr, StringAttr::get(&getContext(), symbol));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace

void vlp::buildKernelPipeline(OpPassManager &manager, const FormKernelsOptions &options) {
  manager.addNestedPass<func::FuncOp>(createDecomposePatchEmbed());
  manager.addNestedPass<func::FuncOp>(createCSEPass());
  manager.addNestedPass<func::FuncOp>(createFormKernels(options));
  manager.addPass(createDeduplicateKernels());
}
