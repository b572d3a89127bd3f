// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rewrites NVPTX intrinsics. Address spaces stay as they are: x86 treats 1 and 3 as flat memory, and the checker learns
// from them which memory an access means.
#include "passes/Sim/Retarget.h"
#include "passes/Sim/LowerBF16.h"
#include "passes/Sim/MatrixBatches.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace vlp::sim;
using llvm::StringRef;
using llvm::Value;

static llvm::Function *createFunction(llvm::Function &kernel, bool checked) {
  llvm::LLVMContext &context = kernel.getContext();
  auto *pointer = llvm::PointerType::get(context, 0);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer}, false);
  auto *function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage,
                                          kernel.getName() + (checked ? ".checked" : ".plain"), kernel.getParent());
  function->addFnAttr("target-cpu", "x86-64-v3");
  function->addFnAttr("probe-stack", "inline-asm"); // a large frame must not jump over the guard page of its stack
  function->addFnAttr(llvm::Attribute::NoUnwind);
  return function;
}

Retargeter::Retargeter(llvm::Function &kernel, bool checked, std::set<std::string> &unsupported)
    : kernel(kernel), checked(checked), unsupported(unsupported), calls(*createFunction(kernel, checked)), b(calls.b) {}

llvm::Function *Retargeter::run() {
  copyBody();
  for (llvm::Instruction &instruction : llvm::instructions(calls.function))
    for (llvm::Use &operand : instruction.operands())
      if (llvm::isa<llvm::GlobalVariable>(operand))
        operand.set(shared);
  llvm::SmallVector<llvm::Instruction *> work, narrow;
  for (llvm::Instruction &instruction : llvm::instructions(calls.function))
    if (isMatrixOperation(instruction))
      meets = true;
    else if (llvm::isa<llvm::BinaryOperator, llvm::UnaryOperator, llvm::FCmpInst>(instruction) &&
             instruction.getOperand(0)->getType()->getScalarType()->isBFloatTy())
      narrow.push_back(&instruction);
    else if (hasSite(instruction))
      work.push_back(&instruction);
  batchMatrixOperations(calls);
  for (llvm::Instruction *instruction : work)
    rewrite(instruction);
  for (llvm::Instruction *instruction : narrow)
    widen(instruction);
  lowerBF16(calls.function, unsupported);
  return &calls.function;
}

void Retargeter::copyBody() {
  llvm::LLVMContext &context = kernel.getContext();
  llvm::Function &function = calls.function;
  auto *entry = llvm::BasicBlock::Create(context, "entry", &function);
  b.SetInsertPoint(entry);
  llvm::ValueToValueMapTy map;
  for (llvm::Argument &argument : kernel.args()) {
    if (!argument.getType()->isPointerTy())
      unsupported.insert("parameter " + std::to_string(argument.getArgNo()) + " of kernel " + kernel.getName().str() +
                         ", which is no pointer");
    Value *address = b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), function.getArg(1), argument.getArgNo());
    Value *word = b.CreateLoad(b.getInt64Ty(), address);
    map[&argument] = argument.getType()->isPointerTy() ? b.CreateIntToPtr(word, argument.getType())
                                                       : llvm::PoisonValue::get(argument.getType());
  }
  llvm::BasicBlock *body = nullptr;
  for (llvm::BasicBlock &block : kernel) {
    llvm::BasicBlock *clone = llvm::CloneBasicBlock(&block, map, "", &function);
    map[&block] = clone;
    body = body ? body : clone;
  }
  for (llvm::BasicBlock &block : function)
    if (&block != entry)
      for (llvm::Instruction &instruction : block)
        llvm::RemapInstruction(&instruction, map, llvm::RF_IgnoreMissingLocals | llvm::RF_NoModuleLevelChanges);
  shared = b.CreateAddrSpaceCast(calls.field(offsetof(vlp_sim_context, shared), b.getPtrTy()),
                                 llvm::PointerType::get(context, 3));
  b.CreateBr(body);
}

void Retargeter::rewrite(llvm::Instruction *instruction) {
  b.SetInsertPoint(instruction);
  if (auto *call = llvm::dyn_cast<llvm::CallInst>(instruction))
    rewriteCall(call);
  else if (auto *truncation = llvm::dyn_cast<llvm::FPTruncInst>(instruction))
    rewriteTruncation(truncation);
  else if (llvm::isa<llvm::AtomicRMWInst, llvm::AtomicCmpXchgInst>(instruction))
    unsupported.insert("an atomic operation (" + std::string(instruction->getOpcodeName()) + ")");
  else
    instrument(instruction);
}

