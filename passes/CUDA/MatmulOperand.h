// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One operand of a matrix product on its way from global memory through shared memory into the fragments of tensor-core
// instructions.
#pragma once

#include "passes/CUDA/Expression.h"
#include "passes/CUDA/MatmulTile.h"

namespace vlp::cuda {

/// An operand as X(x, k): A(m, k) with x = m, or B(k, n) with x = n. The two play the same part until they meet in a
/// product.
struct MatmulOperand {
  Access access; // dimensions of x first, then k
  mlir::Type element;
  int64_t size;                 // of x
  int64_t stepK;                // elements between neighbours in k
  std::optional<int64_t> stepX; // between neighbours in x; none where its dimensions do not lie one behind another
  OperandForm form;

  /// `transposed`: k is the first dimension of `access` and x the second.
  MatmulOperand(Access access, bool transposed, mlir::Type element);
};

/// The product that `anchor` (vlp.linear or vlp.matmul) stands for.
struct MatmulProduct {
  explicit MatmulProduct(mlir::Operation *anchor);

  mlir::Operation *op;
  MatmulOperand a, b;
  Value bias; // null: none
  ProductShape shape;
};

/// Which row or column of a warp's part of a block each place in a fragment stands for. A fragment consists of strips
/// of eight (a tensor-core instruction takes two strips of rows and one of columns). Strips are interleaved in groups:
/// place `g` of strip `s` is x = 8 group (s / group) + group p(g) + s % group. So a thread, which has places 2t and 2t
/// + 1 of each strip's columns, has 2 group neighbouring columns, and four threads have whole 32-byte sectors between
/// them. With `split`, p(2t + h) = 4h + t, and these are two runs of `group`: the right thing where that many elements
/// are 16 bytes already. Else p(g) = g.
struct StripMap {
  int64_t group = 1;
  bool split = false;

  int64_t run() const { return split ? group : 2 * group; } // neighbouring columns of a thread
  int64_t at(int64_t slot) const;                           // slot = 8 s + g
  /// x of a slot known at run time. A permutation of bits: at(a + b) = at(a) + at(b) for slots without common bits.
  Value at(KernelBuilder &k, Value slot) const;
};

/// Code for one operand in one kernel: copies of a block's tile to a stage of shared memory, fragments of a warp's
/// part.
///
/// A tile lies in shared memory with rows of x where neighbours in memory differ in k (rows in the order of the slots),
/// else with rows of k. Sixteen-byte chunks are exchanged within 128 bytes so that neither copies nor fragment loads
/// have bank conflicts.
class OperandTile {
public:
  /// An instruction takes two strips of rows and one of columns.
  enum class Side { Rows, Columns };
  /// `base`: byte offset of the operand in a stage.
  OperandTile(KernelBuilder &k, const MatmulOperand &operand, const ProductShape &product, const MatmulTile &tile,
              Side side, StripMap map, int64_t base);

  /// Prepares the copies of this thread: the block's first x, the first k of its part of the sum. `pointer`: base of
  /// the operand.
  void locate(Value pointer, Value firstX, Value firstK);
  /// Where this thread copies from in the first tile of k.
  Value start() const { return origin; }
  /// The same, `tiles` tiles of k further on.
  Value advance(Value from, int64_t tiles);
  /// Copies one of `parts` parts of a tile; zeros beyond the operand. `stage`: byte offset of the stage. `firstK`: of
  /// the tile; `endK`: where k ends.
  void copy(Value from, Value stage, Value firstK, Value endK, int64_t part, int64_t parts);

  /// Prepares fragment loads: `warp` is this warp's number along x.
  void locateFragments(Value warp);
  /// Registers of inner step `step` in the order of the instructions: four for two strips of rows, two for one of
  /// columns; strips vary faster than halves of k. Raw bits (two bf16, or one f32).
  llvm::SmallVector<Value> fragments(Value stage, int64_t step);

  const StripMap map;

private:
  bool byMatrix() const { return operand.form.alongK || operand.element.isBF16(); }
  int64_t rowBytes() const { return (operand.form.alongK ? tile.depth : size) * product.elementBytes; }
  /// Byte offset to exchange chunks by in `row`.
  Value swizzle(Value row);
  int64_t swizzle(int64_t row) const;
  /// Shared memory at (lane part) xor/plus (constant part): the two have no bits in common.
  Value at(Value stage, Value lanePart, int64_t row, int64_t byte);
  void copyOne(Value from, Value to, Value valid);
  /// The constant parts of copy number `i` of this thread: row and byte in the tile.
  std::pair<int64_t, int64_t> place(int64_t i) const;
  int64_t placeX(int64_t i) const;
  int64_t placeK(int64_t i) const;
  /// Whether what each copy reads exists; one comparison a copy, none of which holds a register through the loop over
  /// k.
  llvm::SmallVector<Value> validCopies(Value firstK, Value endK);

  KernelBuilder &k;
  const MatmulOperand &operand;
  const ProductShape &product;
  const MatmulTile &tile;
  Side side;
  int64_t size, warpSize, base; // x of the block and of a warp
  struct Swizzle {
    int64_t divide, modulo, scale;
  } exchange;

  // Of this thread.
  Value pointer, origin;
  Value copyPlace;                     // its first copy in a stage
  Value copyX, copyK;                  // x and k of its first element, k relative to the tile
  llvm::SmallVector<Value> rowOffsets; // elements from the first copy's row, where x has no single step
  Value fragmentPlace;
};

} // namespace vlp::cuda
