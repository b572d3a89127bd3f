// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls through the table.
#include "passes/Sim/EngineCalls.h"

using namespace vlp::sim;

llvm::Value *EngineCalls::call(Call which, llvm::Type *result, llvm::ArrayRef<llvm::Value *> operands) {
  llvm::SmallVector<llvm::Value *> all = {function.getArg(0)};
  all.append(operands.begin(), operands.end());
  llvm::SmallVector<llvm::Type *> types;
  for (llvm::Value *value : all)
    types.push_back(value->getType());
  llvm::Value *table = field(offsetof(vlp_sim_context, calls), b.getPtrTy());
  llvm::Value *entry = b.CreateConstInBoundsGEP1_32(b.getPtrTy(), table, static_cast<unsigned>(which));
  return b.CreateCall(llvm::FunctionType::get(result, types, false), b.CreateLoad(b.getPtrTy(), entry), all);
}

llvm::AllocaInst *EngineCalls::stackArray(llvm::Type *element, uint64_t count) {
  llvm::BasicBlock &entry = function.getEntryBlock();
  llvm::IRBuilder<> top(&entry, entry.getFirstInsertionPt());
  llvm::AllocaInst *array = top.CreateAlloca(llvm::ArrayType::get(element, count));
  array->setAlignment(llvm::Align(16));
  return array;
}

llvm::Constant *EngineCalls::constant(llvm::Constant *value) {
  auto *global = new llvm::GlobalVariable(*function.getParent(), value->getType(), /*isConstant=*/true,
                                          llvm::GlobalValue::PrivateLinkage, value);
  global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  return global;
}

static constexpr llvm::StringLiteral kSite = "vlp.site";

void vlp::sim::setSite(llvm::Instruction &instruction, uint32_t site) {
  llvm::LLVMContext &context = instruction.getContext();
  auto *number = llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), site);
  instruction.setMetadata(kSite, llvm::MDNode::get(context, llvm::ConstantAsMetadata::get(number)));
}

bool vlp::sim::hasSite(const llvm::Instruction &instruction) { return instruction.hasMetadata(kSite); }

llvm::ConstantInt *vlp::sim::siteOf(const llvm::Instruction &instruction) {
  return llvm::mdconst::extract<llvm::ConstantInt>(instruction.getMetadata(kSite)->getOperand(0));
}
