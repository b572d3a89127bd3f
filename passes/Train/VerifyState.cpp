// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-verify-state.
#include "passes/Train/Passes.h"
#include "llvm/ADT/StringSet.h"

namespace vlp {
#define GEN_PASS_DEF_VERIFYSTATE
#include "passes/Train/Passes.h.inc"
} // namespace vlp

using namespace mlir;
using namespace vlp;

/// Reports what is wrong with the accesses to state of one function.
static bool checkFunction(func::FuncOp function) {
  llvm::StringSet<> read, written;
  bool ok = true, writing = false;
  auto once = [&](Operation *op, StringRef what, StringRef symbol, llvm::StringSet<> &seen) {
    if (seen.insert(symbol).second)
      return;
    op->emitError() << "expected one " << what << " of '" << symbol << "' in the entry, got another";
    ok = false;
  };
  function.walk([&](Operation *op) {
    if (auto access = dyn_cast<ReadOp>(op))
      once(op, "read", access.getState(), read);
    if (auto access = dyn_cast<WriteOp>(op)) {
      once(op, "write", access.getState(), written);
      writing = true;
    } else if (writing && op != function && !op->hasTrait<OpTrait::IsTerminator>()) {
      op->emitError() << "expected writes of state at the end of the entry, got '" << op->getName()
                      << "' after a write";
      ok = false;
    }
  });
  return ok;
}

namespace {
struct VerifyState : vlp::impl::VerifyStateBase<VerifyState> {
  void runOnOperation() override {
    bool ok = true;
    for (auto function : getOperation().getOps<func::FuncOp>())
      ok &= checkFunction(function);
    if (!ok)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
