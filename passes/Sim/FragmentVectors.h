// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fragments of tiles as short vectors. An x86 back end would spill each of a kernel's many scalar registers on its own.
#pragma once

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"

namespace vlp::sim {

using Words = llvm::SmallVector<llvm::Value *, 4>;

class FragmentVectors {
public:
  explicit FragmentVectors(llvm::IRBuilder<> &b) : b(b) {}

  /// Stores `words`, all of one 32-bit type, at word `offset` of `array` (aligned to 16 bytes), before `where`.
  void store(llvm::Instruction *where, const Words &words, llvm::Value *array, unsigned offset);
  /// The result of `original`, a word or several, becomes what lies at word `offset` of `array`, at the builder's
  /// place.
  void replaceResult(llvm::CallInst *original, llvm::Value *array, unsigned offset);
  /// Fragments that were phis, as accumulators of loops are, become phis of vectors. To be called once, at the end.
  void mergePhis();

private:
  llvm::Value *pack(llvm::Instruction *where, const Words &words);
  void mergePhis(const Words &phis);

  llvm::IRBuilder<> &b;
  llvm::SmallVector<llvm::WeakTrackingVH> packs; // the last insertelement of each
};

} // namespace vlp::sim
