// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// In-place decisions and lifetimes. Positions are kernel numbers; an input that dies in a kernel still conflicts with
// its results.
#include "passes/Plan/BufferAssignment.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vlp;

static Value getRoot(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return value;
}

unsigned BufferAssignment::getNumber(Value value) const { return numbers.at(getRoot(value)); }

std::optional<unsigned> BufferAssignment::getRead(StringRef symbol) const {
  auto it = reads.find(symbol);
  return it == reads.end() ? std::nullopt : std::optional<unsigned>(it->second);
}

unsigned BufferAssignment::addBuffer(plan::Memory region, int64_t offset, int64_t bytes) {
  buffers.push_back({region, offset, bytes, -1, -1});
  return buffers.size() - 1;
}

void BufferAssignment::addValue(Value value, int64_t def, plan::SlotAttr fixed) {
  numbers[value] = values.size();
  values.push_back({value, plan::getTensorBytes(value.getType()), def, def, std::nullopt});
  if (fixed)
    values.back().buffer = addFixed(fixed);
}

LogicalResult BufferAssignment::checkOps() {
  bool ok = true;
  for (Operation &op : entry.getBody().front()) {
    if (isa<KernelOp, ReadOp, WriteOp, ConstantOp, ReshapeOp, func::ReturnOp>(op))
      continue;
    op.emitError() << "expected kernels, reads, writes, constants and reshapes, got '" << op.getName()
                   << "'; run vlp-form-kernels first";
    ok = false;
  }
  return success(ok);
}

/// Slots one after the other for `types`.
static SmallVector<plan::SlotAttr> layOut(TypeRange types, plan::Memory region, int64_t &size) {
  SmallVector<plan::SlotAttr> slots;
  size = 0;
  for (Type type : types) {
    int64_t bytes = plan::getTensorBytes(type);
    slots.push_back(plan::SlotAttr::get(type.getContext(), region, size, bytes, -1));
    size = llvm::alignTo(size + bytes, plan::kSlotAlignment);
  }
  return slots;
}

void BufferAssignment::enumerateValues() {
  Block &block = entry.getBody().front();
  inputs = layOut(block.getArgumentTypes(), plan::Memory::Input, inputSize);
  outputs = layOut(block.getTerminator()->getOperandTypes(), plan::Memory::Output, outputSize);
  for (auto [argument, slot] : llvm::zip_equal(block.getArguments(), inputs))
    addValue(argument, -1, slot);
  for (Operation &op : block) {
    if (auto read = dyn_cast<ReadOp>(op)) {
      auto [it, isNew] = reads.try_emplace(read.getState(), values.size());
      if (isNew) {
        addValue(read.getResult(), -1, context.state.at(read.getState()));
        initialState.push_back({it->second, context.state.at(read.getState())});
      } else {
        numbers[read.getResult()] = it->second;
      }
    } else if (auto constant = dyn_cast<ConstantOp>(op)) {
      addValue(constant.getResult(), -1, context.constants.at(constant.getValue()));
    } else if (auto kernel = dyn_cast<KernelOp>(op)) {
      int64_t position = kernels.size();
      kernels.push_back(kernel);
      for (Value operand : kernel.getOperands())
        values[getNumber(operand)].lastUse = position;
      for (Value result : kernel.getResults())
        addValue(result, position, {});
    }
  }
}

bool BufferAssignment::mayOverwrite(int64_t kernel, unsigned result, unsigned input) const {
  KernelOp op = kernels[kernel];
  unsigned number = getNumber(op.getOperand(input));
  auto reads = llvm::count_if(op.getOperands(), [&](Value operand) { return getNumber(operand) == number; });
  const KernelPlan &plan = context.kernels.at(op)->plan;
  return reads == 1 && llvm::is_contained(plan.inPlace, std::pair(result, input)) &&
         values[number].bytes == values[getNumber(op.getResult(result))].bytes;
}

bool BufferAssignment::placeInState(WriteOp write, std::string &reason) {
  unsigned number = getNumber(write.getValue());
  EntryValue &value = values[number];
  if (!isKernelResult(number)) {
    reason = "its new value is not made by a kernel";
    return false;
  }
  if (value.buffer) {
    reason = "its new value is that of another symbol as well";
    return false;
  }
  std::optional<unsigned> old = getRead(write.getState());
  if (old && values[*old].lastUse > value.def) {
    reason = "'" + getLayerName(kernels[values[*old].lastUse].getLoc()) + "' reads the old value later";
    return false;
  }
  if (old && values[*old].lastUse == value.def) {
    KernelOp kernel = kernels[value.def];
    unsigned result = cast<OpResult>(value.value).getResultNumber();
    bool allowed = llvm::any_of(llvm::seq<unsigned>(0, kernel.getNumOperands()), [&](unsigned input) {
      return getNumber(kernel.getOperand(input)) == *old && mayOverwrite(value.def, result, input);
    });
    if (!allowed) {
      reason = "the kernel '" + kernel.getAnchor().str() + "' that makes it may not overwrite the old value";
      return false;
    }
  }
  value.buffer = addFixed(context.state.at(write.getState()));
  return true;
}

