// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the attention kernels share: sizes, the block's place among heads and rows, rows of a head to shared memory and
// back, streams of tiles.
#pragma once

#include "passes/CUDA/Chip.h"
#include "passes/CUDA/Fragments.h"
#include "passes/CUDA/LaunchFunction.h"
#include <functional>

namespace vlp::cuda {

struct AttentionShape {
  explicit AttentionShape(AttentionOp op);
  explicit AttentionShape(AttentionGradOp op);

  mlir::Type element;
  int64_t batch, queries, keys, heads, depth;
  double scale;
  bool causal;
  /// Sums over keys (or queries) are held in registers for a slice of a head's columns; blocks differ in the slice.
  int64_t slices, sliceColumns;

  int64_t pairs() const { return batch * heads; }           // of batch item and head
  int64_t columns() const { return slices * sliceColumns; } // depth with zeros behind it
  int64_t steps() const { return columns() / Fragments::stepOf(element); }
  int64_t pitch() const { return Fragments::pitchOf(columns(), element); }
};

/// How a block is divided: each of `pairs` groups of `warps` warps has one (batch, head) pair, each warp `tiles` tiles
/// of 16 rows.
struct BlockShape {
  int64_t warps = 1, tiles = 1, pairs = 1;

  int64_t groupThreads() const { return warps * kWarp; }
  int64_t threads() const { return pairs * groupThreads(); }
  int64_t rows() const { return warps * tiles * 16; } // of a pair
};

/// How many pairs a block takes whose rows need `warps` warps each: about four warps, and no idle group if that is
/// possible.
int64_t pairsPerBlock(int64_t warps, int64_t pairs);
/// Relative time of a pair's rows in `rowBlocks` blocks, past which tiles of `stream` columns go in `stages` stages.
double blockCost(const Chip &chip, const BlockShape &block, int64_t rowBlocks, int64_t registers, int64_t shared,
                 int64_t stream, int64_t stages);

int64_t roundUp(int64_t x, int64_t step);

/// Rows of one head in global memory: row r is `depth` elements from base + r rowStep on.
struct HeadRows {
  Value pointer, base;
  int64_t rowStep;
  mlir::Type element;
  int64_t alignment; // in elements, of every row's start and of the depth; at most 16 bytes
};

/// Whether `operand` ([B, S, D]) can be read as rows of heads.
bool hasHeadRows(Value operand);

/// Elements of which every row of `operand`'s heads begins and ends at a multiple; at most 16 bytes.
int64_t rowAlignment(Value operand, const AttentionShape &s);

/// How the threads of a group copy `rows` rows to shared memory: `lanes` threads a row, `width` elements each, several
/// rows in a pass.
struct RowCopies {
  RowCopies(const AttentionShape &s, const BlockShape &block, int64_t width, int64_t rows);

  int64_t width;
  int64_t copies; // of a row
  int64_t lanes, rowsAtOnce, passes;
  int64_t written; // passes that the code spells out, the last ones; the others are a loop
};

/// Code of one block.
class AttentionCode {
public:
  /// `rowBlocks` blocks share a pair. With `lastFirst`, those with the last rows start first.
  AttentionCode(LaunchFunction &f, const KernelBody &body, const AttentionShape &shape, const BlockShape &block,
                int64_t rowBlocks, bool lastFirst);

protected:
  HeadRows rowsOf(Value operand);
  /// Where the anchor's result `index` goes, [B, S, D] with S = `rows`: results of their own, or their columns of a
  /// concatenated one.
  llvm::SmallVector<HeadRows> targetsOf(unsigned index, int64_t rows);
  /// Finds the mask, if `mask` is not null.
  void locateMask(Value mask);
  /// What is added to the scaled score of a query and a key; indices past the last read the last.
  Value maskOf(Value query, Value key);
  /// The log-sum-exp of a row as its powers are divided by it: infinity for a row that sees no key, which has minus
  /// infinity.
  Value divisorOf(Value lse);
  /// Index of the lse of query 0 of this pair, and of delta, in a dense [B, H, Sq].
  Value statisticsBase() { return k.mul(pair, s.queries); }