/// Float to bf16, to nearest even, in integer arithmetic: x86-64-v3 has no instruction and would call a library.
Value *Retargeter::roundToBF16(Value *x) {
  auto like = [&](unsigned bits) { return x->getType()->getWithNewType(b.getIntNTy(bits)); };
  Value *word = b.CreateBitCast(x, like(32));
  Value *odd = b.CreateAnd(b.CreateLShr(word, 16), llvm::ConstantInt::get(like(32), 1));
  Value *rounded = b.CreateLShr(b.CreateAdd(word, b.CreateAdd(odd, llvm::ConstantInt::get(like(32), 0x7fff))), 16);
  Value *nan = llvm::ConstantInt::get(like(32), 0x7fff);
  Value *half = b.CreateTrunc(b.CreateSelect(b.CreateFCmpUNO(x, x), nan, rounded), like(16));
  return b.CreateBitCast(half, x->getType()->getWithNewType(b.getBFloatTy()));
}

void Retargeter::rewriteTruncation(llvm::FPTruncInst *truncation) {
  Value *x = truncation->getOperand(0);
  if (truncation->getType()->getScalarType()->isFloatTy())
    return; // from double: x86 has it
  if (!truncation->getType()->getScalarType()->isBFloatTy() || !x->getType()->getScalarType()->isFloatTy()) {
    unsupported.insert("a rounding from double to bf16, or to another type than bf16 and float");
    return;
  }
  truncation->replaceAllUsesWith(roundToBF16(x));
  truncation->eraseFromParent();
}

/// Arithmetic and comparisons on bf16, which the optimiser makes of those on f32 between roundings. In f32 and rounded
/// again it is exact for one operation: f32 has more than twice bf16's digits.
void Retargeter::widen(llvm::Instruction *instruction) {
  b.SetInsertPoint(instruction);
  auto wide = [&](unsigned i) {
    Value *x = instruction->getOperand(i);
    return b.CreateFPExt(x, x->getType()->getWithNewType(b.getFloatTy()));
  };
  if (llvm::isa<llvm::FCmpInst>(instruction)) {
    Value *left = wide(0), *right = wide(1);
    instruction->setOperand(0, left);
    instruction->setOperand(1, right);
    return;
  }
  auto opcode = llvm::Instruction::BinaryOps(instruction->getOpcode());
  Value *result = instruction->isBinaryOp() ? b.CreateBinOp(opcode, wide(0), wide(1)) : b.CreateFNeg(wide(0));
  instruction->replaceAllUsesWith(roundToBF16(result));
  instruction->eraseFromParent();
}

/// Plain code notes where its loads and stores are, for faults; checked code asks before each of them.
void Retargeter::instrument(llvm::Instruction *instruction) {
  const Value *address = llvm::getLoadStorePointerOperand(instruction);
  unsigned space = address->getType()->getPointerAddressSpace();
  if (space == 5)
    return; // the thread's own
  if (!checked) {
    llvm::MDBuilder metadata(instruction->getContext());
    instruction->setMetadata(llvm::LLVMContext::MD_pcsections,
                             metadata.createPCSections({{"vlp_sites", {siteOf(*instruction)}}}));
    return;
  }
  uint32_t flags = (llvm::isa<llvm::LoadInst>(instruction) ? VLP_SIM_READ : VLP_SIM_WRITE) |
                   (space == 3 ? VLP_SIM_SHARED : VLP_SIM_GLOBAL);
  uint64_t size = kernel.getParent()->getDataLayout().getTypeStoreSize(llvm::getLoadStoreType(instruction));
  calls.call(Call::Access, b.getVoidTy(),
             {siteOf(*instruction), calls.flat(const_cast<Value *>(address)), calls.int32(size), calls.int32(flags),
              calls.int32(llvm::getLoadStoreAlignment(instruction).value())});
}

