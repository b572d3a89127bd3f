// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Construction of plan.entry, plan.launch and plan.copy.
#include "passes/Plan/BuildEntry.h"
#include "passes/Plan/BufferAssignment.h"
#include "passes/Plan/Placement.h"

using namespace mlir;
using namespace vlp;

/// Gives arena buffers their offsets.
static Placement placeBuffers(MutableArrayRef<Buffer> buffers) {
  SmallVector<Lifetime> lifetimes;
  SmallVector<Buffer *> placed;
  for (Buffer &buffer : buffers)
    if (buffer.region == plan::Memory::Arena) {
      lifetimes.push_back({buffer.bytes, buffer.begin, buffer.end});
      placed.push_back(&buffer);
    }
  Placement placement = placeLifetimes(lifetimes, plan::kSlotAlignment);
  for (auto [buffer, offset] : llvm::zip_equal(placed, placement.offsets))
    buffer->offset = offset;
  return placement;
}

/// Products of the ops inside; traffic of the kernel's operands and results.
static std::pair<double, double> getCost(KernelOp kernel) {
  double flops = 0;
  for (Operation &op : kernel.getBody().front())
    if (auto cost = dyn_cast<CostOpInterface>(op))
      flops += cost.getFlops();
  return {flops, getCompulsoryBytes(kernel)};
}

static bool isBackward(KernelOp kernel) {
  return llvm::any_of(kernel.getBody().front(), [](Operation &op) { return op.hasAttr("vlp.backward"); });
}

/// The stage that stands for the kernel in reports: the one without a suffix, else the first.
static unsigned getMainStage(const KernelPlan &plan) {
  for (auto [index, launch] : llvm::enumerate(plan.launches))
    if (launch.suffix.empty())
      return index;
  return 0;
}

namespace {
class EntryBuilder {
public:
  EntryBuilder(OpBuilder &builder, func::FuncOp entry, const PlanContext &context, const BufferAssignment &assignment)
      : builder(builder), entry(entry), context(context), assignment(assignment), nextNumber(assignment.values.size()) {
  }

  plan::EntryOp build(int64_t arenaSize) {
    auto name = entry->getAttrOfType<StringAttr>("vlp.entry");
    auto op = plan::EntryOp::create(builder, entry.getLoc(), name ? name.getValue() : entry.getSymName(), getInputs(),
                                    getOutputs(), getState(assignment.initialState), getState(assignment.finalState),
                                    arenaSize, assignment.inputSize, assignment.outputSize,
                                    entry->getAttrOfType<DictionaryAttr>("vlp.options"), getFiniteFlag());
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&op.getBody().emplaceBlock());
    addCopies(assignment.startCopies);
    for (unsigned kernel = 0; kernel < assignment.kernels.size(); ++kernel)
      addLaunches(kernel);
    addCopies(assignment.endCopies);
    return op;
  }

private:
  plan::SlotAttr getSlot(unsigned buffer, int64_t value) const {
    const Buffer &b = assignment.buffers[buffer];
    bool isConstant = b.region == plan::Memory::Constants;
    return plan::SlotAttr::get(builder.getContext(), b.region, b.offset, b.bytes, isConstant ? -1 : value);
  }

  /// The number as slots carry it: constants have none, they hold their value always.
  int64_t getShownNumber(unsigned number) const {
    bool isConstant = assignment.buffers[*assignment.values[number].buffer].region == plan::Memory::Constants;
    return isConstant ? -1 : static_cast<int64_t>(number);
  }

  plan::SlotAttr getSlot(Value value) const {
    unsigned number = assignment.getNumber(value);
    return getSlot(*assignment.values[number].buffer, number);
  }

  ArrayAttr getInputs() {
    SmallVector<Attribute> tensors;
    for (auto [argument, slot] : llvm::zip_equal(entry.getArguments(), assignment.inputs)) {
      unsigned index = argument.getArgNumber();
      auto name = entry.getArgAttrOfType<StringAttr>(index, "vlp.name");
      tensors.push_back(
          getTensor(name, "input", index, argument.getType(), slot.withValue(assignment.getNumber(argument))));
    }
    return builder.getArrayAttr(tensors);
  }

  ArrayAttr getOutputs() {
    SmallVector<Attribute> tensors;
    Operation *terminator = entry.getBody().front().getTerminator();
    for (auto [index, slot] : llvm::enumerate(assignment.outputs)) {
      Value value = terminator->getOperand(index);
      auto name = entry.getResultAttrOfType<StringAttr>(index, "vlp.name");
      tensors.push_back(getTensor(name, "output", index, value.getType(),
                                  slot.withValue(getShownNumber(assignment.getNumber(value)))));
    }
    return builder.getArrayAttr(tensors);
  }

