// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-plan: state, constants, kernels, then entry by entry.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Kernels/KernelName.h"
#include "passes/Plan/BuildEntry.h"
#include "passes/Plan/Passes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_PLAN
#include "passes/Plan/Passes.h.inc"
} // namespace vlp

static StringAttr getArgumentName(OpBuilder &builder, const LaunchArgument &argument) {
  static constexpr StringRef prefixes[] = {"in", "out", "part"};
  return builder.getStringAttr(prefixes[static_cast<int>(argument.kind)] + Twine(argument.index));
}

static plan::KernelOp buildKernelOp(OpBuilder &builder, KernelOp kernel, StringRef symbol, const KernelPlan &plan) {
  SmallVector<Attribute> stages;
  for (const LaunchPlan &launch : plan.launches) {
    SmallVector<Attribute> names;
    for (const LaunchArgument &argument : launch.arguments)
      names.push_back(getArgumentName(builder, argument));
    stages.push_back(plan::StageAttr::get(builder.getContext(), builder.getStringAttr(launch.suffix),
                                          builder.getArrayAttr(names), launch.written));
  }
  SmallVector<int64_t> pairs;
  for (auto [result, input] : plan.inPlace)
    pairs.append({result, input});
  auto op =
      plan::KernelOp::create(builder, kernel.getLoc(), symbol, kernel.getAnchor(), builder.getArrayAttr(stages), pairs);
  OpBuilder::InsertionGuard guard(builder);
  Block &block = op.getBody().emplaceBlock();
  builder.setInsertionPointToStart(&block);
  auto clone = cast<KernelOp>(builder.clone(*kernel.getOperation()));
  clone->removeAttr(kKernelSymbolAttr);
  for (OpOperand &operand : clone->getOpOperands())
    operand.set(block.addArgument(operand.get().getType(), operand.get().getLoc()));
  return op;
}

namespace {
/// Asks emitters and shares kernels of equal structure.
class KernelPlanner {
public:
  KernelPlanner(OpBuilder &builder, TargetInfo target, EmitterLookup lookup, PlanContext &context)
      : builder(builder), target(std::move(target)), lookup(lookup), context(context) {}

  LogicalResult add(KernelOp kernel) {
    std::string symbol = getKernelSymbol(kernel), text = getCanonicalText(kernel);
    auto [it, isNew] = planned.try_emplace(symbol);
    if (isNew) {
      it->second.text = text;
      if (failed(plan(kernel, symbol, it->second.kernel)))
        return failure();
    } else if (it->second.text != text) {
      return kernel.emitError() << "expected kernels named '" << symbol
                                << "' to be equal, got two bodies with one hash";
    }
    context.kernels[kernel] = &it->second.kernel;
    return success(it->second.kernel.op != nullptr);
  }

private:
  struct Shared {
    std::string text;
    PlannedKernel kernel;
  };

  LogicalResult plan(KernelOp kernel, StringRef symbol, PlannedKernel &result) {
    const Emitter *emitter = lookup(kernel.getAnchor());
    if (!emitter)
      return kernel.emitError() << "expected an emitter of '" << kernel.getAnchor() << "' kernels on target '"
                                << target.target << "', got none";
    std::string why;
    if (!emitter->supports(kernel, target, why))
      return kernel.emitError() << "expected a kernel that target '" << target.target << "' supports: " << why;
    if (std::string declined = emitter->getDeclined(kernel, target); !declined.empty())
      kernel.emitWarning() << declined;
    result.plan = emitter->plan(kernel, target);
    result.op = buildKernelOp(builder, kernel, symbol, result.plan);
    return success();
  }

  OpBuilder &builder;
  TargetInfo target;
  EmitterLookup lookup;
  PlanContext &context;
  llvm::StringMap<Shared> planned;
};

struct PlanPass : vlp::impl::PlanBase<PlanPass> {
  using PlanBase::PlanBase;

