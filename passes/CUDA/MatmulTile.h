// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a matrix product is cut up for a GPU: tiles of blocks and warps, stages of shared memory, parts of the sum. All
// of it follows from the product's shape and the chip.
#pragma once

#include "passes/CUDA/Chip.h"
#include "passes/Kernels/TileInstructions.h"
#include <cstdint>
#include <optional>
#include <string>

namespace vlp::cuda {

/// How an operand lies in memory, as copies to shared memory see it.
struct OperandForm {
  /// Whether neighbours in memory differ in k; else they differ in m or n.
  bool alongK = true;
  /// Bytes of one copy: 16, 8 or 4 by cp.async, or 2 through a register.
  int64_t copyBytes = 16;
  /// No one step leads from row to row: each copy of a thread has an offset of its own.
  bool scattered = false;
};

/// C[m, n] = sum over k of A(m, k) B(k, n).
struct ProductShape {
  int64_t m, n, k;
  /// 2: bf16; 4: f32, in three products of tf32.
  int64_t elementBytes;
  OperandForm a, b;
  /// The sums of A's rows are wanted, too.
  bool sumsRows = false;

  bool isF32() const { return elementBytes == 4; }
  /// Elements of k that one tensor-core instruction takes: m16n8k16 for bf16, m16n8k8 for tf32. 32 bytes of each
  /// operand's row.
  int64_t stepK() const { return 32 / elementBytes; }
};

struct MatmulTile {
  // Of a block.
  int64_t rows, columns, depth;
  // Of a warp.
  int64_t warpRows, warpColumns;
  /// Buffers in shared memory. All but one are being filled while one is used; with a single one k is one tile deep.
  int64_t stages = 3;
  /// Parts of the sum over k, each with blocks of its own; a second launch adds them in order.
  int64_t splits = 1;

  /// Sums of A's rows that a thread has: a product with ones, which gives each four times.
  int64_t rowSums(const ProductShape &p) const { return p.sumsRows ? warpRows / 16 * 4 : 0; }
  int64_t warps() const { return rows / warpRows * (columns / warpColumns); }
  int64_t threads() const { return warps() * 32; }
  /// Bytes of the operands' tiles in one stage.
  int64_t stageBytes(const ProductShape &p) const { return (rows + columns) * depth * p.elementBytes; }
  /// Copies of each thread for one tile of an operand of `size` (rows or columns) and `form`.
  int64_t copies(const ProductShape &p, const OperandForm &form, int64_t size) const {
    return size * depth * p.elementBytes / (form.copyBytes * threads());
  }
  int64_t blocks(const ProductShape &p) const;
  /// Tiles along k of each part; the last part may have fewer.
  int64_t depthTiles(const ProductShape &p) const;
  /// "128x128x64,64x32,3,1": block, warp, stages, splits.
  std::string text() const;
};

/// Bytes of shared memory in which a block lays out its sums for an epilogue by rows, and the floats between two rows.
/// `run`: neighbouring columns that a thread holds (MatmulOperand.h); the pitch keeps its vector stores free of bank
/// conflicts.
int64_t stagingPitch(const MatmulTile &tile, int64_t run);
inline int64_t stagingBytes(const MatmulTile &tile, int64_t run) { return tile.rows * stagingPitch(tile, run) * 4; }

/// Dynamic shared memory of a block: stages and, in the same place, the sums (the widest layout of them).
int64_t sharedBytes(const ProductShape &p, const MatmulTile &tile);

/// Whether the code for `tile` can be emitted and run on `chip`; else `why` says what is wrong.
bool isValidTile(const ProductShape &p, const MatmulTile &tile, const Chip &chip, std::string &why);

/// A tile as text, for messages.
inline constexpr llvm::StringLiteral kTileExample = "128x128x64,64x32,3,1 (block, warp, stages, splits)";
/// Reads MatmulTile::text().
std::optional<MatmulTile> parseTile(llvm::StringRef text);

/// The valid tile whose estimated time (in clocks) is least: waves of blocks over the chip, blocks resident on a
/// multiprocessor, and for one tile of k the longest of the times that tensor cores, shared memory, L2, integer units
/// and latency ask for, with a share of the others; what the parts of a split sum cost on top. The same for the same
/// product and chip.
MatmulTile chooseTile(const ProductShape &p, const Chip &chip);
double estimateClocks(const ProductShape &p, const MatmulTile &tile, const Chip &chip);

/// Instructions of the first launch, but for its epilogue: accesses to global memory are left unset.
TileInstructions countInstructions(const ProductShape &p, const MatmulTile &tile);

} // namespace vlp::cuda
