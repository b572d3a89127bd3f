// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operands of tensor-core products in registers, read from matrices that lie row by row in shared memory, for bf16 and
// for f32 alike.
#pragma once

#include "passes/CUDA/KernelBuilder.h"

namespace vlp::cuda {

/// Registers of one operand: bf16 as the instruction takes it; f32 as the instruction's registers for the tf32 parts of
/// the elements, followed by those for the tf32 parts of the remainders.
using Operand = llvm::SmallVector<Value, 8>;
/// 16 rows by 8 columns of f32 sums: of lane l the elements (l / 4, c), (l / 4, c + 1), (l / 4 + 8, c), (l / 4 + 8, c +
/// 1), c = 2 (l % 4).
using Tile = llvm::SmallVector<Value, 4>;
/// Tiles by row of tiles.
using TileGrid = llvm::SmallVector<llvm::SmallVector<Tile, 8>, 2>;

/// All values of `grid`, and back: takes the first ones of `values` away.
void appendTiles(llvm::SmallVectorImpl<Value> &values, const TileGrid &grid);
void takeTiles(mlir::ValueRange &values, TileGrid &grid);

/// Neighbouring tiles of columns that are read together. Within a group of f32, column n of tile j is column `tiles` n
/// + j of the matrix behind `first`: so a lane reads, and in sums has, consecutive elements.
struct ColumnGroup {
  int64_t first, tiles;
};

/// All matrices of a kernel have one pitch in bytes, an odd multiple of 16: the rows that one access touches then lie
/// in different banks.
class Fragments {
public:
  Fragments(KernelBuilder &k, mlir::Type element, int64_t pitch);

  static int64_t pitchOf(int64_t columns, mlir::Type element);
  /// Bytes of a row that one product takes: 16 bf16 or 8 f32.
  static constexpr int64_t kStepBytes = 32;
  /// Elements of the inner dimension that one product takes.
  static int64_t stepOf(mlir::Type element) { return kStepBytes / bytesOf(element); }
  /// `columns`, a multiple of stepOf, in groups.
  static llvm::SmallVector<ColumnGroup> groupsOf(int64_t columns, mlir::Type element);

  // `rows` points to the first of 16 rows in shared memory, `offset` is a constant number of bytes behind it.
  /// 16 rows of the left operand, inner dimension along the row.
  Operand left(Value rows, int64_t offset);
  /// 16 columns of the right operand, two tiles; a column is a row of the matrix in memory.
  std::pair<Operand, Operand> right(Value rows, int64_t offset);
  /// A group of tiles of the right operand, whose inner dimension runs over rows in memory. f32: in the order of
  /// leftOf.
  llvm::SmallVector<Operand> columns(Value rows, int64_t offset, const ColumnGroup &group);
  /// Inner step number `step` of a left operand that is in registers as sums. f32: inner elements 2t and 2t + 1 take
  /// the places of t and t + 4, so no element changes its lane.
  Operand leftOf(llvm::ArrayRef<Tile> tiles, int64_t step);

  /// sum += left right. f32 in three products of tf32 (error about 2^-22 of the operands' products).
  void multiply(Tile &sum, const Operand &left, const Operand &right);

  Tile zeroTile() { return Tile(4, k.constant(0)); }
  TileGrid zeros(int64_t rows, int64_t columns);
  /// sums = a b^T over `steps` inner steps: rows of `a` against rows of `b`.
  TileGrid multiplyRows(Value a, Value b, int64_t rowTiles, int64_t columnTiles, int64_t steps);
  /// sums += p b, the inner dimension being the columns of `p` and the rows of `b`.
  void accumulate(TileGrid &sums, const TileGrid &p, Value b, llvm::ArrayRef<ColumnGroup> groups);

private:
  bool isBF16() const { return element.isBF16(); }
  Operand split(llvm::ArrayRef<Value> bits);
  Value at(Value rows, Value laneOffset, int64_t offset);

  KernelBuilder &k;
  mlir::Type element;
  int64_t pitch;
  Value leftOffset, rightOffset, pairRow, group; // bytes of this lane; row of a pair of f32; lane / 4
};

} // namespace vlp::cuda