/// The value of the write goes to its state at the end. An old value of changing state is saved before the first
/// kernel.
void BufferAssignment::copyToState(WriteOp write) {
  unsigned number = getNumber(write.getValue());
  int64_t end = kernels.size();
  unsigned to = addFixed(context.state.at(write.getState()));
  auto read = values[number].value.getDefiningOp<ReadOp>();
  std::optional<unsigned> saved;
  if (read && changed.contains(read.getState())) {
    saved = addBuffer(plan::Memory::Arena, 0, values[number].bytes);
    buffers[*saved].end = end;
    startCopies.push_back({number, std::nullopt, *saved, write.getLoc()});
  } else {
    values[number].lastUse = end;
  }
  endCopies.push_back({number, saved, to, write.getLoc()});
}

void BufferAssignment::planWrites() {
  SmallVector<WriteOp> writes;
  for (WriteOp write : entry.getBody().getOps<WriteOp>()) {
    std::optional<unsigned> old = getRead(write.getState());
    if (old && *old == getNumber(write.getValue()))
      continue; // keeps its value
    writes.push_back(write);
    changed[write.getState()] = true;
    finalState.push_back({getNumber(write.getValue()), context.state.at(write.getState())});
  }
  for (WriteOp write : writes) {
    std::string reason;
    if (placeInState(write, reason))
      continue;
    emitRemark(write.getLoc()) << "'" << write.getState() << "' is updated by a copy: " << reason;
    copyToState(write);
  }
}

void BufferAssignment::planOutputs() {
  Operation *terminator = entry.getBody().front().getTerminator();
  for (auto [operand, slot] : llvm::zip_equal(terminator->getOperands(), outputs)) {
    unsigned number = getNumber(operand);
    EntryValue &value = values[number];
    unsigned buffer = addFixed(slot);
    if (isKernelResult(number) && !value.buffer) {
      value.buffer = buffer;
    } else if (isKernelResult(number)) {
      value.lastUse = kernels.size();
      endCopies.push_back({number, std::nullopt, buffer, operand.getLoc()});
    } else {
      startCopies.push_back({number, std::nullopt, buffer, operand.getLoc()});
    }
  }
}

bool BufferAssignment::shareBuffer(int64_t kernel, unsigned result, unsigned input) {
  KernelOp op = kernels[kernel];
  EntryValue &from = values[getNumber(op.getOperand(input))];
  EntryValue &to = values[getNumber(op.getResult(result))];
  // A buffer of the arena; a result's own buffer may be an output slot, which the input's values then move to.
  if (from.def < 0 || from.lastUse != kernel || buffers[*from.buffer].region != plan::Memory::Arena ||
      !mayOverwrite(kernel, result, input))
    return false;
  if (to.buffer && buffers[*to.buffer].region != plan::Memory::Output)
    return false;
  if (to.buffer)
    buffers[*from.buffer] = buffers[*to.buffer];
  to.buffer = from.buffer;
  return true;
}

void BufferAssignment::shareDyingInputs() {
  for (auto [position, kernel] : llvm::enumerate(kernels)) {
    llvm::SmallDenseSet<unsigned> taken;
    for (unsigned result = 0; result < kernel.getNumResults(); ++result) {
      EntryValue &value = values[getNumber(kernel.getResult(result))];
      for (auto [r, input] : context.kernels.at(kernel)->plan.inPlace)
        if (r == result && !taken.contains(getNumber(kernel.getOperand(input))) && shareBuffer(position, r, input)) {
          taken.insert(getNumber(kernel.getOperand(input)));
          break;
        }
      if (!value.buffer)
        value.buffer = addBuffer(plan::Memory::Arena, 0, value.bytes);
    }
  }
}

void BufferAssignment::setLifetimes() {
  llvm::DenseSet<unsigned> seen;
  for (const EntryValue &value : values) {
    Buffer &buffer = buffers[*value.buffer];
    buffer.begin = seen.insert(*value.buffer).second ? value.def : std::min(buffer.begin, value.def);
    buffer.end = std::max({buffer.end, value.def, value.lastUse});
  }
  for (auto [position, kernel] : llvm::enumerate(kernels)) {
    partials.emplace_back();
    for (int64_t bytes : context.kernels.at(kernel)->plan.partials) {
      unsigned buffer = addBuffer(plan::Memory::Arena, 0, bytes);
      buffers[buffer].begin = buffers[buffer].end = position;
      partials.back().push_back(buffer);
    }
  }
}

LogicalResult BufferAssignment::run() {
  if (failed(checkOps()))
    return failure();
  enumerateValues();
  planWrites();
  planOutputs();
  shareDyingInputs();
  setLifetimes();
  return success();
}
