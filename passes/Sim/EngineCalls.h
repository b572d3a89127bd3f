// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a retargeted kernel asks the engine for something: calls through the table of runtime/format/SimABI.h.
#pragma once

#include "runtime/format/SimABI.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace vlp::sim {

/// The functions of vlp_sim_calls, in its order.
enum class Call { Barrier, WarpBarrier, Shuffle, Multiply, LoadMatrices, CopyAsync, CommitCopies, WaitCopies, Access };
static_assert(sizeof(vlp_sim_calls) == 9 * sizeof(void *));

/// Builds such calls in one retargeted function, whose first argument is the context.
class EngineCalls {
public:
  explicit EngineCalls(llvm::Function &function) : b(function.getContext()), function(function) {}

  llvm::IRBuilder<> b;

  llvm::Value *int32(uint32_t value) { return b.getInt32(value); }
  llvm::Value *field(unsigned offset, llvm::Type *type) {
    return b.CreateLoad(type, b.CreateConstInBoundsGEP1_32(b.getInt8Ty(), function.getArg(0), offset));
  }
  llvm::Value *call(Call which, llvm::Type *result, llvm::ArrayRef<llvm::Value *> operands);
  llvm::Value *flat(llvm::Value *address) {
    return address->getType()->getPointerAddressSpace() ? b.CreateAddrSpaceCast(address, b.getPtrTy()) : address;
  }
  /// An array on the stack of the function.
  llvm::AllocaInst *stackArray(llvm::Type *element, uint64_t count);
  /// A private constant.
  llvm::Constant *constant(llvm::Constant *value);

  llvm::Function &function;
};

/// Gives each instruction that the engine may have to name a number, which survives cloning.
void setSite(llvm::Instruction &instruction, uint32_t site);
bool hasSite(const llvm::Instruction &instruction);
llvm::ConstantInt *siteOf(const llvm::Instruction &instruction);

} // namespace vlp::sim
