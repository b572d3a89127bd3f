// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Constraints of the plan ops.
#include "dialect/Plan/Plan.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace vlp::plan;

int64_t vlp::plan::getTensorBytes(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * tensor.getElementTypeBitWidth() / 8;
}

LogicalResult SlotAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, Memory region, int64_t offset,
                               int64_t size, int64_t value) {
  if (offset < 0 || offset % kSlotAlignment != 0)
    return emitError() << "expected an offset that is a multiple of " << kSlotAlignment << ", got " << offset;
  if (size < 0)
    return emitError() << "expected a size of at least 0 bytes, got " << size;
  return success();
}

/// The slot lies in `region` and has the size of a tensor of `type`.
static LogicalResult verifySlot(Operation *op, SlotAttr slot, Memory region, Type type) {
  if (slot.getRegion() != region)
    return op->emitOpError() << "expected a slot in the " << stringifyMemory(region) << " region, got "
                             << stringifyMemory(slot.getRegion());
  if (slot.getSize() != getTensorBytes(type))
    return op->emitOpError() << "expected a slot of " << getTensorBytes(type) << " bytes for " << type << ", got "
                             << slot.getSize();
  return success();
}

LogicalResult StateOp::verify() { return verifySlot(*this, getSlot(), Memory::State, getType()); }

LogicalResult ConstantOp::verify() {
  return verifySlot(*this, getSlot(), Memory::Constants, getValue().getShapedType());
}

vlp::KernelOp KernelOp::getKernel() { return cast<vlp::KernelOp>(getBody().front().front()); }

StageAttr KernelOp::getStage(int64_t index) { return cast<StageAttr>(getStages()[index]); }

/// The number behind `prefix`, if `name` has that form.
static std::optional<unsigned> parseArgument(StringRef name, StringRef prefix) {
  unsigned index;
  if (!name.consume_front(prefix) || name.getAsInteger(10, index))
    return std::nullopt;
  return index;
}

/// The bytes of a stage argument: those of the input or result behind it, -1 for a partial, nothing for a name that
/// means nothing.
static std::optional<int64_t> getArgumentBytes(vlp::KernelOp kernel, StringRef name) {
  if (std::optional<unsigned> input = parseArgument(name, "in"); input && *input < kernel.getNumOperands())
    return getTensorBytes(kernel.getOperand(*input).getType());
  if (std::optional<unsigned> result = parseArgument(name, "out"); result && *result < kernel.getNumResults())
    return getTensorBytes(kernel.getResult(*result).getType());
  if (parseArgument(name, "part"))
    return -1;
  return std::nullopt;
}

static LogicalResult verifyStage(KernelOp op, StageAttr stage) {
  llvm::StringSet<> seen;
  for (Attribute argument : stage.getArguments()) {
    auto name = dyn_cast<StringAttr>(argument);
    if (!name || !getArgumentBytes(op.getKernel(), name.getValue()))
      return op.emitOpError() << "expected stage arguments in<i>, out<i> or part<i> of the kernel, got " << argument;
    if (!seen.insert(name.getValue()).second)
      return op.emitOpError() << "expected each stage argument once, got " << argument << " twice";
  }
  int64_t count = stage.getArguments().size();
  if (stage.getWritten() < 1 || stage.getWritten() > count)
    return op.emitOpError() << "expected a stage that writes 1 to " << count << " arguments, got "
                            << stage.getWritten();
  return success();
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  auto kernel = llvm::hasSingleElement(block) ? dyn_cast<vlp::KernelOp>(block.front()) : vlp::KernelOp();
  if (!kernel || !llvm::equal(kernel.getOperands(), block.getArguments()))
    return emitOpError() << "expected a body of one vlp.kernel on the block's arguments, in order";
  if (getStages().empty())
    return emitOpError() << "expected at least one stage";
  for (StageAttr stage : getStages().getAsRange<StageAttr>())
    if (failed(verifyStage(*this, stage)))
      return failure();
  ArrayRef<int64_t> pairs = getInPlace();
  if (pairs.size() % 2 != 0)
    return emitOpError() << "expected in_place to hold pairs (result, input), got " << pairs.size() << " numbers";
  for (size_t i = 0; i < pairs.size(); i += 2)
    if (pairs[i] < 0 || pairs[i] >= kernel.getNumResults() || pairs[i + 1] < 0 ||
        pairs[i + 1] >= kernel.getNumOperands())
      return emitOpError() << "expected in_place pairs of a result and an input of the kernel, got (" << pairs[i]
                           << ", " << pairs[i + 1] << ")";
  return success();
}

