// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows of heads between global memory, shared memory and registers.
#include "passes/CUDA/AttentionTiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Kernels/VectorMath.h"
#include <numeric>

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

int64_t cuda::roundUp(int64_t x, int64_t step) { return ceilDiv(x, step) * step; }

template <typename OpTy>
static void initialise(AttentionShape &s, OpTy op, int64_t mostColumns) {
  RankedTensorType query = op.getQuery().getType();
  s.element = query.getElementType();
  s.batch = query.getDimSize(0);
  s.queries = query.getDimSize(1);
  s.keys = op.getKey().getType().getDimSize(1);
  s.heads = op.getHeads();
  s.depth = query.getDimSize(2) / s.heads;
  s.scale = op.getScale().convertToDouble();
  s.causal = op.getCausal();
  s.slices = ceilDiv(s.depth, mostColumns);
  s.sliceColumns = roundUp(ceilDiv(s.depth, s.slices), Fragments::stepOf(s.element));
}

AttentionShape::AttentionShape(AttentionOp op) { initialise(*this, op, 128); }

// The keys' and the values' gradients are summed side by side, and splitting f32 needs registers, too.
AttentionShape::AttentionShape(AttentionGradOp op) {
  initialise(*this, op, cast<RankedTensorType>(op.getQuery().getType()).getElementType().isBF16() ? 128 : 96);
}

int64_t cuda::pairsPerBlock(int64_t warps, int64_t pairs) {
  int64_t most = std::min(pairs, std::max<int64_t>(1, 4 / warps));
  for (int64_t count = most; 2 * count > most; --count)
    if (pairs % count == 0)
      return count;
  return most;
}

double cuda::blockCost(const Chip &chip, const BlockShape &block, int64_t rowBlocks, int64_t registers, int64_t shared,
                       int64_t stream, int64_t stages) {
  // Each block reads all of the other side: about the work of one warp more. Eight warps keep a multiprocessor busy. A
  // tile begins with a barrier, and, in a single stage, with waiting for memory.
  int64_t resident = residentBlocks(chip, block.threads(), registers, shared) * block.warps * block.pairs;
  double work = static_cast<double>(rowBlocks * (block.warps + 1)) / std::clamp<int64_t>(resident, 1, 8);
  return work * (1 + 8.0 / stream) * (stages == 1 ? 1.25 : 1);
}

/// The largest power of two up to 16 bytes that divides all of `elements`.
static int64_t commonAlignment(ArrayRef<int64_t> elements, Type element) {
  int64_t divisor = kVectorBytes / bytesOf(element);
  for (int64_t value : elements)
    divisor = std::gcd(divisor, value);
  return divisor;
}

int64_t cuda::rowAlignment(Value operand, const AttentionShape &s) {
  Access access = *inputAccess(operand);
  int64_t batchStep = access.shape[0] > 1 ? access.strides[0] : 0;
  int64_t rowStep = access.shape[1] > 1 ? access.strides[1] : 0;
  return commonAlignment({access.offset, batchStep, rowStep, s.depth},
                         cast<RankedTensorType>(operand.getType()).getElementType());
}

RowCopies::RowCopies(const AttentionShape &s, const BlockShape &block, int64_t width, int64_t rows)
    : width(width), copies(s.columns() / width), lanes(std::min(copies, block.groupThreads())),
      rowsAtOnce(block.groupThreads() / lanes), passes(ceilDiv(rows, rowsAtOnce)),
      written(passes * ceilDiv(copies, lanes) <= 16 ? passes : 1) {}

bool cuda::hasHeadRows(Value operand) {
  std::optional<Access> access = inputAccess(operand);
  return access && access->rank() == 3 && (access->shape[2] == 1 || access->strides[2] == 1);
}

