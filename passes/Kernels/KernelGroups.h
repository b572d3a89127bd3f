// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which ops share a kernel, and in which order kernels run.
#pragma once

#include "dialect/VLP/VLP.h"
#include "llvm/ADT/DenseMap.h"

namespace vlp {

/// Switches of kernel formation; see FormKernels in Passes.td.
struct FusionOptions {
  bool epilogues = true;
  bool prologues = true;
  bool attentionConcat = true;
  int64_t epilogueDistance = 32;
  bool remarks = false;
};

/// Ops that become one kernel.
struct KernelGroup {
  /// Emitter kind.
  llvm::StringRef kind;
  /// The op that gave the kind; null in a kernel of elementwise ops only.
  mlir::Operation *anchor = nullptr;
  /// In program order.
  llvm::SmallVector<mlir::Operation *> ops;
};

/// Groups the compute ops of one straight-line block. Existing kernels stay groups of their own. Views belong to no
/// group: they are transparent to dependences.
class KernelGroups {
public:
  KernelGroups(mlir::Block &block, const FusionOptions &options);

  /// The groups in an order in which every one follows those it depends on; as close to program order as that allows.
  llvm::SmallVector<KernelGroup> getSchedule() const;

private:
  using Id = unsigned;

  void addOp(mlir::Operation *op);
  void merge(Id from, Id into);
  /// Groups that group `id` reads, views looked through; `direct` is false where a view lies between.
  void forEachProducer(Id id, llvm::function_ref<void(Id, bool direct)> callback) const;
  /// Whether `consumer` needs `producer` complete: through a third group, or through a view of one of its values.
  bool separates(Id producer, Id consumer) const;
  /// Whether anything outside of groups `a` and `b` uses a value of `a`.
  bool hasUsersOutside(Id a, Id b) const;

  bool fuseConcat(mlir::Operation *op);
  void fuseEpilogue(mlir::Operation *op);
  void fusePrologue(mlir::Operation *op);
  /// The group that produces `value`, if `op` may be an epilogue on it.
  std::optional<Id> getEpilogueProducer(mlir::Operation *op, mlir::Value value) const;
  /// Whether fusion would keep a large value of the producer alive beside its epilogue for long: over many ops, or from
  /// the forward into the backward part.
  bool isTooFar(mlir::Operation *op, Id producer) const;
  void remark(mlir::Operation *op, const llvm::Twine &message) const;

  const FusionOptions options;
  llvm::SmallVector<KernelGroup> groups; // merged ones are empty
  llvm::DenseMap<mlir::Operation *, Id> groupOf;
  llvm::DenseMap<mlir::Operation *, int64_t> indexOf; // position in the block
};

} // namespace vlp