/// Intrinsics that mean the same on x86 and need no library there.
static bool isPlain(StringRef name) {
  static const std::set<StringRef> known = {"llvm.abs",
                                            "llvm.assume",
                                            "llvm.bswap",
                                            "llvm.ceil",
                                            "llvm.copysign",
                                            "llvm.ctlz",
                                            "llvm.ctpop",
                                            "llvm.cttz",
                                            "llvm.fabs",
                                            "llvm.floor",
                                            "llvm.fma",
                                            "llvm.fmuladd",
                                            "llvm.fshl",
                                            "llvm.fshr",
                                            "llvm.maximum",
                                            "llvm.maxnum",
                                            "llvm.minimum",
                                            "llvm.minnum",
                                            "llvm.rint",
                                            "llvm.sadd.sat",
                                            "llvm.smax",
                                            "llvm.smin",
                                            "llvm.sqrt",
                                            "llvm.ssub.sat",
                                            "llvm.trunc",
                                            "llvm.uadd.sat",
                                            "llvm.umax",
                                            "llvm.umin",
                                            "llvm.usub.sat",
                                            "llvm.is.fpclass",
                                            "llvm.lifetime.start",
                                            "llvm.lifetime.end",
                                            "llvm.experimental.noalias.scope.decl"};
  // llvm.fma.v4f32 is llvm.fma
  for (StringRef prefix = name; !prefix.empty(); prefix = prefix.rsplit('.').first) {
    if (known.contains(prefix))
      return true;
    if (!prefix.contains('.'))
      break;
  }
  return false;
}

void Retargeter::rewriteCall(llvm::CallInst *call) {
  if (call->isInlineAsm()) {
    std::string text(llvm::cast<llvm::InlineAsm>(call->getCalledOperand())->getAsmString());
    unsupported.insert("inline PTX '" + text + "'");
    return;
  }
  llvm::Function *callee = call->getCalledFunction();
  if (!callee) {
    unsupported.insert("an indirect call");
    return;
  }
  StringRef name = callee->getName();
  bool known = name.consume_front("llvm.nvvm.") ? rewriteIntrinsic(call, name) : isPlain(name);
  if (!known)
    unsupported.insert(callee->getName().str());
}

void Retargeter::replace(llvm::CallInst *call, Value *value) {
  if (value)
    call->replaceAllUsesWith(value);
  call->eraseFromParent();
}

bool Retargeter::rewriteIntrinsic(llvm::CallInst *call, StringRef name) {
  auto operand = [&](unsigned i) { return call->getArgOperand(i); };
  if (name.consume_front("read.ptx.sreg."))
    return rewriteRegister(call, name);
  if (name.consume_front("shfl.sync."))
    return rewriteShuffle(call, name);
  if (name.consume_front("cp.async."))
    return rewriteCopy(call, name);
  if (name == "barrier.cta.sync.aligned.all") {
    if (auto *number = llvm::dyn_cast<llvm::ConstantInt>(operand(0)); !number || !number->isZero())
      return false;
    calls.call(Call::Barrier, b.getVoidTy(), {siteOf(*call)});
    meets = true;
    replace(call, nullptr);
    return true;
  }
  if (name == "bar.warp.sync") {
    calls.call(Call::WarpBarrier, b.getVoidTy(), {siteOf(*call), operand(0)});
    meets = true;
    replace(call, nullptr);
    return true;
  }
  if (name == "f2tf32.rna") { // to nearest, ties away: ten bits of fraction stay; a NaN stays one
    Value *x = operand(0), *word = b.CreateBitCast(x, b.getInt32Ty());
    Value *rounded = b.CreateAnd(b.CreateAdd(word, calls.int32(0x1000)), calls.int32(0xffffe000));
    replace(call, b.CreateSelect(b.CreateFCmpUNO(x, x), calls.int32(0x7fffffff), rounded));
    return true;
  }
  if (name == "ex2.approx.f32" || name == "ex2.approx.ftz.f32") {
    Value *power = exp2(operand(0));
    if (name.contains("ftz")) { // subnormal results become zero
      auto constant = [&](double value) { return llvm::ConstantFP::get(b.getFloatTy(), value); };
      power = b.CreateSelect(b.CreateFCmpOLT(power, constant(0x1p-126)), constant(0), power);
    }
    replace(call, power);
    return true;
  }
  return false;
}

