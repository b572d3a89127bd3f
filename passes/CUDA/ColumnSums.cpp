// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of columns by a block: registers, then a tree in shared memory.
#include "passes/CUDA/ColumnSums.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Kernels/KernelBody.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

/// Reads of a thread that are under way at once.
static constexpr int64_t kUnroll = 4;
static constexpr int64_t kThreads = 256;
/// Lines of a block where the columns fill it sideways: a warp each.
static constexpr int64_t kLines = kThreads / kWarp;
/// Blocks that keep every multiprocessor of the larger chips (132, 142) busy with several.
static constexpr int64_t kManyBlocks = 512;
/// Terms that a thread adds at least before its sum becomes a partial one.
static constexpr int64_t kLeastTerms = 8;

int64_t ColumnTile::columnBlocks() const { return ceilDiv(columns, width * columnLanes); }

static int64_t powerOfTwo(int64_t atLeast) {
  return static_cast<int64_t>(llvm::PowerOf2Ceil(std::max<int64_t>(atLeast, 1)));
}

ColumnTile cuda::chooseColumnTile(int64_t matrices, int64_t terms, int64_t columns, int64_t width, bool mayCut) {
  ColumnTile tile;
  tile.columns = columns;
  tile.terms = terms;
  tile.width = width;
  int64_t vectors = powerOfTwo(ceilDiv(columns, width)), lines = powerOfTwo(terms);
  tile.columnLanes = std::min(vectors, kThreads / std::min(lines, kLines));
  tile.termLanes = std::min(lines, kThreads / tile.columnLanes);
  while (tile.threads() < kWarp) // whole warps; the lanes beyond have no terms
    tile.termLanes *= 2;
  int64_t blocks = matrices * tile.columnBlocks();
  if (mayCut && blocks < kManyBlocks)
    tile.chunks = std::clamp<int64_t>(ceilDiv(kManyBlocks, blocks), 1,
                                      std::max<int64_t>(1, terms / (tile.termLanes * kLeastTerms)));
  tile.chunkTerms = ceilDiv(terms, tile.chunks);
  tile.chunks = ceilDiv(terms, tile.chunkTerms);
  return tile;
}

Value cuda::sumStrided(KernelBuilder &k, Value from, Value to, int64_t step, Value sum,
                       llvm::function_ref<Value(Value)> read) {
  // Signed arithmetic: `from` may lie beyond `to`.
  Value groups = k.div(k.max(k.sub(k.add(to, step - 1), from), k.index(0)), step * kUnroll);
  sum = k.loop(k.index(0), groups, 1, sum, [&](Value group, ValueRange in) {
    Value first = k.add(from, k.mul(group, step * kUnroll)), next = in[0];
    SmallVector<Value> terms;
    for (int64_t i = 0; i < kUnroll; ++i)
      terms.push_back(read(k.add(first, i * step)));
    for (Value term : terms)
      next = k.addf(next, term);
    return SmallVector<Value>{next};
  })[0];
  return k.loop(k.add(from, k.mul(groups, step * kUnroll)), to, step, sum,
                [&](Value at, ValueRange in) { return SmallVector<Value>{k.addf(in[0], read(at))}; })[0];
}

void cuda::sumColumns(KernelBuilder &k, const ColumnTile &tile, Value columnBlock, Value chunk,
                      llvm::function_ref<Value(Value, Value)> read, llvm::function_ref<void(Value, Value)> store) {
  Value columnLane = k.bitAnd(k.thread, tile.columnLanes - 1), line = k.div(k.thread, tile.columnLanes);
  Value column = k.mul(k.add(k.mul(columnBlock, tile.columnLanes), columnLane), tile.width);
  Value inside = tile.columns % (tile.columnLanes * tile.width) == 0 ? Value() : k.less(column, tile.columns);
  Value from = k.mul(chunk, tile.chunkTerms);
  Value to = k.min(k.add(from, tile.chunkTerms), k.index(tile.terms));
  Type type = tile.width == 1 ? k.f32Type() : Type(VectorType::get({tile.width}, k.f32Type()));
  Value zero = arith::ConstantOp::create(k.b, k.b.getZeroAttr(type));
  auto own = [&] {
    return SmallVector<Value>{
        sumStrided(k, k.add(from, line), to, tile.termLanes, zero, [&](Value term) { return read(term, column); })};
  };
  Value sum = inside ? k.choose(inside, own, [&] { return SmallVector<Value>{zero}; })[0] : own()[0];
  Value place = k.mul(k.thread, tile.width), scratch = tile.termLanes > 1 ? k.shared(0) : Value();
  int64_t alignment = tile.width * 4;
  // Lines in the upper half hand their sums to the lower half, until one is left.
  for (int64_t half = tile.termLanes / 2; half >= 1; half /= 2) {
    Value isLower = k.less(line, half), isUpper = k.both(k.less(line, 2 * half), k.less(k.index(half - 1), line));
    k.when(isUpper, [&] { k.rawStore(sum, scratch, place, alignment); });
    k.barrier();
    sum = k.choose(
        isLower,
        [&] {
          Value other = k.rawLoad(scratch, k.add(place, half * tile.columnLanes * tile.width), type, alignment);
          return SmallVector<Value>{k.addf(sum, other)};
        },
        [&] { return SmallVector<Value>{sum}; })[0];
  }
  Value isOwner = tile.termLanes > 1 ? k.equal(line, k.index(0)) : Value();
  Value condition = isOwner && inside ? k.both(isOwner, inside) : isOwner ? isOwner : inside;
  auto storeSum = [&] { store(column, sum); };
  condition ? k.when(condition, storeSum) : storeSum();
}
