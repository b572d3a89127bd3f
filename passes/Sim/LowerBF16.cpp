// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types change in place: what only moves bf16 values moves i16 values as well.
#include "passes/Sim/LowerBF16.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

static bool isBF16(Type *type) { return type->getScalarType()->isBFloatTy(); }

static Type *getWords(Type *type) { return type->getWithNewType(Type::getInt16Ty(type->getContext())); }

/// Whether an instruction passes bf16 on without looking at it.
static bool isMove(const Instruction &instruction) {
  return isa<LoadInst, StoreInst, PHINode, SelectInst, ExtractElementInst, InsertElementInst, ShuffleVectorInst,
             FreezeInst, BitCastInst>(instruction);
}

/// The value of a widened `extension`, from its operand's words.
static Value *widen(FPExtInst *extension) {
  IRBuilder<> b(extension);
  Value *words = extension->getOperand(0);
  Type *wide = words->getType()->getWithNewType(b.getInt32Ty());
  Value *bits = b.CreateShl(b.CreateZExt(words, wide), 16);
  Value *value = b.CreateBitCast(bits, wide->getWithNewType(b.getFloatTy()));
  return b.CreateFPCast(value, extension->getType());
}

void vlp::sim::lowerBF16(Function &function, std::set<std::string> &unsupported) {
  SmallVector<Instruction *> users; // what gives or takes bf16
  for (Instruction &instruction : instructions(function))
    if (isBF16(instruction.getType()) ||
        any_of(instruction.operands(), [](Use &use) { return isBF16(use->getType()); })) {
      if (!isMove(instruction) && !isa<FPExtInst>(instruction)) {
        unsupported.insert(std::string("'") + instruction.getOpcodeName() + "' of bf16");
        return;
      }
      users.push_back(&instruction);
    }
  for (Instruction *user : users) {
    for (Use &operand : user->operands())
      if (auto *constant = dyn_cast<Constant>(operand); constant && isBF16(constant->getType()))
        operand.set(ConstantExpr::getBitCast(constant, getWords(constant->getType())));
    if (isBF16(user->getType()))
      user->mutateType(getWords(user->getType()));
  }
  for (Instruction *user : users)
    if (auto *extension = dyn_cast<FPExtInst>(user)) {
      extension->replaceAllUsesWith(widen(extension));
      extension->eraseFromParent();
    }
}
