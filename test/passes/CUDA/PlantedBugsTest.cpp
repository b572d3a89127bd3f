// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bugs of every kind, planted in the code of real emitters: checked mode must report each for what it is, or, where
// every access is legal, the comparison with the interpreter must fail.
#include "test/passes/CUDA/MutatedKernel.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>

using namespace vlp;
using namespace vlp::test;
using Kind = sim::Finding::Kind;
using llvm::Instruction;
using llvm::Value;

namespace {

// The kernels. Sizes leave tails in every dimension and give several blocks.

std::map<std::string, KernelCase> makeKernels() {
  std::map<std::string, KernelCase> kernels;
  const std::string heads = " {heads = 2 : i64, scale = 0.37 : f64, causal} : ";
  for (std::string type : {"f32", "bf16"}) {
    std::string t = "2x37x32x" + type, q = "tensor<" + t + ">", l = "tensor<2x2x37xf32>";
    KernelCase c{"attention",
                 {t, t, t},
                 "%y, %l = vlp.attention %a0, %a1, %a2" + heads + "(" + q + ", " + q + ", " + q + ") -> (" + q + ", " +
                     l + ")",
                 {"%y", "%l"},
                 {t, "2x2x37xf32"}};
    c.tolerance = type == "f32" ? 2e-6 : 2e-3;
    kernels["attention " + type] = c;
    c = {"attention_grad",
         {t, t, t, t, "2x2x37xf32", t},
         "%g0, %g1, %g2 = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5" + heads + "(" + q + ", " + q + ", " + q +
             ", " + q + ", " + l + ", " + q + ") -> (" + q + ", " + q + ", " + q + ")",
         {"%g0", "%g1", "%g2"},
         {t, t, t}};
    c.tolerance = type == "f32" ? 2e-6 : 4e-3;
    kernels["attention_grad " + type] = c;
    kernels["matmul " + type] = {"matmul",
                                 {"67x72x" + type, "40x72x" + type},
                                 "%y = vlp.linear %a0, %a1 : (tensor<67x72x" + type + ">, tensor<40x72x" + type +
                                     ">) -> tensor<67x40x" + type + ">",
                                 {"%y"},
                                 {"67x40x" + type}};
  }
  kernels["elementwise"] = {"elementwise",
                            {"5x7xf32", "7xf32"},
                            "%y = vlp.add %a0, %a1 : (tensor<5x7xf32>, tensor<7xf32>) -> tensor<5x7xf32>",
                            {"%y"},
                            {"5x7xf32"}};
  kernels["elementwise wide"] = {"elementwise",
                                 {"40x64xf32"},
                                 "%y = vlp.exp %a0 : (tensor<40x64xf32>) -> tensor<40x64xf32>",
                                 {"%y"},
                                 {"40x64xf32"}};
  kernels["concat"] = {
      "concat",
      {"2x3xf32", "2x20xf32"},
      "%y = vlp.concat %a0, %a1 {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x20xf32>) -> tensor<2x23xf32>",
      {"%y"},
      {"2x23xf32"}};
  kernels["embedding_grad"] = {
      "embedding_grad",
      {"30x77x8xf32", "30x77xi32"},
      "%y = vlp.embedding_grad %a0, %a1 : (tensor<30x77x8xf32>, tensor<30x77xi32>) -> tensor<90x8xf32>",
      {"%y"},
      {"90x8xf32"},
      90};
  KernelCase adamw{
      "adamw",
      {"37xf32", "37xf32", "37xf32", "37xf32", "i32", "f32", "f32", "f32", "f32", "f32", "f32", "i32"},
      "%p, %m, %v = vlp.adamw %a0, %a1, %a2, %a3, %a4, %a5, %a6, %a7, %a8, %a9, %a10, %a11 {decay} : (tensor<37xf32>, "
      "tensor<37xf32>, tensor<37xf32>, tensor<37xf32>, tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, "
      "tensor<f32>, "
      "tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<37xf32>, tensor<37xf32>, tensor<37xf32>)",
      {"%p", "%m", "%v"},
      {"37xf32", "37xf32", "37xf32"}};
  adamw.positive = true; // the second moment is
  adamw.given = {{4, {7}}, {5, {5e-4}}, {6, {0.9}}, {7, {0.98}}, {8, {1e-6}}, {9, {0.2}}, {10, {1}}, {11, {1}}};
  kernels["adamw"] = adamw;
  KernelCase norm{
      "layer_norm",
      {"5x700xf32", "700xf32", "700xf32"},
      "%y, %m, %r = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<5x700xf32>, tensor<700xf32>, "
      "tensor<700xf32>) -> (tensor<5x700xf32>, tensor<5xf32>, tensor<5xf32>)",
      {"%y", "%m", "%r"},
      {"5x700xf32", "5xf32", "5xf32"}};
  norm.tolerance = 1e-5;
  kernels["layer_norm"] = norm;
  norm = {"layer_norm_grad",
          {"41x72xf32", "72xf32", "41xf32", "41xf32", "41x72xf32"},
          "%dx, %dg, %db = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<41x72xf32>, tensor<72xf32>, "
          "tensor<41xf32>, "
          "tensor<41xf32>, tensor<41x72xf32>) -> (tensor<41x72xf32>, tensor<72xf32>, tensor<72xf32>)",
          {"%dx", "%dg", "%db"},
          {"41x72xf32", "72xf32", "72xf32"}};
  norm.tolerance = 1e-5;
  kernels["layer_norm_grad"] = norm;
  kernels["row"] = {"row",
                    {"5x1500xf32"},
                    "%y = vlp.softmax %a0 : (tensor<5x1500xf32>) -> tensor<5x1500xf32>",
                    {"%y"},
                    {"5x1500xf32"}};
  kernels["reduce"] = {"reduce",
                       {"130x70xf32"},
                       "%y = vlp.reduce_sum %a0 {axes = array<i64: 0>} : (tensor<130x70xf32>) -> tensor<70xf32>",
                       {"%y"},
                       {"70xf32"}};
  return kernels;
}

/// Compiled on first use; many bugs share one.
MutatedKernel &kernelCalled(const std::string &name) {
  static std::map<std::string, KernelCase> cases = makeKernels();
  static std::map<std::string, std::unique_ptr<MutatedKernel>> compiled;
  std::unique_ptr<MutatedKernel> &kernel = compiled[name];
  if (!kernel)
    kernel = std::make_unique<MutatedKernel>(cases.at(name));
  return *kernel;
}

// The bugs. Each changes one place of the module, counted in its order, or one launch.

using Bug = std::function<void(llvm::Module &, KernelPlan &)>;
constexpr unsigned kGlobal = 1, kShared = 3;

Bug drop(const char *call, size_t n) {
  return [=](llvm::Module &module, KernelPlan &) { MutatedKernel::calls(module, call).at(n)->eraseFromParent(); };
}

/// Drops the call `n` in all the copies of a loop's body, say.
Bug dropAll(const char *call) {
  return [=](llvm::Module &module, KernelPlan &) {
    for (Instruction *each : MutatedKernel::calls(module, call))
      each->eraseFromParent();
  };
}

Bug setOperand(const char *call, size_t n, unsigned operand, uint32_t value) {
  return [=](llvm::Module &module, KernelPlan &) {
    Instruction *target = MutatedKernel::calls(module, call).at(n);
    target->setOperand(operand, llvm::ConstantInt::get(llvm::Type::getInt32Ty(module.getContext()), value));
  };
}

Bug swapOperands(const char *call, size_t n, unsigned i, unsigned j) {
  return [=](llvm::Module &module, KernelPlan &) {
    Instruction *target = MutatedKernel::calls(module, call).at(n);
    Value *first = target->getOperand(i);
    target->setOperand(i, target->getOperand(j));
    target->setOperand(j, first);
  };
}

std::vector<Instruction *> accesses(llvm::Module &module, unsigned space, unsigned opcode, uint64_t alignment = 0) {
  return MutatedKernel::find(module, [&](Instruction &instruction) {
    if (instruction.getOpcode() != opcode)
      return false;
    return llvm::getLoadStoreAddressSpace(&instruction) == space &&
           llvm::getLoadStoreAlignment(&instruction).value() >= alignment;
  });
}

Bug dropStore(unsigned space, size_t n) {
  return
      [=](llvm::Module &module, KernelPlan &) { accesses(module, space, Instruction::Store).at(n)->eraseFromParent(); };
}

/// The access `n` of those with at least `alignment` goes `bytes` too far.
Bug shift(unsigned space, unsigned opcode, size_t n, int bytes, uint64_t alignment = 0) {
  return [=](llvm::Module &module, KernelPlan &) {
    Instruction *access = accesses(module, space, opcode, alignment).at(n);
    llvm::IRBuilder<> b(access);
    unsigned operand = opcode == Instruction::Store ? 1 : 0;
    access->setOperand(operand, b.CreateConstGEP1_32(b.getInt8Ty(), access->getOperand(operand), bytes));
  };
}

/// The condition number `n`, of a branch or a selection, always holds (or never).
Bug force(size_t n, bool value = true) {
  return [=](llvm::Module &module, KernelPlan &) {
    auto found = MutatedKernel::find(module, [](Instruction &instruction) {
      auto *branch = llvm::dyn_cast<llvm::BranchInst>(&instruction);
      return llvm::isa<llvm::SelectInst>(instruction) || (branch && branch->isConditional());
    });
    Instruction *user = found.at(n);
    auto *constant = llvm::ConstantInt::getBool(module.getContext(), value);
    if (auto *branch = llvm::dyn_cast<llvm::BranchInst>(user))
      branch->setCondition(constant);
    else
      user->setOperand(0, constant);
  };
}

Value *readRegister(llvm::IRBuilder<> &b, llvm::Intrinsic::ID id) { return b.CreateIntrinsic(b.getInt32Ty(), id, {}); }

/// Half of each warp comes to the call `n` only: a call without result moves, another one comes once more.
Bug halfWarps(const char *call, size_t n) {
  return [=](llvm::Module &module, KernelPlan &) {
    Instruction *target = MutatedKernel::calls(module, call).at(n);
    llvm::IRBuilder<> b(target);
    Value *bit = b.CreateAnd(readRegister(b, llvm::Intrinsic::nvvm_read_ptx_sreg_tid_x), 16);
    Value *condition = b.CreateICmpEQ(bit, b.getInt32(0));
    Instruction *place = llvm::SplitBlockAndInsertIfThen(condition, target->getIterator(), /*Unreachable=*/false);
    if (target->getType()->isVoidTy())
      target->moveBefore(place->getIterator());
    else
      target->clone()->insertBefore(place->getIterator());
  };
}

/// Two neighbouring blocks do the work of one.
void shareBlocks(llvm::Module &module, KernelPlan &) {
  for (Instruction *block : MutatedKernel::calls(module, "read.ptx.sreg.ctaid.x")) {
    llvm::IRBuilder<> b(block->getNextNode());
    auto *shared = llvm::cast<Instruction>(b.CreateAnd(block, b.getInt32(~1u)));
    block->replaceUsesWithIf(shared, [&](llvm::Use &use) { return use.getUser() != shared; });
  }
}

void askForSharedMemory(llvm::Module &, KernelPlan &plan) { plan.launches.front().shared = (163 << 10) + 16; }
void halveSharedMemory(llvm::Module &, KernelPlan &plan) { plan.launches.front().shared /= 2; }
void addThreads(llvm::Module &, KernelPlan &plan) { plan.launches.front().threads += 32; }

/// Zero, which no compiler knows.
Value *hiddenZero(llvm::IRBuilder<> &b) {
  return b.CreateLShr(readRegister(b, llvm::Intrinsic::nvvm_read_ptx_sreg_ntid_x), b.getInt32(16));
}

/// The constant divisor of the unsigned division `n` becomes zero.
Bug divideByZero(size_t n) {
  return [=](llvm::Module &module, KernelPlan &) {
    Instruction *division = MutatedKernel::find(module, [](Instruction &i) {
                              return i.getOpcode() == Instruction::UDiv || i.getOpcode() == Instruction::URem;
                            }).at(n);
    llvm::IRBuilder<> b(division);
    division->setOperand(1, b.CreateZExtOrTrunc(hiddenZero(b), division->getType()));
  };
}

/// Loop `n`, by its back edge, starts over at the last step for ever.
Bug loopForEver(size_t n) {
  return [=](llvm::Module &module, KernelPlan &) {
    Instruction *step = MutatedKernel::find(module, [](Instruction &i) {
                          if (i.getOpcode() != Instruction::Add)
                            return false;
                          auto *phi = llvm::dyn_cast<llvm::PHINode>(i.getOperand(0));
                          return phi && llvm::is_contained(phi->incoming_values(), &i);
                        }).at(n);
    llvm::IRBuilder<> b(step);
    step->setOperand(1, b.CreateZExtOrTrunc(hiddenZero(b), step->getType()));
  };
}

struct Planted {
  const char *what, *kernel;
  Bug bug;
  /// Among the findings of each order; or the failure of the comparison, where there is no finding in any.
  std::optional<Kind> kind;
  const char *failure = "";
};

const Planted kPlanted[] = {
    {"no barrier between two uses of shared memory", "embedding_grad", drop("barrier", 0), Kind::SharedRace},
    {"no barrier in a product's pipeline", "matmul bf16", drop("barrier", 0), Kind::SharedRace},
    {"no barrier before probabilities are read", "attention bf16", drop("barrier", 0), Kind::SharedRace},
    {"no barrier in a block's sum", "layer_norm", drop("barrier", 0), Kind::SharedRace},
    {"no barrier in a row's maximum", "row", drop("barrier", 0), Kind::SharedRace},
    {"two threads write one cell of shared memory", "embedding_grad", shift(kShared, Instruction::Store, 0, 4),
     Kind::SharedRace},
    {"two blocks write one result", "attention_grad bf16", shareBlocks, Kind::GlobalRace},
    {"two blocks add up the same columns", "reduce", shareBlocks, Kind::GlobalRace},
    {"stored one element too far", "elementwise", shift(kGlobal, Instruction::Store, 0, 4), Kind::OutOfBounds},
    {"a vector stored one element too far", "adamw", shift(kGlobal, Instruction::Store, 0, 4), Kind::Misaligned},
    {"no test against the end of the tensor", "elementwise", force(0), Kind::OutOfBounds},
    {"shared memory halved", "matmul bf16", halveSharedMemory, Kind::OutOfBounds},
    {"a store to shared memory left out", "row", dropStore(kShared, 0), Kind::UninitialisedRead},
    {"a vector at the next element", "elementwise wide", shift(kGlobal, Instruction::Load, 0, 4, 16), Kind::Misaligned},
    {"a barrier that half of each warp skips", "embedding_grad", halfWarps("barrier", 0), Kind::DivergentBarrier},
    {"a shuffle for half of each warp", "row", halfWarps("shfl", 0), Kind::DivergentWarpOp},
    {"a tile load for half of each warp", "matmul bf16", halfWarps("ldmatrix", 0), Kind::DivergentWarpOp},
    {"no wait for copies", "matmul bf16", drop("cp.async.wait", 0), Kind::CopyNotWaited},
    {"copies that belong to no group", "matmul bf16", dropAll("cp.async.commit"), Kind::CopyNotWaited},
    {"a wait that leaves too many groups", "attention bf16", setOperand("cp.async.wait", 0, 0, 7), Kind::CopyNotWaited},
    {"more shared memory than the chip has", "matmul bf16", askForSharedMemory, Kind::LaunchLimit},
    {"more threads than it was compiled for", "row", addThreads, Kind::LaunchLimit},
    {"a loop that does not advance", "reduce", loopForEver(0), Kind::SpinWait},
    {"a division by an extent of zero", "elementwise", divideByZero(0), Kind::DivisionByZero},
    {"two fragments of A exchanged, bf16", "matmul bf16", swapOperands("mma", 0, 0, 1), {}, "expected"},
    {"two fragments of A exchanged, tf32", "matmul f32", swapOperands("mma", 0, 0, 2), {}, "expected"},
    {"two fragments of B exchanged", "attention bf16", swapOperands("mma", 0, 4, 5), {}, "expected"},
    {"a shuffle from the wrong lane", "layer_norm", setOperand("shfl", 0, 2, 2), {}, "expected"},
    {"a result never stored", "concat", dropStore(kGlobal, 0), {}, "unwritten"},
};

TEST(PlantedBugs, EachIsFound) {
  for (const Planted &planted : kPlanted) {
    SCOPED_TRACE(std::string(planted.kernel) + ": " + planted.what);
    MutatedKernel::Checked checked = kernelCalled(planted.kernel).check(planted.bug);
    ASSERT_EQ(checked.findings.size(), 3u);
    for (const std::vector<sim::Finding> &findings : checked.findings) {
      std::string all;
      for (const sim::Finding &finding : findings)
        all += finding.message + "\n";
      if (planted.kind)
        EXPECT_TRUE(llvm::any_of(findings, [&](const auto &finding) { return finding.kind == *planted.kind; })) << all;
      else
        EXPECT_TRUE(findings.empty()) << all;
    }
    EXPECT_TRUE(
        llvm::any_of(checked.failures,
                     [&](const std::string &failure) { return llvm::StringRef(failure).contains(planted.failure); }))
        << checked.failures.size() << " failures";
  }
}

TEST(PlantedBugs, NothingIsFoundWithoutThem) {
  std::set<std::string> kernels;
  for (const Planted &planted : kPlanted)
    kernels.insert(planted.kernel);
  for (const std::string &name : kernels) {
    SCOPED_TRACE(name);
    MutatedKernel::Checked checked = kernelCalled(name).check([](llvm::Module &, KernelPlan &) {});
    EXPECT_EQ(checked.findings.size(), 3u);
    EXPECT_TRUE(checked.failures.empty()) << checked.failures.front();
  }
}

TEST(PlantedBugs, OfEveryKind) {
  std::set<Kind> kinds;
  for (const Planted &planted : kPlanted)
    if (planted.kind)
      kinds.insert(*planted.kind);
  EXPECT_EQ(kinds.size(), size_t(Kind::DivisionByZero) + 1);
}

} // namespace
