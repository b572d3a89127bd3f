// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the launches of a matrix product with an epilogue go about it: its tile, the layout of sums in registers, and how
// results leave them.
#pragma once

#include "passes/CUDA/Expression.h"
#include "passes/CUDA/MatmulOperand.h"
#include "passes/Kernels/KernelBody.h"

namespace vlp::cuda {

/// The tile that the target asks for, if the product can have it; else none, and why.
std::optional<MatmulTile> getAskedTile(const ProductShape &shape, const TargetInfo &target, std::string &why);
/// That one, or the one chosen for the product's shape.
MatmulTile getTile(const ProductShape &shape, const TargetInfo &target);

/// The sum of the rows of the product's left operand, which a merged kernel has besides; null in others.
ReduceSumOp findRowSum(const KernelBody &body);
/// Whether it is one: of all of the transposed left operand, over all dimensions but the last.
bool isRowSum(ReduceSumOp sum, mlir::Operation *product);

struct MatmulScheme {
  MatmulScheme(const KernelBody &body, const TargetInfo &target);

  MatmulProduct product;
  /// Sums the rows of the left operand (see vlp-merge-bias-gradients); null: nothing does.
  ReduceSumOp rowSum;
  MatmulTile tile;
  StripMap rowMap, columnMap;
  int64_t widest; ///< bytes of the widest element that is stored
  /// Whether the epilogue is a few sums and products, and whether results go through shared memory.
  bool light, staged;
  int64_t width; ///< of the epilogue's points where they are no runs of columns in registers

  bool splitsK() const { return tile.splits > 1; }
  bool rowTail() const { return product.shape.m % tile.rows != 0; }
  bool columnTail() const { return product.shape.n % tile.columns != 0; }
  /// Columns of the buffer of parts: vectors of four fit into every row.
  int64_t partPitch() const { return llvm::alignTo(product.shape.n, 4); }
  int64_t partBytes() const { return tile.splits * product.shape.m * partPitch() * 4; }
  /// Points of `width` elements whose loads a thread has under way at a time: 128 bytes, or less where there is work
  /// enough to wait with.
  int64_t inFlight(int64_t width) const { return std::max<int64_t>(1, (light ? 128 / widest : 8) / width); }
  /// Points of an epilogue by rows that a thread evaluates at a time: several only where all exist.
  int64_t together() const;
  /// Runs of neighbouring columns of which a thread has the sums.
  int64_t runs() const { return tile.warpRows / 8 * (tile.warpColumns / 4 / columnMap.run()); }
  /// Of the first launch.
  TileInstructions instructions(const KernelBody &body) const;

private:
  bool readsSumsOnly(const KernelBody &body) const;
  bool fillsSectors(const KernelBody &body) const;
  bool isLight(const KernelBody &body) const;
  bool belongsToRowSum(mlir::Operation &op) const;
};

} // namespace vlp::cuda