  /// Copies `rows` rows from `first` on to shared memory, zeros beyond `total` and beyond the depth. `inside`: none is
  /// beyond `total`. All threads of the group take part; wait for copies and for the group before reading.
  void copyRows(const HeadRows &from, Value to, Value first, int64_t rows, int64_t total, bool inside);
  /// Sums of rows that go to the same places, times `factor` unless it is null.
  struct Output {
    llvm::SmallVector<HeadRows> targets;
    const TileGrid &sums;
    Value factor;
  };
  /// Stores the warp's rows from `first` on, those below `total`. What lanes exchange they do before the first branch:
  /// the assembler takes a warp for parted behind a branch, and makes calls of shuffles there, across which sums would
  /// have to be saved.
  void storeRows(llvm::ArrayRef<Output> outputs, Value first, int64_t total);

  /// e^(x / powerBase()): bf16 goes by powers of two, whose hardware form is exact enough for it.
  Value power(Value x);
  double powerBase() const { return s.element.isBF16() ? 1.4426950408889634 : 1.0; }

  Value offset(Value pointer, Value bytes) { return k.address(pointer, bytes, k.b.getI8Type()); }
  Value offset(Value pointer, int64_t bytes) { return bytes ? offset(pointer, k.index(bytes)) : pointer; }
  Value rowPointer(Value rows, Value row) { return offset(rows, k.mul(row, s.pitch())); }
  /// `rows` from the slice's first column on.
  Value sliceOf(Value rows) {
    return s.slices == 1 ? rows : offset(rows, k.mul(slice, s.sliceColumns * bytesOf(s.element)));
  }
  /// `value`, so that the assembler does not know it but knows that it is the same in all threads: it unrolls loops of
  /// few rounds even where it is told not to.
  Value unknown(Value value);
  /// Runs `body` where `condition` holds (always if null).
  void guarded(Value condition, llvm::function_ref<void()> body);

  LaunchFunction &f;
  KernelBuilder &k;
  const KernelBody &body;
  const AttentionShape &s;
  const BlockShape block;
  Fragments fragments;
  llvm::SmallVector<ColumnGroup> groups; // of a slice
  Value rowBlock, slice;                 // of the block
  Value group, warp, thread;             // pair's place in the block; warp and thread in the group
  Value active;                          // whether the group has a pair of its own; null if all have
  Value pair, batch, head;
  std::optional<Access> mask;
  Value maskPointer, maskBase; // of this pair
  Value quadRow, quadColumn;   // lane / 4, 2 (lane % 4): place in a tile

private:
  struct Chunk { // consecutive columns of one row in a lane
    Value column;
    llvm::SmallVector<Value> values;
  };
  llvm::SmallVector<Chunk> chunksOf(llvm::ArrayRef<Tile> sums, int64_t half, Value factor, bool exchange);
  void storeChunk(const Chunk &chunk, const HeadRows &target, Value row);
};

/// Tiles that travel through shared memory one after the other. With two stages the next tile is on its way while one
/// is worked on.
class TileStream {
public:
  using Copy = std::function<void(Value tile, Value stage)>;
  /// `copy` issues the copies of a tile into a stage at `start`, of `stageBytes` bytes. Tiles from `end` on do not
  /// exist.
  TileStream(KernelBuilder &k, int64_t stages, Value start, int64_t stageBytes, Value end, Copy copy)
      : k(k), stages(stages), start(start), stageBytes(stageBytes), end(end), copy(std::move(copy)) {}

  /// Before the first `enter`: starts tile `first`, in one group with all copies issued so far.
  void begin(Value first);
  /// Where `tile` is once entered, until the next one but `stages` is.
  Value stageOf(Value tile);
  /// Waits for `tile` and starts the next one; returns the tile's stage. All threads of the block take part, for every
  /// tile from the first on. `isFirst`: it is known to be the first.
  Value enter(Value tile, bool isFirst = false);

private:
  KernelBuilder &k;
  int64_t stages;
  Value start;
  int64_t stageBytes;
  Value end;
  Copy copy;
};

} // namespace vlp::cuda
