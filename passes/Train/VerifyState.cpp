// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-verify-state.
#include "passes/Train/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace vlp {
#define GEN_PASS_DEF_VERIFYSTATE
#include "passes/Train/Passes.h.inc"
} // namespace vlp

using namespace mlir;
using namespace vlp;

namespace {
/// The accesses to state of one entry.
class EntryCheck {
public:
  explicit EntryCheck(func::FuncOp entry) : entry(entry) {}

  bool run() {
    entry.walk([&](Operation *op) { visit(op); });
    return ok;
  }

private:
  void visit(Operation *op) {
    if (auto read = dyn_cast<ReadOp>(op))
      recordFirst(read, reads, read.getState(), "read");
    if (auto write = dyn_cast<WriteOp>(op)) {
      recordFirst(write, writes, write.getState(), "written");
      if (!entry->hasAttr("vlp.finite_flag"))
        report(op) << "entry '" << entry.getSymName() << "' is no training entry, expected no writes";
      if (!firstWrite)
        firstWrite = op;
    } else if (firstWrite && !op->hasTrait<OpTrait::IsTerminator>()) {
      report(op).attachNote(firstWrite->getLoc()) << "the first write";
    }
  }

  void recordFirst(Operation *op, llvm::DenseMap<StringRef, Operation *> &seen, StringRef symbol, StringRef what) {
    auto [first, inserted] = seen.try_emplace(symbol, op);
    if (inserted)
      return;
    InFlightDiagnostic error = op->emitOpError() << "state '" << symbol << "' is " << what << " twice in entry '" << entry.getSymName() << "'";
    error.attachNote(first->second->getLoc()) << "first here";
    ok = false;
  }

  InFlightDiagnostic report(Operation *op) {
    ok = false;
    if (isa<WriteOp>(op))
      return op->emitOpError();
    return op->emitOpError() << "follows a write of state, expected only writes and the return there";
  }

  func::FuncOp entry;
  llvm::DenseMap<StringRef, Operation *> reads, writes;
  Operation *firstWrite = nullptr;
  bool ok = true;
};

struct VerifyState : vlp::impl::VerifyStateBase<VerifyState> {
  void runOnOperation() override {
    bool ok = true;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr("vlp.entry"))
        ok &= EntryCheck(function).run();
    if (!ok)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