/// Inputs or outputs: in their region, in bounds, of their tensor's size, none overlapping.
static LogicalResult verifyTensors(EntryOp op, ArrayAttr tensors, Memory region, int64_t size) {
  for (auto [index, attr] : llvm::enumerate(tensors)) {
    auto tensor = cast<TensorAttr>(attr);
    if (failed(verifySlot(op, tensor.getSlot(), region, tensor.getType())))
      return failure();
    if (tensor.getSlot().getEnd() > size)
      return op.emitOpError() << "expected '" << tensor.getName() << "' within the " << size << " bytes of the "
                              << stringifyMemory(region) << " region, got an end at " << tensor.getSlot().getEnd();
    for (Attribute other : tensors.getValue().take_front(index))
      if (cast<TensorAttr>(other).getSlot().overlaps(tensor.getSlot()))
        return op.emitOpError() << "expected inputs and outputs that do not overlap, got '" << tensor.getName()
                                << "' over '" << cast<TensorAttr>(other).getName() << "'";
  }
  return success();
}

static LogicalResult verifyArena(EntryOp entry, Operation *op, SlotAttr slot) {
  int64_t size = entry.getArenaSize();
  if (slot.getRegion() == Memory::Arena && slot.getEnd() > size)
    return op->emitOpError() << "expected arena slots within " << size << " bytes, got an end at " << slot.getEnd();
  return success();
}

static bool isFlag(TensorAttr tensor, StringRef name) {
  return tensor.getName() == name && tensor.getType().getElementType().isInteger(32);
}

LogicalResult EntryOp::verify() {
  if (failed(verifyTensors(*this, getInputs(), Memory::Input, getInputSize())) ||
      failed(verifyTensors(*this, getOutputs(), Memory::Output, getOutputSize())))
    return failure();
  for (Operation &op : getBody().front()) {
    if (auto launch = dyn_cast<LaunchOp>(op)) {
      for (SlotAttr slot : launch.getArguments().getAsRange<SlotAttr>())
        if (failed(verifyArena(*this, &op, slot)))
          return failure();
    } else if (auto copy = dyn_cast<CopyOp>(op)) {
      if (failed(verifyArena(*this, &op, copy.getSource())) || failed(verifyArena(*this, &op, copy.getDestination())))
        return failure();
    } else {
      return emitOpError() << "expected launches and copies, got '" << op.getName() << "'";
    }
  }
  std::optional<StringRef> flag = getFiniteFlag();
  if (flag && llvm::none_of(getOutputs().getAsRange<TensorAttr>(), [&](TensorAttr t) { return isFlag(t, *flag); }))
    return emitOpError() << "expected finite_flag to name an i32 output, got '" << *flag << "'";
  return success();
}

static bool isWritable(Memory region) { return region != Memory::Input && region != Memory::Constants; }

LogicalResult LaunchOp::verify() {
  int64_t count = getArguments().size(), written = getWritten();
  if (written < 1 || written > count)
    return emitOpError() << "expected 1 to " << count << " written arguments, got " << written;
  for (Attribute slot : getArguments().getValue().take_back(written))
    if (!isWritable(cast<SlotAttr>(slot).getRegion()))
      return emitOpError() << "expected no written argument in the "
                           << stringifyMemory(cast<SlotAttr>(slot).getRegion()) << " region";
  if (static_cast<int64_t>(getTasks()) < 1)
    return emitOpError() << "expected at least one task, got " << static_cast<int64_t>(getTasks());
  if (static_cast<int64_t>(getScratch()) < 0)
    return emitOpError() << "expected scratch of at least 0 bytes, got " << static_cast<int64_t>(getScratch());
  if (static_cast<int64_t>(getThreads()) < 0 || static_cast<int64_t>(getShared()) < 0)
    return emitOpError() << "expected threads and shared of at least 0, got " << static_cast<int64_t>(getThreads())
                         << " and " << static_cast<int64_t>(getShared());
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError() << "expected a plan.kernel named '" << getKernel() << "'";
  if (getStage() >= kernel.getStages().size())
    return emitOpError() << "expected one of " << kernel.getStages().size() << " stages, got stage " << getStage();
  StageAttr stage = kernel.getStage(getStage());
  if (stage.getArguments().size() != getArguments().size() || stage.getWritten() != static_cast<int64_t>(getWritten()))
    return emitOpError() << "expected " << stage.getArguments().size() << " arguments with " << stage.getWritten()
                         << " written, got " << getArguments().size() << " with " << getWritten();
  for (auto [name, attr] : llvm::zip_equal(stage.getArguments().getAsRange<StringAttr>(), getArguments())) {
    int64_t size = cast<SlotAttr>(attr).getSize();
    std::optional<int64_t> expected = getArgumentBytes(kernel.getKernel(), name.getValue());
    if (expected && *expected >= 0 && *expected != size)
      return emitOpError() << "expected " << *expected << " bytes for argument " << name << ", got " << size;
  }
  return success();
}

LogicalResult CopyOp::verify() {
  if (getSource().getSize() != getDestination().getSize())
    return emitOpError() << "expected slots of equal size, got " << getSource().getSize() << " and "
                         << getDestination().getSize() << " bytes";
  if (getSource().overlaps(getDestination()))
    return emitOpError() << "expected slots that do not overlap";
  if (!isWritable(getDestination().getRegion()))
    return emitOpError() << "expected no destination in the " << stringifyMemory(getDestination().getRegion())
                         << " region";
  return success();
}