AttentionCode::AttentionCode(LaunchFunction &f, const KernelBody &body, const AttentionShape &shape,
                             const BlockShape &block, int64_t rowBlocks, bool lastFirst)
    : f(f), k(f.k), body(body), s(shape), block(block), fragments(f.k, shape.element, shape.pitch()),
      groups(Fragments::groupsOf(shape.sliceColumns, shape.element)) {
  slice = k.rem(k.block, s.slices);
  Value rest = k.div(k.block, s.slices);
  rowBlock = k.rem(rest, rowBlocks);
  if (lastFirst && rowBlocks > 1)
    rowBlock = k.sub(k.index(rowBlocks - 1), rowBlock);
  group = k.index(0);
  // From one lane, so that the assembler knows that branches on it do not part a warp: it turns shuffles behind those
  // into calls.
  warp = k.shuffle(k.warp(), k.index(0));
  thread = k.thread;
  if (block.pairs > 1) {
    group = k.div(warp, block.warps);
    warp = k.rem(warp, block.warps);
    thread = k.rem(thread, block.groupThreads());
  }
  pair = k.add(k.mul(k.div(rest, rowBlocks), block.pairs), group);
  if (s.pairs() % block.pairs) { // an idle group repeats the last pair and stores nothing
    active = k.less(pair, s.pairs());
    pair = k.min(pair, k.index(s.pairs() - 1));
  }
  batch = k.div(pair, s.heads);
  head = k.rem(pair, s.heads);
  quadRow = k.shiftRight(k.lane(), 2);
  quadColumn = k.mul(k.bitAnd(k.lane(), 3), 2);
}

HeadRows AttentionCode::rowsOf(Value operand) {
  Access access = *inputAccess(operand);
  Type element = cast<RankedTensorType>(operand.getType()).getElementType();
  Value base = k.add(k.add(k.mul(batch, access.strides[0]), k.mul(head, s.depth)), access.offset);
  int64_t rowStep = access.shape[1] > 1 ? access.strides[1] : 0;
  return {f.source(access), base, rowStep, element, rowAlignment(operand, s)};
}

void AttentionCode::locateMask(Value operand) {
  if (!operand)
    return;
  mask = *inputAccess(operand);
  maskPointer = f.source(*mask);
  auto step = [&](unsigned dimension) { return mask->shape[dimension] == 1 ? 0 : mask->strides[dimension]; };
  maskBase = k.add(k.add(k.mul(batch, step(0)), k.mul(head, step(1))), mask->offset);
}

Value AttentionCode::maskOf(Value query, Value key) {
  Value at = k.add(maskBase, k.mul(k.min(key, k.index(s.keys - 1)), mask->strides[3]));
  if (mask->shape[2] > 1)
    at = k.add(at, k.mul(k.min(query, k.index(s.queries - 1)), mask->strides[2]));
  return k.loadF32(maskPointer, at);
}

Value AttentionCode::divisorOf(Value lse) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Value isLowest = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, lse, k.constant(-kInfinity));
  return k.select(isLowest, k.constant(kInfinity), lse);
}

SmallVector<HeadRows> AttentionCode::targetsOf(unsigned index, int64_t rows) {
  SmallVector<HeadRows> targets;
  Value wanted = body.anchor->getResult(index);
  for (auto [y, yield] : llvm::enumerate(body.yields)) {
    auto concat = yield.getDefiningOp<ConcatOp>();
    SmallVector<Value> pieces = concat ? SmallVector<Value>(concat.getInputs()) : SmallVector<Value>{yield};
    int64_t pitch = columnsOf(body.shape(yield)), column = 0;
    for (Value piece : pieces) {
      if (piece == wanted) {
        Type element = cast<RankedTensorType>(yield.getType()).getElementType();
        Value base = k.add(k.add(k.mul(batch, rows * pitch), k.mul(head, s.depth)), column);
        targets.push_back({f.result(y), base, pitch, element, commonAlignment({column, pitch, s.depth}, element)});
      }
      column += columnsOf(body.shape(piece));
    }
  }
  return targets;
}

Value AttentionCode::power(Value x) { return s.element.isBF16() ? k.exp2(x) : math::exp(k, x); }

Value AttentionCode::unknown(Value value) {
  // Arguments are aligned, so their lowest bit is zero.
  Value address = LLVM::PtrToIntOp::create(k.b, k.b.getI64Type(), k.pointers[0]);
  Value low = arith::TruncIOp::create(k.b, k.i32Type(), address);
  return k.add(value, k.bitAnd(low, 1));
}

