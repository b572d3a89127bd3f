// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How threads share the rows of a tensor, and what one of them does: reads its part of a row once, into registers where
// it fits, reduces over the row, stores. Functions of whole rows and layer normalisation are written with it.
#pragma once

#include "passes/CUDA/LaunchFunction.h"
#include <functional>

namespace vlp::cuda {

/// Elements of a row that a thread may hold: in a warp that has a row to itself, and in a block. More operands, fewer
/// elements.
struct RowBudget {
  int64_t warp, block;
  int64_t threads;     // of a block, at most
  int64_t shared = 32; // elements in a warp that rows share, about
};

/// `lanes` threads work on one row: thread l has the vectors l, l + lanes, ... of `width` elements.
struct RowTile {
  int64_t rows = 1, columns = 1;
  int64_t width = 1;
  int64_t lanes = 1; // a power of two up to a warp, or all threads of the block
  int64_t threads = kWarp;
  int64_t slots =
      1; // vectors of a thread; the last one lies beyond the row's end for some threads unless the tile is exact
  bool resident = true; // whether they stay in registers

  int64_t rowsPerBlock() const { return threads / lanes; }
  int64_t blocks() const { return ceilDiv(rows, rowsPerBlock()); }
  int64_t step() const { return lanes * width; }
  bool isExact() const { return slots * step() == columns; }
  bool isBlockWide() const { return lanes > kWarp; }
  /// Shared memory of RowThread's reductions.
  int64_t scratchBytes() const;
};

/// From the shape alone. Short rows share a warp, usual ones have one each, and long ones, or few of them, a block.
/// `isStrided`: an operand runs across its rows in memory; then neighbouring rows stay in one block, where they share
/// cache lines.
RowTile chooseRowTile(int64_t rows, int64_t columns, int64_t width, const RowBudget &budget, bool isStrided = false);

/// The largest width at which a thread can read and write rows of `shape`: 16 bytes of the narrowest type among
/// `values`.
int64_t rowWidth(llvm::ArrayRef<Value> values, llvm::ArrayRef<int64_t> shape);
/// Whether `value`, read at `shape`, is no function of inputs whose last dimension is contiguous (or repeated).
bool isStrided(Value value, llvm::ArrayRef<int64_t> shape);

/// The point of element `index` of a tensor, counted over all its dimensions.
Point elementPoint(KernelBuilder &k, llvm::ArrayRef<int64_t> shape, Value index);

class RowThread {
public:
  /// A vector of the row; `number` counts those in registers, -1 where they do not stay there.
  struct Slot {
    Value column;
    int64_t number = -1;
  };
  using SlotValue = std::function<Value(Slot)>;

  /// A value of every element of the row: in registers where the tile is resident, else computed at each use.
  class Elements {
  public:
    Value at(Slot slot) const { return slot.number >= 0 ? registers[slot.number] : compute(slot); }

  private:
    friend class RowThread;
    llvm::SmallVector<Value> registers;
    SlotValue compute;
  };

  /// Reductions use shared memory from `scratch` on.
  RowThread(LaunchFunction &f, const RowTile &tile, llvm::ArrayRef<int64_t> shape, int64_t scratch = 0);

  /// The row of this thread in a grid of `tile.blocks()` blocks.
  void start();
  /// Works on `row` from now on. Where `isRow` does not hold (null: it always does) the last row is read, and nothing
  /// stored.
  void moveTo(Value row, Value isRow);

  KernelBuilder &k;
  const RowTile &tile;
  Value row, isRow;
  Value lane; // among those of the row

  /// `operand` at a vector of the row, or at `width` elements of it; never beyond its end.
  Value evaluate(Value operand, Slot slot) { return evaluate(operand, slot.column, tile.width); }
  Value evaluate(Value operand, Value column, int64_t width);
  /// An operand with one element a row.
  Value evaluateScalar(Value operand);

  Elements read(Value operand);
  /// Zeros, or what `compute` makes of them, beyond the row's end: for use inside of it alone.
  Elements map(SlotValue compute);

  /// Runs `body` over the vectors of the row, several at a time so that their loads overlap, and carries `state` along.
  using FoldBody = llvm::function_ref<llvm::SmallVector<Value>(llvm::ArrayRef<Slot>, llvm::ArrayRef<Value>)>;
  llvm::SmallVector<Value> fold(llvm::ArrayRef<Value> state, FoldBody body);
  void forEach(llvm::function_ref<void(llvm::ArrayRef<Slot>)> body);

  /// Merges the states of all threads of the row pair by pair, in a fixed tree; all get the same. `merge` is
  /// commutative.
  using Merge = llvm::function_ref<llvm::SmallVector<Value>(llvm::ArrayRef<Value>, llvm::ArrayRef<Value>)>;
  llvm::SmallVector<Value> combine(llvm::SmallVector<Value> state, Merge merge);

  /// Sums of `count` values over the elements of the row, in one sweep.
  llvm::SmallVector<Value> sums(unsigned count, llvm::function_ref<llvm::SmallVector<Value>(Slot)> terms);
  Value sum(llvm::function_ref<Value(Slot)> term);
  /// The vectors' sums, over their elements and over the threads of the row.
  llvm::SmallVector<Value> sumVectors(llvm::ArrayRef<Value> vectors);

  /// Stores `yields`, which follow elementwise from `result`, whose elements `value` computes.
  void store(Value result, llvm::ArrayRef<unsigned> yields, SlotValue value);
  /// Runs `body` in one thread of each row that exists.
  void once(llvm::function_ref<void()> body);
  /// The same for a result with one element a row; inside `once`.
  void storeScalar(Value result, llvm::ArrayRef<unsigned> yields, Value scalar);

  /// `scalar` in every element of a vector.
  Value splat(Value scalar);
  Value splat(double value) { return splat(k.constant(value)); }
  /// The elements of a vector, or the scalar.
  llvm::SmallVector<Value> elements(Value vector);

private:
  Slot slot(int64_t number);
  Value isInside(Slot slot) { return k.less(slot.column, tile.columns); }
  int64_t wholeSlots() const { return tile.slots - (tile.isExact() ? 0 : 1); }
  void storeSlots(Value result, llvm::ArrayRef<unsigned> yields, const SlotValue &value, llvm::ArrayRef<Slot> slots);

  LaunchFunction &f;
  llvm::ArrayRef<int64_t> shape;
  int64_t scratch;
  bool odd = false; // which half of the scratch the next reduction uses
};

} // namespace vlp::cuda
