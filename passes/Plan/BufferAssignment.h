// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which memory each value of an entry lives in: fixed slots, updates in place, buffers of the arena, copies.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Plan/PlanContext.h"

namespace vlp {

/// A range of memory that one or, in place, several values live in one after the other.
struct Buffer {
  plan::Memory region;
  /// In bytes; of arena buffers known after placement.
  int64_t offset;
  int64_t bytes;
  /// First and last kernel that uses it; -1 is before the first kernel, their number after the last.
  int64_t begin;
  int64_t end;
};

/// A tensor of the entry that lies in memory: an input, a read of state, a constant, a result of a kernel.
struct EntryValue {
  mlir::Value value;
  int64_t bytes;
  /// The kernel that makes it, -1 where it is there from the start.
  int64_t def;
  /// The last kernel that reads it, the number of kernels where a copy at the end does.
  int64_t lastUse;
  std::optional<unsigned> buffer;
};

/// A copy of the value `value` into buffer `to`, from buffer `from` or from where the value lives.
struct BufferCopy {
  unsigned value;
  std::optional<unsigned> from;
  unsigned to;
  mlir::Location loc;
};

/// The assignment of one entry. `run` fails, with diagnostics, on ops that planning does not know.
class BufferAssignment {
public:
  BufferAssignment(mlir::func::FuncOp entry, const PlanContext &context) : entry(entry), context(context) {}

  llvm::LogicalResult run();

  llvm::SmallVector<vlp::KernelOp> kernels;
  llvm::SmallVector<EntryValue> values;
  llvm::SmallVector<Buffer> buffers;
  /// Before the first kernel, and after the last.
  llvm::SmallVector<BufferCopy> startCopies, endCopies;
  /// By kernel: the buffers of its partials.
  llvm::SmallVector<llvm::SmallVector<unsigned>> partials;
  /// Input and output slots by position; sizes of their regions in bytes.
  llvm::SmallVector<plan::SlotAttr> inputs, outputs;
  int64_t inputSize = 0, outputSize = 0;
  /// The number of values of reads, and of new values of state, with the state's slots.
  llvm::SmallVector<std::pair<unsigned, plan::SlotAttr>> initialState, finalState;

  /// The number of the value behind `value`, reshapes looked through.
  unsigned getNumber(mlir::Value value) const;

private:
  llvm::LogicalResult checkOps();
  void enumerateValues();
  void addValue(mlir::Value value, int64_t def, plan::SlotAttr fixed);
  unsigned addBuffer(plan::Memory region, int64_t offset, int64_t bytes);
  unsigned addFixed(plan::SlotAttr slot) { return addBuffer(slot.getRegion(), slot.getOffset(), slot.getSize()); }

  void planWrites();
  /// Decides where the new value of a state symbol is made; true if no copy is needed.
  bool placeInState(WriteOp write, std::string &reason);
  void copyToState(WriteOp write);
  void planOutputs();
  void shareDyingInputs();
  /// Lets result `result` of kernel `kernel` take over the buffer of input `input` if that is sound.
  bool shareBuffer(int64_t kernel, unsigned result, unsigned input);
  void setLifetimes();

  /// Whether pair (result, input) of the kernel is allowed by its emitter and the input is no other operand as well.
  bool mayOverwrite(int64_t kernel, unsigned result, unsigned input) const;
  /// The number of the value that `symbol` is read as.
  std::optional<unsigned> getRead(llvm::StringRef symbol) const;
  bool isKernelResult(unsigned value) const { return values[value].def >= 0; }

  mlir::func::FuncOp entry;
  const PlanContext &context;
  llvm::DenseMap<mlir::Value, unsigned> numbers;
  llvm::StringMap<unsigned> reads;
  /// State symbols that get another value.
  llvm::StringMap<bool> changed;
};

} // namespace vlp