void AttentionCode::guarded(Value condition, llvm::function_ref<void()> body) {
  if (condition)
    k.when(condition, body);
  else
    body();
}

void AttentionCode::copyRows(const HeadRows &from, Value to, Value first, int64_t rows, int64_t total, bool inside) {
  RowCopies plan(s, block, from.alignment, rows);
  auto [width, copies, lanes, rowsAtOnce, passes, written] = plan;
  int64_t bytes = width * bytesOf(from.element); // of one copy
  Value row = k.div(thread, lanes), column = k.mul(k.rem(thread, lanes), width);
  auto copy = [&](Value row, Value column, bool pastColumns) {
    Value source =
        k.address(from.pointer, k.add(k.add(from.base, k.mul(k.add(first, row), from.rowStep)), column), from.element);
    Value target = k.address(rowPointer(to, row), column, from.element);
    Value exists = inside ? Value() : k.less(k.add(first, row), total);
    if (pastColumns)
      exists = k.both(exists, k.less(column, s.depth));
    if (bytes >= 4)
      return k.copyAsync(target, source, bytes, exists);
    // One element, by its bits: as a bf16 that passes a branch it would be widened and rounded again.
    Type word = k.b.getI16Type();
    Value zero = arith::ConstantOp::create(k.b, k.b.getZeroAttr(word));
    auto read = [&] { return SmallVector<Value>{k.rawLoad(source, k.index(0), word, bytes)}; };
    Value bits = exists ? k.choose(exists, read, [&] { return SmallVector<Value>{zero}; })[0] : read()[0];
    k.rawStore(bits, target, k.index(0), bytes);
  };
  auto pass = [&](Value firstOfPass, bool last) {
    Value r = k.add(firstOfPass, row);
    Value takesPart = rowsAtOnce * lanes < block.groupThreads() ? k.less(row, rowsAtOnce) : Value();
    if (last && rows % rowsAtOnce)
      takesPart = k.both(takesPart, k.less(r, rows));
    guarded(takesPart, [&] {
      for (int64_t c = 0; c < copies; c += lanes) {
        Value at = k.add(column, c * width);
        bool past = (c + lanes) * width > s.depth;
        if (c + lanes <= copies)
          copy(r, at, past);
        else
          k.when(k.less(at, s.columns()), [&] { copy(r, at, past); });
      }
    });
  };
  if (written < passes)
    k.loop(0, (passes - 1) * rowsAtOnce, rowsAtOnce, [&](Value firstOfPass) { pass(firstOfPass, false); });
  for (int64_t p = passes - written; p < passes; ++p)
    pass(k.index(p * rowsAtOnce), p + 1 == passes);
}

/// The values of row quadRow + 8 half in this lane. With `exchange`, neighbours in a bf16 pair of tiles swap halves, so
/// that the even lane has four columns of the first tile and the odd one four of the second: a quad then fills 32 bytes
/// at once.
SmallVector<AttentionCode::Chunk> AttentionCode::chunksOf(ArrayRef<Tile> sums, int64_t half, Value factor,
                                                          bool exchange) {
  auto value = [&](int64_t tile, int64_t e) {
    Value x = sums[tile][2 * half + e];
    return factor ? k.mulf(x, factor) : x;
  };
  SmallVector<Chunk> chunks;
  Value odd = k.equal(k.bitAnd(k.lane(), 1), k.index(1));
  for (const ColumnGroup &g : groups) {
    int64_t t = g.first / 8;
    Value start = k.add(k.mul(slice, s.sliceColumns), g.first);
    if (!s.element.isBF16()) {
      Chunk chunk{k.add(start, k.mul(quadColumn, g.tiles)), {}};
      for (int64_t e = 0; e < 2; ++e)
        for (int64_t j = 0; j < g.tiles; ++j)
          chunk.values.push_back(value(t + j, e));
      chunks.push_back(std::move(chunk));
    } else if (!exchange) {
      for (int64_t j = 0; j < 2; ++j)
        chunks.push_back({k.add(k.add(start, 8 * j), quadColumn), {value(t + j, 0), value(t + j, 1)}});
    } else {
      Value even[] = {value(t, 0), value(t, 1)}, next[] = {value(t + 1, 0), value(t + 1, 1)};
      Value first = k.packBF16(even[0], even[1]), second = k.packBF16(next[0], next[1]);
      Value given = k.shuffleXor(k.select(odd, first, second), 1);
      Value column = k.select(odd, k.add(quadColumn, 6), quadColumn);
      chunks.push_back({k.add(start, column), {k.select(odd, given, first), k.select(odd, second, given)}});
    }
  }
  return chunks;
}

