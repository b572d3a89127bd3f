// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Formed kernels compute what the ops computed, bit for bit, whatever is fused.
#include "mlir/IR/Verifier.h"
#include "passes/Kernels/Access.h"
#include "passes/Kernels/KernelName.h"
#include "passes/Kernels/Passes.h"
#include "test/passes/Kernels/RandomGraph.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

static void form(ModuleOp module, const FormKernelsOptions &options) {
  PassManager manager(module.getContext());
  buildKernelPipeline(manager, options);
  ASSERT_TRUE(succeeded(manager.run(module)));
  ASSERT_TRUE(succeeded(verify(module)));
}

/// Nothing but reads, constants, kernels, reshapes and writes; every view in a kernel is a strided access of a kernel
/// input, and every result has a user.
static void expectFormed(ModuleOp module) {
  module.walk([](Operation *op) {
    if (isa_and_nonnull<func::FuncOp>(op->getParentOp())) {
      bool known = isa<KernelOp, ReadOp, ConstantOp, ReshapeOp, WriteOp, func::ReturnOp>(op);
      EXPECT_TRUE(known) << op->getName().getStringRef().str();
    }
    if (isa<KernelOp>(op))
      for (Value result : op->getResults())
        EXPECT_FALSE(result.use_empty());
    if (op->hasTrait<View>() && isa_and_nonnull<KernelOp>(op->getParentOp())) {
      EXPECT_TRUE(succeeded(getAccess(op->getResult(0))));
      EXPECT_TRUE(isa<BlockArgument>(getViewSource(op->getResult(0))) ||
                  getViewSource(op->getResult(0)).getDefiningOp<ConstantOp>());
    }
  });
}

static FormKernelsOptions plain() {
  FormKernelsOptions options;
  options.fuseEpilogues = options.fusePrologues = options.fuseAttentionConcat = false;
  return options;
}

TEST(FormKernelsTest, RandomGraphsKeepTheirMeaning) {
  int kernels[2] = {0, 0};
  for (unsigned seed = 0; seed < 150; ++seed) {
    for (bool fuse : {false, true}) {
      MLIRContext context{MLIRContext::Threading::DISABLED};
      OwningOpRef<ModuleOp> module = makeRandomModule(context, seed, 25);
      ASSERT_TRUE(module);
      auto entry = module->lookupSymbol<func::FuncOp>("main");
      std::vector<Array<float>> inputs = drawInputs(entry, seed);
      State<float> before = drawState(*module, seed), after = before;
      auto expected = Interpreter<float>(*module).run("main", inputs, before);
      ASSERT_TRUE(succeeded(expected));
      form(*module, fuse ? FormKernelsOptions() : plain());
      expectFormed(*module);
      auto results = Interpreter<float>(*module).run("main", inputs, after);
      ASSERT_TRUE(succeeded(results));
      for (auto [a, b] : llvm::zip_equal(*expected, *results))
        EXPECT_TRUE(haveEqualBits(a, b)) << "seed " << seed << ", fused " << fuse;
      for (auto &[name, value] : before)
        EXPECT_TRUE(haveEqualBits(value, after.at(name))) << name << ", seed " << seed << ", fused " << fuse;
      kernels[fuse] += llvm::range_size(entry.getBody().getOps<KernelOp>());
    }
  }
  EXPECT_LT(kernels[1] * 10, kernels[0] * 9) << "fusion should save kernels";
}

TEST(FormKernelsTest, FormingTwiceChangesNothing) {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module = makeRandomModule(context, 3, 40);
  form(*module, {});
  std::string once, twice;
  llvm::raw_string_ostream(once) << *module;
  form(*module, {});
  llvm::raw_string_ostream(twice) << *module;
  EXPECT_EQ(once, twice);
}

TEST(FormKernelsTest, TheSameInputGivesTheSameText) {
  std::string texts[2];
  for (std::string &text : texts) {
    MLIRContext context{MLIRContext::Threading::DISABLED};
    OwningOpRef<ModuleOp> module = makeRandomModule(context, 11, 60);
    form(*module, {});
    llvm::raw_string_ostream(text) << *module;
  }
  EXPECT_EQ(texts[0], texts[1]);
}
