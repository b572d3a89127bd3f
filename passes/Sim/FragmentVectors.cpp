// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vectors of two or four words; what packing and unpacking is needless, O3 removes.
#include "passes/Sim/FragmentVectors.h"

#include "llvm/ADT/SmallPtrSet.h"

using namespace vlp::sim;
using llvm::Value;

static Value *addressOf(llvm::IRBuilder<> &b, Value *array, unsigned offset) {
  return b.CreateConstInBoundsGEP1_32(b.getInt32Ty(), array, offset);
}

static llvm::Align alignmentOf(unsigned offset) {
  return llvm::commonAlignment(llvm::Align(16), offset * sizeof(uint32_t));
}

Value *FragmentVectors::pack(llvm::Instruction *where, const Words &words) {
  b.SetInsertPoint(where);
  Value *vector = llvm::PoisonValue::get(llvm::FixedVectorType::get(words.front()->getType(), words.size()));
  for (auto [i, word] : llvm::enumerate(words))
    vector = b.CreateInsertElement(vector, word, i);
  if (llvm::isa<llvm::InsertElementInst>(vector))
    packs.push_back(vector);
  return vector;
}

void FragmentVectors::store(llvm::Instruction *where, const Words &words, Value *array, unsigned offset) {
  Value *value = pack(where, words);
  b.CreateAlignedStore(value, addressOf(b, array, offset), alignmentOf(offset));
}

void FragmentVectors::replaceResult(llvm::CallInst *original, Value *array, unsigned offset) {
  auto *type = llvm::dyn_cast<llvm::StructType>(original->getType());
  unsigned count = type ? type->getNumElements() : 1;
  auto *vectorType = llvm::FixedVectorType::get(type ? type->getElementType(0) : original->getType(), count);
  Value *vector = b.CreateAlignedLoad(vectorType, addressOf(b, array, offset), alignmentOf(offset));
  Words words;
  for (unsigned i = 0; i < count; ++i)
    words.push_back(b.CreateExtractElement(vector, i));
  // What is taken out of the result may be so before the builder's place.
  for (llvm::User *user : llvm::make_early_inc_range(original->users()))
    if (auto *taken = llvm::dyn_cast<llvm::ExtractValueInst>(user)) {
      taken->replaceAllUsesWith(words[taken->getIndices().front()]);
      taken->eraseFromParent();
    }
  if (original->use_empty())
    return;
  Value *result = type ? llvm::PoisonValue::get(type) : words.front();
  for (unsigned i = 0; type && i < count; ++i)
    result = b.CreateInsertValue(result, words[i], i);
  original->replaceAllUsesWith(result);
}

/// The words of a chain of insertelement; empty if it is none.
static Words wordsOf(Value *vector) {
  auto *last = llvm::dyn_cast_or_null<llvm::InsertElementInst>(vector);
  if (!last)
    return {};
  Words words(llvm::cast<llvm::FixedVectorType>(last->getType())->getNumElements());
  for (; last; last = llvm::dyn_cast<llvm::InsertElementInst>(last->getOperand(0)))
    words[llvm::cast<llvm::ConstantInt>(last->getOperand(2))->getZExtValue()] = last->getOperand(1);
  return words;
}

/// Different phis of one block.
static bool arePhis(const Words &words) {
  llvm::SmallPtrSet<Value *, 4> seen;
  return words.size() > 1 && llvm::all_of(words, [&](Value *word) {
           auto *phi = llvm::dyn_cast_or_null<llvm::PHINode>(word);
           return phi && phi->getParent() == llvm::cast<llvm::PHINode>(words.front())->getParent() &&
                  seen.insert(phi).second;
         });
}

void FragmentVectors::mergePhis(const Words &phis) {
  auto *first = llvm::cast<llvm::PHINode>(phis.front());
  llvm::BasicBlock *block = first->getParent();
  b.SetInsertPoint(block, block->begin());
  llvm::PHINode *merged =
      b.CreatePHI(llvm::FixedVectorType::get(first->getType(), phis.size()), first->getNumIncomingValues());
  llvm::SmallDenseMap<llvm::BasicBlock *, Value *> packed; // a block may be a predecessor several times
  for (llvm::BasicBlock *before : first->blocks()) {
    Value *&vector = packed[before];
    if (!vector) {
      Words words;
      for (Value *phi : phis)
        words.push_back(llvm::cast<llvm::PHINode>(phi)->getIncomingValueForBlock(before));
      vector = pack(before->getTerminator(), words);
    }
    merged->addIncoming(vector, before);
  }
  b.SetInsertPoint(block, block->getFirstInsertionPt());
  for (auto [i, phi] : llvm::enumerate(phis)) {
    phi->replaceAllUsesWith(b.CreateExtractElement(merged, i));
    llvm::cast<llvm::PHINode>(phi)->eraseFromParent();
  }
}

void FragmentVectors::mergePhis() {
  for (size_t i = 0; i < packs.size(); ++i) { // merging adds to them
    Words words = wordsOf(packs[i]);
    if (!words.empty() && arePhis(words))
      mergePhis(words);
  }
}