void AttentionCode::storeChunk(const Chunk &chunk, const HeadRows &target, Value row) {
  Value at = k.add(k.add(target.base, k.mul(row, target.rowStep)), chunk.column);
  bool packed = chunk.values[0].getType().isInteger();
  int64_t count = chunk.values.size(), perValue = packed ? 2 : 1;
  int64_t width = std::min(target.alignment / perValue, count); // values of one store
  if (!packed)
    width = std::min<int64_t>(width, kVectorBytes / 4);
  for (int64_t v = 0; v < count; v += width) {
    ArrayRef<Value> part = ArrayRef<Value>(chunk.values).slice(v, width);
    Value value = part[0];
    if (width > 1)
      value = vector::FromElementsOp::create(k.b, VectorType::get({width}, part[0].getType()), ValueRange(part));
    Value index = k.add(at, v * perValue);
    bool past = s.columns() > s.depth;
    guarded(past ? k.less(k.add(chunk.column, v * perValue), s.depth) : Value(), [&] {
      if (packed)
        k.rawStore(value, k.address(target.pointer, index, target.element), k.index(0), width * 4);
      else
        k.store(value, target.pointer, index, target.element, width * bytesOf(target.element));
    });
  }
}

void AttentionCode::storeRows(ArrayRef<Output> outputs, Value first, int64_t total) {
  struct HalfTile { // of 16 rows, for one output
    const Output *output;
    Value row;
    SmallVector<Chunk> chunks;
  };
  SmallVector<SmallVector<HalfTile>> halves(2 * block.tiles);
  for (int64_t half = 0; half < 2 * block.tiles; ++half)
    for (const Output &output : outputs) {
      bool exchange = s.element.isBF16() &&
                      llvm::all_of(output.targets, [](const HeadRows &target) { return target.alignment >= 4; });
      Value row = k.add(k.add(first, quadRow), 8 * half);
      halves[half].push_back({&output, row, chunksOf(output.sums[half / 2], half % 2, output.factor, exchange)});
    }
  for (const auto &ofRow : halves)
    k.when(k.both(k.less(ofRow.front().row, total), active), [&] {
      for (const HalfTile &item : ofRow)
        for (const HeadRows &target : item.output->targets)
          for (const Chunk &chunk : item.chunks)
            storeChunk(chunk, target, item.row);
    });
}

Value TileStream::stageOf(Value tile) {
  Value offset = stages == 1 ? k.index(0) : k.mul(k.bitAnd(tile, 1), stageBytes);
  return k.address(start, offset, k.b.getI8Type());
}

void TileStream::begin(Value first) {
  if (stages > 1) {
    copy(first, stageOf(first));
    k.commitCopies();
  }
}

Value TileStream::enter(Value tile, bool isFirst) {
  Value stage = stageOf(tile);
  if (stages == 1) {
    if (!isFirst)
      k.barrier(); // the tile before is no longer read
    copy(tile, stage);
    k.commitCopies();
    k.waitCopies(0);
    k.barrier();
    return stage;
  }
  k.waitCopies(0);
  k.barrier(); // everyone's part of this tile is there, and the tile before is no longer read
  Value next = k.add(tile, 1);
  k.when(k.less(next, end), [&] { copy(next, stageOf(next)); });
  k.commitCopies();
  return stage;
}