  void runOnOperation() override {
    EmitterLookup lookup = findEmitters(target);
    if (!lookup) {
      getOperation().emitError() << "expected a target with registered emitters, got '" << target << "'";
      return signalPassFailure();
    }
    SmallVector<func::FuncOp> entries;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func->hasAttr("vlp.entry"))
        entries.push_back(func);
    PlanContext context;
    OpBuilder builder(&getContext());
    builder.setInsertionPointToEnd(getOperation().getBody());
    if (failed(checkReads(entries)) || failed(checkInterface(entries)) || failed(checkPrecision(entries)))
      return signalPassFailure();
    planState(getOperation(), context);
    planConstants(builder, entries, context);
    KernelPlanner kernels(builder, {target, chip, matmulTile}, lookup, context);
    if (failed(planKernels(entries, kernels)) || failed(planEntries(builder, entries, context)))
      signalPassFailure();
  }

private:
  /// State that is read or written must exist, or it has no slot.
  LogicalResult checkReads(ArrayRef<func::FuncOp> entries) {
    SymbolTable symbols(getOperation());
    bool ok = true;
    auto check = [&](Operation *op, StringRef symbol) {
      if (isa_and_nonnull<ParameterOp, VariableOp>(symbols.lookup(symbol)))
        return;
      op->emitError() << "expected a state symbol, got '" << symbol << "'";
      ok = false;
    };
    for (func::FuncOp entry : entries) {
      entry.walk([&](ReadOp op) { check(op, op.getState()); });
      entry.walk([&](WriteOp op) { check(op, op.getState()); });
    }
    return success(ok);
  }

  /// What the runtime sees of an entry is f32 or i32.
  LogicalResult checkInterface(ArrayRef<func::FuncOp> entries) {
    bool ok = true;
    auto check = [&](Operation *op, const Twine &what, Type type) {
      Type element = cast<RankedTensorType>(type).getElementType();
      if (element.isF32() || element.isInteger(32))
        return;
      op->emitError() << "expected " << what << " to be f32 or i32, got " << type
                      << "; a vlp.cast inside the entry makes it another";
      ok = false;
    };
    for (func::FuncOp entry : entries) {
      for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes()))
        check(entry, "input #" + Twine(i), type);
      for (auto [i, type] : llvm::enumerate(entry.getResultTypes()))
        check(entry, "output #" + Twine(i), type);
    }
    for (auto op : getOperation().getOps<ParameterOp>())
      check(op, "a parameter", op.getType());
    for (auto op : getOperation().getOps<VariableOp>())
      check(op, "a variable", op.getType());
    return success(ok);
  }

  /// One error that says what to do, instead of one a kernel.
  LogicalResult checkPrecision(ArrayRef<func::FuncOp> entries) {
    if (takesBF16(target))
      return success();
    auto isNarrow = [](Type type) { return cast<RankedTensorType>(type).getElementType().isBF16(); };
    for (func::FuncOp entry : entries)
      for (KernelOp kernel : entry.getBody().getOps<KernelOp>())
        for (Operation &op : kernel.getBody().front().without_terminator())
          if (llvm::any_of(op.getOperandTypes(), isNarrow) || llvm::any_of(op.getResultTypes(), isNarrow))
            return kernel.emitError() << "target '" << target << "' has no code for bf16, which '" << op.getName()
                                      << "' needs here; expected --precision=f32, or --target=cuda:sm_80 or sim";
    return success();
  }

  void planConstants(OpBuilder &builder, ArrayRef<func::FuncOp> entries, PlanContext &context) {
    int64_t offset = 0;
    for (func::FuncOp entry : entries)
      for (ConstantOp op : entry.getBody().getOps<ConstantOp>()) {
        auto [it, isNew] = context.constants.try_emplace(op.getValue());
        if (!isNew)
          continue;
        int64_t bytes = plan::getTensorBytes(op.getType());
        it->second = plan::SlotAttr::get(&getContext(), plan::Memory::Constants, offset, bytes, -1);
        plan::ConstantOp::create(builder, op.getLoc(), op.getValue(), it->second);
        offset = llvm::alignTo(offset + bytes, plan::kSlotAlignment);
      }
  }

  LogicalResult planKernels(ArrayRef<func::FuncOp> entries, KernelPlanner &kernels) {
    bool ok = true;
    for (func::FuncOp entry : entries)
      for (KernelOp kernel : entry.getBody().getOps<KernelOp>())
        ok &= succeeded(kernels.add(kernel));
    return success(ok);
  }

  LogicalResult planEntries(OpBuilder &builder, ArrayRef<func::FuncOp> entries, PlanContext &context) {
    bool ok = true;
    for (func::FuncOp entry : entries)
      ok &= succeeded(buildEntry(builder, entry, context, report));
    if (!ok)
      return failure();
    for (func::FuncOp entry : entries)
      entry.erase();
    return success();
  }
};
} // namespace
