// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whole plans: executed in memory they compute what the entry computed, the checker accepts them, and it finds every
// argument that is moved.
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Kernels/Passes.h"
#include "passes/Plan/Passes.h"
#include "passes/Precision/Passes.h"
#include "test/passes/Kernels/RandomGraph.h"
#include "test/passes/Plan/PlanRunner.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

namespace {
/// Two launches for every kernel but elementwise ones: the first reads all inputs and fills partial buffers, the second
/// writes the results from these. Elementwise results may overwrite any input of their type that is read in place.
class StagedEmitter : public Emitter {
public:
  KernelPlan plan(KernelOp kernel, const TargetInfo &target) const override {
    KernelPlan plan = findEmitters("generic")(kernel.getAnchor())->plan(kernel, target);
    if (kernel.getAnchor() == "elementwise")
      return plan;
    LaunchPlan first, second;
    first.suffix = "_parts";
    for (unsigned i = 0; i < kernel.getNumOperands(); ++i)
      first.arguments.push_back({LaunchArgument::Kind::Input, i});
    plan.partials = {100, 4096};
    for (unsigned i = 0; i < 2; ++i) {
      first.arguments.push_back({LaunchArgument::Kind::Partial, i});
      second.arguments.push_back({LaunchArgument::Kind::Partial, i});
    }
    for (unsigned i = 0; i < kernel.getNumResults(); ++i)
      second.arguments.push_back({LaunchArgument::Kind::Result, i});
    first.written = 2;
    first.tasks = 3;
    second.written = kernel.getNumResults();
    plan.launches = {first, second};
    return plan;
  }

  LogicalResult emit(KernelOp, const TargetInfo &, const KernelPlan &, unsigned, StringRef, ModuleOp) const override {
    return failure();
  }
};

const Emitter *lookupStaged(StringRef) {
  static const StagedEmitter emitter;
  return &emitter;
}

class PlanTest : public ::testing::Test {
protected:
  PlanTest() {
    registerEmitters("staged", lookupStaged);
    context.loadDialect<VLPDialect, plan::PlanDialect, func::FuncDialect>();
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        ++errors;
    });
  }

  LogicalResult planModule(ModuleOp module, StringRef target) {
    PassManager manager(&context);
    buildKernelPipeline(manager);
    PlanOptions options;
    options.target = target.str();
    manager.addPass(createPlan(options));
    return manager.run(module);
  }

  LogicalResult check(ModuleOp module) {
    PassManager manager(&context);
    manager.addPass(createVerifyPlan());
    return manager.run(module);
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  int errors = 0;
};

TEST_F(PlanTest, RandomGraphsRunFromTheirPlans) {
  int inPlaceOfState = 0, copies = 0;
  for (unsigned seed = 0; seed < 150; ++seed)
    for (const char *target : {"generic", "staged"}) {
      OwningOpRef<ModuleOp> module = makeRandomModule(context, seed, 30);
      ASSERT_TRUE(module);
      std::vector<Array<float>> inputs = drawInputs(module->lookupSymbol<func::FuncOp>("main"), seed);
      State<float> before = drawState(*module, seed), after = before;
      auto expected = Interpreter<float>(*module).run("main", inputs, before);
      ASSERT_TRUE(succeeded(expected));
      ASSERT_TRUE(succeeded(planModule(*module, target))) << "seed " << seed;
      ASSERT_TRUE(succeeded(verify(*module)) && succeeded(check(*module))) << "seed " << seed << ", target " << target;
      std::vector<Array<float>> results = runPlan(*module, "main", inputs, after);
      for (auto [a, b] : llvm::zip_equal(*expected, results))
        EXPECT_TRUE(haveEqualBits(a, b)) << "seed " << seed << ", target " << target;
      for (auto &[name, value] : before)
        EXPECT_TRUE(haveEqualBits(value, after.at(name))) << name << ", seed " << seed << ", target " << target;
      auto entry = *module->getOps<plan::EntryOp>().begin();
      for (plan::LaunchOp launch : entry.getBody().getOps<plan::LaunchOp>())
        for (Attribute slot : launch.getArguments().getValue().take_back(launch.getWritten()))
          inPlaceOfState += cast<plan::SlotAttr>(slot).getRegion() == plan::Memory::State;
      copies += llvm::range_size(entry.getBody().getOps<plan::CopyOp>());
    }
  EXPECT_GT(inPlaceOfState, 50) << "the graphs should exercise updates in place";
  EXPECT_GT(copies, 50) << "and copies";
}