  Attribute getTensor(StringAttr name, StringRef prefix, unsigned index, Type type, plan::SlotAttr slot) const {
    std::string text = name ? name.str() : (prefix + Twine(index)).str();
    return plan::TensorAttr::get(builder.getContext(), text, cast<RankedTensorType>(type), slot);
  }

  ArrayAttr getState(ArrayRef<std::pair<unsigned, plan::SlotAttr>> state) const {
    SmallVector<Attribute> slots;
    for (auto [number, slot] : state)
      slots.push_back(slot.withValue(getShownNumber(number)));
    return builder.getArrayAttr(slots);
  }

  /// `vlp.finite_flag` of the function, or the output "finite" of one that writes state.
  StringAttr getFiniteFlag() {
    if (auto flag = entry->getAttrOfType<StringAttr>("vlp.finite_flag"))
      return flag;
    for (unsigned index = 0; index < entry.getNumResults(); ++index)
      if (auto name = entry.getResultAttrOfType<StringAttr>(index, "vlp.name"))
        if (name == "finite" && !assignment.finalState.empty())
          return name;
    return {};
  }

  void addCopies(ArrayRef<BufferCopy> copies) {
    for (const BufferCopy &copy : copies) {
      plan::SlotAttr source = getSlot(copy.from.value_or(*assignment.values[copy.value].buffer), copy.value);
      plan::SlotAttr destination = getSlot(copy.to, source.getValue());
      plan::CopyOp::create(builder, copy.loc, source, destination, getLayerName(copy.loc));
    }
  }

  plan::SlotAttr getSlot(unsigned kernel, const LaunchArgument &argument, int64_t firstPartial) const {
    KernelOp op = assignment.kernels[kernel];
    switch (argument.kind) {
    case LaunchArgument::Kind::Input: return getSlot(op.getOperand(argument.index));
    case LaunchArgument::Kind::Result: return getSlot(op.getResult(argument.index));
    case LaunchArgument::Kind::Partial:
      return getSlot(assignment.partials[kernel][argument.index], firstPartial + argument.index);
    }
    llvm_unreachable("unknown kind of launch argument");
  }

  void addLaunches(unsigned kernel) {
    KernelOp op = assignment.kernels[kernel];
    PlannedKernel planned = *context.kernels.at(op);
    auto [flops, bytes] = getCost(op);
    unsigned main = getMainStage(planned.plan);
    for (auto [stage, launch] : llvm::enumerate(planned.plan.launches)) {
      SmallVector<Attribute> slots;
      for (const LaunchArgument &argument : launch.arguments)
        slots.push_back(getSlot(kernel, argument, nextNumber));
      bool counts = stage == main;
      auto kernelName = FlatSymbolRefAttr::get(planned.op.getSymNameAttr());
      plan::LaunchOp::create(
          builder, op.getLoc(), kernelName, builder.getI64IntegerAttr(stage), builder.getArrayAttr(slots),
          builder.getI64IntegerAttr(launch.tasks), builder.getI64IntegerAttr(launch.scratch),
          builder.getI64IntegerAttr(launch.written), builder.getStringAttr(getLayerName(op.getLoc())),
          builder.getF64FloatAttr(counts ? flops : 0.0), builder.getF64FloatAttr(counts ? bytes : 0.0),
          isBackward(op) ? builder.getUnitAttr() : UnitAttr(), builder.getI64IntegerAttr(launch.threads),
          builder.getI64IntegerAttr(launch.shared));
    }
    nextNumber += assignment.partials[kernel].size();
  }

  OpBuilder &builder;
  func::FuncOp entry;
  const PlanContext &context;
  const BufferAssignment &assignment;
  int64_t nextNumber; // values are numbered first, then partials
};
} // namespace

LogicalResult vlp::buildEntry(OpBuilder &builder, func::FuncOp entry, const PlanContext &context, bool report) {
  BufferAssignment assignment(entry, context);
  if (failed(assignment.run()))
    return failure();
  Placement placement = placeBuffers(assignment.buffers);
  plan::EntryOp op = EntryBuilder(builder, entry, context, assignment).build(placement.size);
  if (report)
    emitRemark(entry.getLoc()) << "'" << op.getSymName() << "' uses an arena of " << placement.size
                               << " bytes (at least " << placement.lowerBound << "), "
                               << llvm::range_size(op.getBody().getOps<plan::LaunchOp>()) << " launches, "
                               << llvm::range_size(op.getBody().getOps<plan::CopyOp>()) << " copies";
  return success();
}
