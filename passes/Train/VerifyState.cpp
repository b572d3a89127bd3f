// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-verify-state.
#include "passes/Train/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_VERIFYSTATE
#include "passes/Train/Passes.h.inc"
} // namespace vlp

static LogicalResult verifyFunction(func::FuncOp function) {
  llvm::StringSet<> reads, writes;
  bool valid = true;
  for (Operation &op : function.getOps()) {
    if (auto read = dyn_cast<ReadOp>(op)) {
      if (!reads.insert(read.getState()).second)
        valid = false, op.emitError() << "expected one read of '" << read.getState() << "' in the entry, got another";
    }
    if (auto write = dyn_cast<WriteOp>(op)) {
      if (!writes.insert(write.getState()).second)
        valid = false, op.emitError() << "expected one write of '" << write.getState() << "' in the entry, got another";
    } else if (!writes.empty() && !op.hasTrait<OpTrait::IsTerminator>()) {
      valid = false;
      op.emitError() << "expected writes of state at the end of the entry, got '" << op.getName() << "' after a write";
    }
  }
  return success(valid);
}

namespace {
struct VerifyStatePass : vlp::impl::VerifyStateBase<VerifyStatePass> {
  void runOnOperation() override {
    bool valid = true;
    for (auto function : getOperation().getOps<func::FuncOp>())
      valid &= succeeded(verifyFunction(function));
    if (!valid)
      signalPassFailure();
  }
};
} // namespace
