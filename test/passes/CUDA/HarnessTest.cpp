// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The harness itself: kernels of real emitters, broken by hand, must fail; as they are, they must not.
#include "test/passes/CUDA/MutatedKernel.h"

#include "llvm/IR/IRBuilder.h"
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;

namespace {

KernelCase addition() {
  return {"elementwise",
          {"5x7xf32", "7xf32"},
          "%y = vlp.add %a0, %a1 : (tensor<5x7xf32>, tensor<7xf32>) -> tensor<5x7xf32>",
          {"%y"},
          {"5x7xf32"}};
}

bool anyContains(const std::vector<std::string> &messages, const std::string &text) {
  return std::any_of(messages.begin(), messages.end(),
                     [&](const std::string &message) { return message.find(text) != std::string::npos; });
}

TEST(Harness, AcceptsWhatIsRight) {
  EXPECT_TRUE(MutatedKernel(addition()).failures([](llvm::Module &) {}).empty());
}

TEST(Harness, WrongResult) {
  auto messages = MutatedKernel(addition()).failures([](llvm::Module &module) {
    for (llvm::Instruction *sum :
         MutatedKernel::find(module, [](llvm::Instruction &i) { return i.getOpcode() == llvm::Instruction::FAdd; })) {
      llvm::IRBuilder<> b(sum);
      sum->replaceAllUsesWith(b.CreateFSub(sum->getOperand(0), sum->getOperand(1)));
    }
  });
  EXPECT_TRUE(anyContains(messages, "expected")) << messages.size();
}

TEST(Harness, UnwrittenResult) {
  auto messages = MutatedKernel(addition()).failures([](llvm::Module &module) {
    for (llvm::Instruction *store : MutatedKernel::stores(module))
      store->eraseFromParent();
  });
  EXPECT_TRUE(anyContains(messages, "left element 0 of result 0 unwritten")) << messages.size();
}

TEST(Harness, WriteOutside) {
  auto shift = [](llvm::Module &module) {
    for (llvm::Instruction *store : MutatedKernel::stores(module)) {
      llvm::IRBuilder<> b(store);
      auto *address = llvm::cast<llvm::StoreInst>(store)->getPointerOperand();
      store->setOperand(1, b.CreateConstGEP1_32(b.getFloatTy(), address, 1));
    }
  };
  auto messages = MutatedKernel(addition()).failures(shift);
  EXPECT_TRUE(anyContains(messages, "wrote outside result 0"));
  EXPECT_TRUE(anyContains(messages, "out of bounds")) << "in checked mode";
}

TEST(Harness, WriteToAnInput) {
  auto messages =
      MutatedKernel(
          {"elementwise", {"5x7xf32"}, "%y = vlp.exp %a0 : (tensor<5x7xf32>) -> tensor<5x7xf32>", {"%y"}, {"5x7xf32"}})
          .failures([](llvm::Module &module) {
            for (llvm::Instruction *store : MutatedKernel::stores(module)) {
              llvm::IRBuilder<> b(store);
              b.CreateStore(store->getOperand(0), store->getFunction()->getArg(0));
            }
          });
  EXPECT_TRUE(anyContains(messages, "wrote to input 0"));
}

// Each barrier of the embedding gradient is needed, and the harness knows.
TEST(Harness, EveryMissingBarrier) {
  MutatedKernel subject(
      {"embedding_grad",
       {"30x77x8xf32", "30x77xi32"},
       "%y = vlp.embedding_grad %a0, %a1 : (tensor<30x77x8xf32>, tensor<30x77xi32>) -> tensor<90x8xf32>",
       {"%y"},
       {"90x8xf32"},
       90});
  EXPECT_TRUE(subject.failures([](llvm::Module &) {}).empty());
  size_t count = MutatedKernel::barriers(*subject.code->device).size();
  EXPECT_EQ(count, 8u);
  for (size_t i = 0; i < count; ++i)
    EXPECT_FALSE(
        subject.failures([&](llvm::Module &module) { MutatedKernel::barriers(module)[i]->eraseFromParent(); }).empty())
        << "barrier " << i;
}

} // namespace