/// 2^x: the hardware's error is below 2^-22, this one's below 2^-23. Whole and fraction by the 1.5 2^23 trick, the
/// fraction's power by its series, and the whole's as a product of two, so that subnormal results are kept.
Value *Retargeter::exp2(Value *x) {
  auto constant = [&](double value) { return llvm::ConstantFP::get(b.getFloatTy(), value); };
  auto bound = [&](Value *value, Value *limit, llvm::CmpInst::Predicate past) { // a NaN stays
    return b.CreateSelect(b.CreateFCmp(past, value, limit), limit, value);
  };
  Value *bounded = bound(bound(x, constant(-151), llvm::CmpInst::FCMP_OLT), constant(129), llvm::CmpInst::FCMP_OGT);
  Value *magic = constant(12582912), *shifted = b.CreateFAdd(bounded, magic);
  Value *fraction = b.CreateFSub(bounded, b.CreateFSub(shifted, magic));
  Value *power = constant(1.5252733804059841e-5); // (ln 2)^i / i! from i = 7 down
  for (double next : {1.5403530393381608e-4, 1.3333558146428443e-3, 9.6181291076284772e-3, 5.5504108664821580e-2,
                      2.4022650695910071e-1, 6.9314718055994531e-1, 1.0})
    power = b.CreateIntrinsic(llvm::Intrinsic::fma, {b.getFloatTy()}, {power, fraction, constant(next)});
  Value *whole = b.CreateSub(b.CreateBitCast(shifted, b.getInt32Ty()), b.CreateBitCast(magic, b.getInt32Ty()));
  Value *half = b.CreateAShr(whole, 1);
  for (Value *exponent : {half, b.CreateSub(whole, half)})
    power =
        b.CreateFMul(power, b.CreateBitCast(b.CreateShl(b.CreateAdd(exponent, calls.int32(127)), 23), b.getFloatTy()));
  return power;
}

bool Retargeter::rewriteRegister(llvm::CallInst *call, StringRef name) {
  int offset = llvm::StringSwitch<int>(name)
                   .Case("tid.x", offsetof(vlp_sim_context, thread))
                   .Case("ctaid.x", offsetof(vlp_sim_context, block))
                   .Case("ntid.x", offsetof(vlp_sim_context, threads))
                   .Case("nctaid.x", offsetof(vlp_sim_context, blocks))
                   .Default(-1);
  if (offset < 0)
    return false;
  replace(call, calls.field(offset, b.getInt32Ty()));
  return true;
}

bool Retargeter::rewriteShuffle(llvm::CallInst *call, StringRef name) {
  int mode = llvm::StringSwitch<int>(name)
                 .Cases({"up.i32", "up.f32"}, 0)
                 .Cases({"down.i32", "down.f32"}, 1)
                 .Cases({"bfly.i32", "bfly.f32"}, 2)
                 .Cases({"idx.i32", "idx.f32"}, 3)
                 .Default(-1);
  if (mode < 0)
    return false;
  Value *word = b.CreateBitCast(call->getArgOperand(1), b.getInt32Ty());
  Value *result = calls.call(
      Call::Shuffle, b.getInt32Ty(),
      {siteOf(*call), calls.int32(mode), call->getArgOperand(0), word, call->getArgOperand(2), call->getArgOperand(3)});
  meets = true;
  replace(call, b.CreateBitCast(result, call->getType()));
  return true;
}

bool Retargeter::rewriteCopy(llvm::CallInst *call, StringRef name) {
  if (name == "commit.group") {
    calls.call(Call::CommitCopies, b.getVoidTy(), {});
  } else if (name == "wait.group") {
    calls.call(Call::WaitCopies, b.getVoidTy(), {call->getArgOperand(0)});
  } else {
    uint32_t size =
        llvm::StringSwitch<uint32_t>(name)
            .Cases({"ca.shared.global.4", "ca.shared.global.4.s"}, 4)
            .Cases({"ca.shared.global.8", "ca.shared.global.8.s"}, 8)
            .Cases({"ca.shared.global.16", "ca.shared.global.16.s", "cg.shared.global.16", "cg.shared.global.16.s"}, 16)
            .Default(0);
    if (size == 0)
      return false;
    Value *read = call->arg_size() > 2 ? call->getArgOperand(2) : calls.int32(size);
    calls.call(Call::CopyAsync, b.getVoidTy(),
               {siteOf(*call), calls.flat(call->getArgOperand(0)), calls.flat(call->getArgOperand(1)),
                calls.int32(size), read});
  }
  meets = true;
  replace(call, nullptr);
  return true;
}
