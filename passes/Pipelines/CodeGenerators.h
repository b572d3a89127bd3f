// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of targets, and what turns plans into machine code for them.
#pragma once

#include "mlir/IR/OwningOpRef.h"
#include "passes/Kernels/Emitter.h"
#include "passes/Package/Package.h"
#include <functional>

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

struct CodegenOptions {
  /// Processes that compile at the same time; 0 means one a core. Their number has no influence on the code.
  unsigned jobs = 0;
  /// Where compiled pieces are kept; see ContentCache. Empty: nowhere.
  std::string cacheFolder = {};
  /// Called with the number of pieces that are done, and of all, as far as known.
  std::function<void(unsigned done, unsigned total)> progress = {};
};

/// How much there was to do.
struct CodegenStatistics {
  unsigned pieces = 0;
  /// Of these, how many came from the cache.
  unsigned cached = 0;
};

/// A plan, and what it was planned for.
struct PlannedTarget {
  mlir::ModuleOp plan;
  TargetInfo target;
};

/// Emits and compiles all kernels of all plans, in child processes: for cuda a kernel at a time, whose PTX is then
/// assembled as a whole; for cpu and sim a target at a time. One blob a plan, in order. The newest of the cuda chips
/// gets its PTX along, for chips that are newer still: what lies between two of those asked for runs the older one's
/// code if it is of its generation, else none. The same plans give the same bytes. All kernels that cannot be compiled
/// are reported.
llvm::FailureOr<std::vector<CodeBlob>> generateCode(llvm::ArrayRef<PlannedTarget> plans, const CodegenOptions &options,
                                                    CodegenStatistics *statistics = nullptr);

/// The PTX of all kernels of a plan for a cuda chip.
llvm::FailureOr<std::string> generatePTX(const PlannedTarget &plan, const CodegenOptions &options);

} // namespace vlp