/// Tensors of two bytes an element lie in slots of their size among those of four.
TEST_F(PlanTest, LoweredRandomGraphsRunFromTheirPlans) {
  int narrow = 0;
  for (unsigned seed = 0; seed < 100; ++seed)
    for (const char *target : {"generic", "staged"}) {
      OwningOpRef<ModuleOp> module = makeRandomModule(context, seed, 40, /*withProducts=*/true);
      ASSERT_TRUE(module);
      PassManager lower(&context);
      lower.addNestedPass<func::FuncOp>(createLowerPrecision());
      ASSERT_TRUE(succeeded(lower.run(*module)));
      std::vector<Array<float>> inputs = drawInputs(module->lookupSymbol<func::FuncOp>("main"), seed);
      State<float> before = drawState(*module, seed), after = before;
      auto expected = Interpreter<float>(*module).run("main", inputs, before);
      ASSERT_TRUE(succeeded(expected));
      ASSERT_TRUE(succeeded(planModule(*module, target))) << "seed " << seed;
      ASSERT_TRUE(succeeded(verify(*module)) && succeeded(check(*module))) << "seed " << seed << ", target " << target;
      std::vector<Array<float>> results = runPlan(*module, "main", inputs, after);
      for (auto [a, b] : llvm::zip_equal(*expected, results))
        EXPECT_TRUE(haveEqualBits(a, b)) << "seed " << seed << ", target " << target;
      for (auto &[name, value] : before)
        EXPECT_TRUE(haveEqualBits(value, after.at(name))) << name << ", seed " << seed << ", target " << target;
      module->walk([&](plan::KernelOp kernel) {
        for (Type type : kernel.getKernel().getResultTypes())
          narrow += cast<RankedTensorType>(type).getElementType().isBF16();
      });
      module->walk([&](plan::LaunchOp launch) {
        for (auto slot : launch.getArguments().getAsRange<plan::SlotAttr>())
          EXPECT_EQ(slot.getOffset() % plan::kSlotAlignment, 0);
      });
    }
  EXPECT_GT(narrow, 200) << "the graphs should have bf16 tensors";
}

/// The same launch with one argument moved.
static void moveArgument(plan::LaunchOp launch, unsigned index, int64_t offset) {
  SmallVector<Attribute> slots(launch.getArguments().getValue());
  auto slot = cast<plan::SlotAttr>(slots[index]);
  slots[index] = plan::SlotAttr::get(slot.getContext(), slot.getRegion(), offset, slot.getSize(), slot.getValue());
  launch.setArgumentsAttr(ArrayAttr::get(launch.getContext(), slots));
}

TEST_F(PlanTest, TheCheckerFindsEveryMovedArgument) {
  int moved = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    OwningOpRef<ModuleOp> module = makeRandomModule(context, seed, 20);
    ASSERT_TRUE(succeeded(planModule(*module, "staged")));
    auto entry = *module->getOps<plan::EntryOp>().begin();
    for (plan::LaunchOp launch : entry.getBody().getOps<plan::LaunchOp>()) {
      unsigned reads = launch.getArguments().size() - launch.getWritten();
      for (unsigned index = 0; index < reads; ++index) {
        auto slot = cast<plan::SlotAttr>(launch.getArguments()[index]);
        if (slot.getRegion() == plan::Memory::Constants)
          continue;
        moveArgument(launch, index, slot.getOffset() + plan::kSlotAlignment);
        EXPECT_TRUE(failed(check(*module))) << "seed " << seed;
        moveArgument(launch, index, slot.getOffset());
        ++moved;
      }
    }
    EXPECT_TRUE(succeeded(check(*module)));
  }
  EXPECT_GT(moved, 100);
}

TEST_F(PlanTest, EqualModulesGiveEqualPlans) {
  std::string texts[2];
  for (std::string &text : texts) {
    OwningOpRef<ModuleOp> module = makeRandomModule(context, 5, 50);
    ASSERT_TRUE(succeeded(planModule(*module, "generic")));
    llvm::raw_string_ostream(text) << *module;
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST_F(PlanTest, AMissingEmitterIsReportedForEveryKernel) {
  registerEmitters("none", [](StringRef) -> const Emitter * { return nullptr; });
  OwningOpRef<ModuleOp> module = makeRandomModule(context, 5, 30);
  EXPECT_TRUE(failed(planModule(*module, "none")));
  EXPECT_GT(errors, 3);
}
} // namespace
