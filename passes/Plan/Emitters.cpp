// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of targets, and the generic target that tests of the planner use.
#include "passes/Plan/Passes.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace vlp;

/// Whether `argument` is read only at the place that is being written: never through a view.
static bool isReadInPlace(BlockArgument argument) {
  return llvm::none_of(argument.getUsers(),
                       [](Operation *user) { return user->hasTrait<View>() || isa<YieldOp>(user); });
}

static unsigned getInput(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && isReadInPlace(argument) ? argument.getArgNumber() : ~0u;
}

/// All pairs of an elementwise kernel whose types agree.
static void addElementwisePairs(KernelOp kernel, KernelPlan &plan) {
  for (auto [r, type] : llvm::enumerate(kernel.getResultTypes()))
    for (BlockArgument argument : kernel.getBody().getArguments())
      if (argument.getType() == type && isReadInPlace(argument))
        plan.inPlace.push_back({static_cast<unsigned>(r), argument.getArgNumber()});
}

/// New parameter and moments over the old ones.
static void addOptimizerPairs(KernelOp kernel, KernelPlan &plan) {
  auto yields = kernel.getBody().front().getTerminator()->getOperands();
  for (AdamWOp op : kernel.getBody().getOps<AdamWOp>())
    for (auto [r, value] : llvm::enumerate(yields))
      for (auto [result, operand] : {std::pair(0u, 0u), std::pair(1u, 2u), std::pair(2u, 3u)})
        if (value == op->getResult(result) && getInput(op->getOperand(operand)) != ~0u)
          plan.inPlace.push_back({static_cast<unsigned>(r), getInput(op->getOperand(operand))});
}

namespace {
/// Plans every kernel as one launch of one task. Emits nothing.
class GenericEmitter : public Emitter {
public:
  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelPlan plan;
    LaunchPlan launch;
    for (unsigned i = 0; i < kernel.getNumOperands(); ++i)
      launch.arguments.push_back({LaunchArgument::Kind::Input, i});
    for (unsigned i = 0; i < kernel.getNumResults(); ++i)
      launch.arguments.push_back({LaunchArgument::Kind::Result, i});
    launch.written = kernel.getNumResults();
    plan.launches.push_back(std::move(launch));
    if (kernel.getAnchor() == "elementwise")
      addElementwisePairs(kernel, plan);
    if (kernel.getAnchor() == "adamw")
      addOptimizerPairs(kernel, plan);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &, unsigned, StringRef,
                     ModuleOp) const override {
    return kernel.emitError() << "expected a target with code generation, got 'generic'";
  }
};
} // namespace

static const Emitter *lookupGeneric(StringRef) {
  static const GenericEmitter emitter;
  return &emitter;
}

namespace {
struct Target {
  EmitterLookup lookup = nullptr;
  bool takesBF16 = false;
};
} // namespace

static llvm::StringMap<Target> &getRegistry() {
  static llvm::StringMap<Target> registry = {{"generic", {lookupGeneric, true}}};
  return registry;
}

void vlp::registerEmitters(StringRef target, EmitterLookup lookup, bool takesBF16) {
  getRegistry()[target] = {lookup, takesBF16};
}

EmitterLookup vlp::findEmitters(StringRef target) { return getRegistry().lookup(target).lookup; }

bool vlp::takesBF16(StringRef target) { return getRegistry().lookup(target).takesBF16; }
