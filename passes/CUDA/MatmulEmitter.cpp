// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matrix products in their three training forms (forward X W^T, input gradient dY W, weight gradient dY^T X) with an
// epilogue, on tensor cores: bf16, or f32 in three products of tf32.
//
// A block computes one tile of the result. Tiles of the operands flow through several stages of shared memory: in each
// step of the loop over k one is multiplied while the next ones are on their way, with one barrier a step. The epilogue
// works on the sums in registers where it is light and four neighbouring threads fill whole 32-byte sectors; else the
// block lays its sums out in shared memory and walks over them by rows, in a short loop. Where blocks would be too few
// for the chip, the sum over k is split: each part goes to memory, and a second launch adds the parts in order and runs
// the epilogue.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/LaunchFunction.h"
#include "passes/CUDA/MatmulScheme.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

/// What both launches do with sums: bias, rounding, epilogue, results.
class Results {
public:
  Results(LaunchFunction &f, const KernelBody &body, const MatmulProduct &product)
      : shape(body.shape(product.op->getResult(0))), f(f), k(f.k), body(body), product(product),
        yields(body.yieldsOf(0)) {}

  /// The bias at a point, null if there is none.
  Value bias(const Point &point) {
    if (!product.bias)
      return {};
    int64_t width = std::min(point.width, kVectorBytes / bytesOf(elementOf(product.bias)));
    SmallVector<Value> elements;
    for (int64_t i = 0; i < point.width; i += width) {
      Point part{point.shape, point.row, k.add(point.column, i), width, {}};
      f.expression.start();
      Value values = f.expression.evaluate(product.bias, part);
      if (width == point.width)
        return values;
      for (int64_t j = 0; j < width; ++j)
        elements.push_back(vector::ExtractOp::create(k.b, values, ArrayRef<int64_t>{j}));
    }
    return vector::FromElementsOp::create(k.b, VectorType::get({point.width}, k.f32Type()), elements);
  }

  /// The results at a point. To be stored when all of several points are evaluated: their loads are under way together
  /// then, where a store would have the next load wait for its own. At one point results may lie in place of inputs.
  SmallVector<Value> evaluate(Point point, Value sums, Value bias) {
    Value value = bias ? k.addf(sums, bias) : sums;
    Value result = product.op->getResult(0);
    if (elementOf(result).isBF16()) {
      Value rounded = arith::TruncFOp::create(k.b, k.typeLike(value, elementOf(result)), value);
      value = arith::ExtFOp::create(k.b, value.getType(), rounded);
    }
    f.expression.start({{result, value}});
    SmallVector<Value> values;
    for (unsigned i : yields)
      values.push_back(f.expression.evaluate(body.yields[i], point));
    return values;
  }

  void store(Point point, ArrayRef<Value> values) {
    Value offset = denseOffset(k, point);
    for (auto [i, value] : llvm::zip_equal(yields, values)) {
      Type element = elementOf(body.yields[i]);
      k.store(value, f.result(i), offset, element, point.width * bytesOf(element));
    }
  }

  /// The sum of row `row` of the left operand, with its own epilogue.
  void storeRowSum(ReduceSumOp op, Value row, Value sum) {
    f.storeYields({body.shape(op.getResult()), k.index(0), row, 1, {}}, {{op.getResult(), sum}},
                  body.yieldsFrom(op.getResult()));
  }

  ArrayRef<int64_t> shape;

private:
  LaunchFunction &f;
  KernelBuilder &k;
  const KernelBody &body;
  const MatmulProduct &product;
  SmallVector<unsigned> yields;
};

/// The first launch: products of tiles.
class Products {
public:
  Products(LaunchFunction &f, const KernelBody &body, const MatmulScheme &scheme)
      : f(f), k(f.k), s(scheme), p(scheme.product.shape), tile(scheme.tile),
        a(k, scheme.product.a, p, tile, OperandTile::Side::Rows, scheme.rowMap, 0),
        b(k, scheme.product.b, p, tile, OperandTile::Side::Columns, scheme.columnMap,
          tile.rows * tile.depth * p.elementBytes),
        results(f, body, scheme.product) {}

  void emit() {
    locate();
    SmallVector<Value> sums = tile.stages == 1 ? emitSingleTile() : emitLoop();
    storeRowSums(ArrayRef<Value>(sums).drop_front(numSums()));
    sums.resize(numSums());
    if (s.splitsK())
      storePart(sums);
    else if (s.staged)
      storeThroughShared(sums);
    else
      storeFromRegisters(sums);
  }

private:
  int64_t rowTiles() const { return tile.warpRows / 16; }
  int64_t columnTiles() const { return tile.warpColumns / 8; }
  int64_t numSums() const { return rowTiles() * columnTiles() * 4; }
  /// With those of rows behind them.
  int64_t numAll() const { return numSums() + tile.rowSums(p); }
  Value stageOffset(int64_t stage) { return k.index(stage * tile.stageBytes(p)); }

  void locate() {
    int64_t tilesM = ceilDiv(p.m, tile.rows), tilesN = ceilDiv(p.n, tile.columns);
    Value number = k.rem(k.block, tilesM * tilesN), part = k.div(k.block, tilesM * tilesN);
    // Blocks that run at the same time share what they read through L2: the smaller operand as a whole, of the larger
    // one a few tiles.
    bool alongN = p.n <= p.m;
    Value tileM = alongN ? k.div(number, tilesN) : k.rem(number, tilesM);
    Value tileN = alongN ? k.rem(number, tilesN) : k.div(number, tilesM);
    firstRow = k.mul(tileM, tile.rows);
    firstColumn = k.mul(tileN, tile.columns);
    splitNumber = s.splitsK() ? part : k.index(0);
    int64_t depth = tile.depthTiles(p) * tile.depth;
    firstK = k.mul(splitNumber, depth);
    endK = s.splitsK() ? k.min(k.add(firstK, depth), k.index(p.k)) : k.index(p.k);
    a.locate(f.source(s.product.a.access), firstRow, firstK);
    b.locate(f.source(s.product.b.access), firstColumn, firstK);
    warpM = k.rem(k.warp(), tile.rows / tile.warpRows);
    warpN = k.div(k.warp(), tile.rows / tile.warpRows);
    a.locateFragments(warpM);
    b.locateFragments(warpN);
    if (s.rowSum) // one block and one warp of those that have the same rows
      sumsRows = k.both(k.equal(tileN, k.index(0)), k.equal(warpN, k.index(0)));
  }

  int64_t steps() const { return tile.depth / p.stepK(); }

  void copyPart(Value fromA, Value fromB, Value stage, Value k0, int64_t part, int64_t parts) {
    a.copy(fromA, stage, k0, endK, part, parts);
    b.copy(fromB, stage, k0, endK, part, parts);
    if (part + 1 == parts)
      k.commitCopies();
  }

  SmallVector<Value> emitSingleTile() {
    copyPart(a.start(), b.start(), k.index(0), firstK, 0, 1);
    k.waitCopies(0);
    k.barrier();
    return multiply(k.index(0), SmallVector<Value>(numAll(), k.constant(0)), [](int64_t) {});
  }

  SmallVector<Value> emitLoop() {
    int64_t ahead = tile.stages - 1;
    for (int64_t stage = 0; stage < ahead; ++stage)
      copyPart(a.advance(a.start(), stage), b.advance(b.start(), stage), stageOffset(stage),
               k.add(firstK, stage * tile.depth), 0, 1);
    int64_t count = numAll();
    SmallVector<Value> carried(count, k.constant(0));
    carried.append({a.advance(a.start(), ahead), b.advance(b.start(), ahead), stageOffset(0), stageOffset(ahead)});
    SmallVector<Value> last = k.loop(firstK, endK, tile.depth, carried, [&](Value k0, ValueRange state) {
      Value fromA = state[count], fromB = state[count + 1], read = state[count + 2], write = state[count + 3];
      // All but the newest tiles have arrived, and everyone has done with the one that is overwritten next.
      k.waitCopies(ahead - 1);
      k.barrier();
      // Copies take their turn behind the fragments, which are waited for; spread over the steps, unless they are
      // needed in the next round.
      int64_t parts = ahead > 1 ? steps() : 1;
      SmallVector<Value> next = multiply(read, SmallVector<Value>(state.take_front(count)), [&](int64_t step) {
        if (step < parts)
          copyPart(fromA, fromB, write, k.add(k0, ahead * tile.depth), step, parts);
      });
      Value isLast = k.equal(read, stageOffset(ahead));
      next.append({a.advance(fromA, 1), b.advance(fromB, 1),
                   k.select(isLast, k.index(0), k.add(read, tile.stageBytes(p))), read});
      return next;
    });
    last.resize(count);
    k.waitCopies(0); // the last copies are of zeros, but they write
    return last;
  }

  using Step = llvm::function_ref<void(int64_t step)>;

  /// sums += the product of the tiles in a stage; `afterLoads` is called in every inner step when its fragments have
  /// been asked for.
  SmallVector<Value> multiply(Value stage, SmallVector<Value> sums, Step afterLoads) {
    return p.isF32() ? multiplyF32(stage, std::move(sums), afterLoads)
                     : multiplyBF16(stage, std::move(sums), afterLoads);
  }

  using Multiply = SmallVector<Value> (KernelBuilder::*)(ArrayRef<Value>, ArrayRef<Value>, ArrayRef<Value>);

  /// sums += rows x columns of one instruction's depth.
  void multiplyStep(Multiply multiply, ArrayRef<Value> rows, ArrayRef<Value> columns, SmallVector<Value> &sums) {
    for (int64_t i = 0; i < rowTiles(); ++i)
      for (int64_t j = 0; j < columnTiles(); ++j) {
        auto sum = MutableArrayRef<Value>(sums).slice((i * columnTiles() + j) * 4, 4);
        llvm::copy((k.*multiply)(rows.slice(4 * i, 4), columns.slice(2 * j, 2), sum), sum.begin());
      }
  }

  /// The sums of rows += fragments of rows times ones. `ones`: two bf16, or one tf32.
  void addRows(Multiply multiply, ArrayRef<SmallVector<Value>> fragments, int32_t ones, SmallVector<Value> &sums) {
    if (!s.rowSum)
      return;
    SmallVector<Value> old(ArrayRef<Value>(sums).drop_front(numSums()));
    SmallVector<Value> columns(2, k.index(ones));
    auto add = [&] {
      SmallVector<Value> added = old;
      for (const SmallVector<Value> &rows : fragments)
        for (int64_t i = 0; i < rowTiles(); ++i) {
          auto sum = MutableArrayRef<Value>(added).slice(4 * i, 4);
          llvm::copy((k.*multiply)(ArrayRef<Value>(rows).slice(4 * i, 4), columns, sum), sum.begin());
        }
      return added;
    };
    llvm::copy(k.choose(sumsRows, add, [&] { return old; }), sums.begin() + numSums());
  }

  SmallVector<Value> multiplyBF16(Value stage, SmallVector<Value> sums, Step afterLoads) {
    for (int64_t step = 0; step < steps(); ++step) {
      SmallVector<Value> rows = a.fragments(stage, step), columns = b.fragments(stage, step);
      afterLoads(step);
      multiplyStep(&KernelBuilder::multiplyBF16, rows, columns, sums);
      addRows(&KernelBuilder::multiplyBF16, {rows}, 0x3f803f80, sums);
    }
    return sums;
  }

  /// x = big + small + (less than 2^-22 of x); big and small are tf32: f32 whose lower 13 bits are zero. In integers:
  /// what the assembler makes of cvt.rna.tf32 for sm_80 to sm_120 are these two operations and two more, which keep
  /// what is not finite. Big is rounded to nearest, so that what is left takes one bit less; that is cut off. NaN stays
  /// one: where rounding turns its bits into a zero, x - big is still NaN. An infinite x becomes one, since x - big is.
  void split(SmallVector<Value> &bits, SmallVector<Value> &small) {
    constexpr int32_t kBits = ~0x1fff;
    for (Value &word : bits) {
      Value x = k.bitcast(word, k.f32Type());
      word = k.bitAnd(k.add(word, 0x1000), kBits);
      Value rest = k.subf(x, k.bitcast(word, k.f32Type()));
      small.push_back(k.bitAnd(k.bitcast(rest, k.i32Type()), kBits));
    }
  }

  /// Tensor cores truncate when they add (Ootomo and Yokota, "Recovering single precision accuracy from Tensor Cores",
  /// 2022): they add up one tile of k only, small products first; tiles are added with rounding.
  SmallVector<Value> multiplyF32(Value stage, SmallVector<Value> sums, Step afterLoads) {
    SmallVector<Value> partial(numAll(), k.constant(0));
    for (int64_t step = 0; step < steps(); ++step) {
      SmallVector<Value> rows = a.fragments(stage, step), columns = b.fragments(stage, step), smallRows, smallColumns;
      afterLoads(step);
      split(rows, smallRows);
      split(columns, smallColumns);
      multiplyStep(&KernelBuilder::multiplyTF32, smallRows, columns, partial);
      multiplyStep(&KernelBuilder::multiplyTF32, rows, smallColumns, partial);
      multiplyStep(&KernelBuilder::multiplyTF32, rows, columns, partial);
      addRows(&KernelBuilder::multiplyTF32, {smallRows, rows}, 0x3f800000, partial);
    }
    for (auto [sum, part] : llvm::zip_equal(sums, partial))
      sum = k.addf(sum, part);
    return sums;
  }

  /// The sums of row half `half` (0 or 1) of row tile `i` in columns [offset, offset + run) of this thread.
  Value gather(ArrayRef<Value> sums, int64_t i, int64_t half, int64_t offset) {
    SmallVector<Value> run;
    for (int64_t column = offset; column < offset + s.columnMap.run(); ++column)
      for (int64_t j = 0; j < columnTiles(); ++j)
        for (int64_t h : {0, 1})
          if (s.columnMap.at(8 * j + h) == column)
            run.push_back(sums[(i * columnTiles() + j) * 4 + 2 * half + h]);
    return vector::FromElementsOp::create(k.b, VectorType::get({s.columnMap.run()}, k.f32Type()), run);
  }

  /// Where this thread's runs of columns begin, relative to its first.
  SmallVector<int64_t> runs() const {
    SmallVector<int64_t> offsets;
    for (int64_t j = 0; j < columnTiles(); ++j)
      for (int64_t h : {0, 1})
        if (s.columnMap.at(8 * j + h) % s.columnMap.run() == 0)
          offsets.push_back(s.columnMap.at(8 * j + h));
    return offsets;
  }

  /// A run of columns of one row that this thread has sums of.
  struct Run {
    int64_t i, half, number; // row tile and its half, place among runs()
    Value row, column;       // in the block
  };

  Value threadRow() { return k.add(k.mul(warpM, tile.warpRows), s.rowMap.at(k, k.div(k.lane(), 4))); }
  Value threadColumn() {
    return k.add(k.mul(warpN, tile.warpColumns), s.columnMap.at(k, k.mul(k.rem(k.lane(), 4), 2)));
  }

  SmallVector<Run> threadRuns() {
    Value row = threadRow(), column = threadColumn();
    SmallVector<Run> all;
    for (int64_t i = 0; i < rowTiles(); ++i)
      for (int64_t half : {0, 1})
        for (auto [number, offset] : llvm::enumerate(runs()))
          all.push_back({i, half, static_cast<int64_t>(number), k.add(row, s.rowMap.at(16 * i + 8 * half)),
                         k.add(column, offset)});
    return all;
  }

  bool rowTail() const { return s.rowTail(); }
  bool columnTail() const { return s.columnTail(); }
  /// Whether a row and a column of the result exist; null: always.
  Value exists(Value row, Value column) {
    return k.both(rowTail() ? k.less(row, p.m) : Value(), columnTail() ? k.less(column, p.n) : Value());
  }
  void when(Value condition, llvm::function_ref<void()> body) { condition ? k.when(condition, body) : body(); }

  Value gather(ArrayRef<Value> sums, const Run &run) { return gather(sums, run.i, run.half, runs()[run.number]); }

  /// One of the four threads that have the sum of a row stores it.
  void storeRowSums(ArrayRef<Value> sums) {
    if (!s.rowSum)
      return;
    Value firstOwnRow = k.add(firstRow, threadRow());
    k.when(k.both(sumsRows, k.equal(k.rem(k.lane(), 4), k.index(0))), [&] {
      for (int64_t i = 0; i < rowTiles(); ++i)
        for (int64_t half : {0, 1}) {
          Value row = k.add(firstOwnRow, s.rowMap.at(16 * i + 8 * half));
          when(rowTail() ? k.less(row, p.m) : Value(), [&] { storeRowSum(row, sums[4 * i + 2 * half]); });
        }
    });
  }

  void storeRowSum(Value row, Value sum) {
    if (s.splitsK())
      k.store(sum, f.partial(1), k.add(k.mul(splitNumber, p.m), row), k.f32Type());
    else
      results.storeRowSum(s.rowSum, row, sum);
  }

  void storePart(ArrayRef<Value> sums) {
    Value start = k.mul(splitNumber, p.m * s.partPitch());
    for (const Run &run : threadRuns()) {
      Value row = k.add(firstRow, run.row), column = k.add(firstColumn, run.column);
      when(exists(row, column), [&] {
        Value at = k.add(k.add(start, k.mul(row, s.partPitch())), column);
        k.store(gather(sums, run), f.partial(0), at, k.f32Type(), 4 * s.columnMap.run());
      });
    }
  }

  void storeFromRegisters(ArrayRef<Value> sums) {
    Value firstOwnRow = k.add(firstRow, threadRow()), firstOwnColumn = k.add(firstColumn, threadColumn());
    when(exists(firstOwnRow, firstOwnColumn), [&] {
      // Where a row or column does not exist, the first of this thread's own is read instead: no other thread writes
      // it.
      auto clamped = [&](bool tail, Value index, int64_t end, Value own) {
        return tail ? k.select(k.less(index, end), index, own) : index;
      };
      auto pointOf = [&](Value row, Value column) { return Point{results.shape, row, column, s.columnMap.run(), {}}; };
      SmallVector<Value> biases;
      for (int64_t offset : runs())
        biases.push_back(results.bias(
            pointOf(firstOwnRow, clamped(columnTail(), k.add(firstOwnColumn, offset), p.n, firstOwnColumn))));
      SmallVector<Run> all = threadRuns();
      for (ArrayRef<Run> rest = all; !rest.empty();) {
        ArrayRef<Run> batch = rest.take_front(s.inFlight(s.columnMap.run()));
        rest = rest.drop_front(batch.size());
        SmallVector<SmallVector<Value>> values;
        for (const Run &run : batch) {
          Value row = clamped(rowTail(), k.add(firstRow, run.row), p.m, firstOwnRow);
          Value column = clamped(columnTail(), k.add(firstColumn, run.column), p.n, firstOwnColumn);
          values.push_back(results.evaluate(pointOf(row, column), gather(sums, run), biases[run.number]));
        }
        for (auto [run, value] : llvm::zip_equal(batch, values)) {
          Value row = k.add(firstRow, run.row), column = k.add(firstColumn, run.column);
          when(exists(row, column), [&, &value = value] { results.store(pointOf(row, column), value); });
        }
      }
    });
  }

  void layOut(ArrayRef<Value> sums, int64_t pitch) {
    int64_t width = std::min<int64_t>(s.columnMap.run(), 4);
    for (const Run &run : threadRuns()) {
      Value at = k.add(k.mul(run.row, pitch), run.column), values = gather(sums, run);
      for (int64_t j = 0; j < s.columnMap.run(); j += width) {
        Value part = vector::ExtractStridedSliceOp::create(k.b, values, ArrayRef<int64_t>{j}, ArrayRef<int64_t>{width},
                                                           ArrayRef<int64_t>{1});
        k.store(part, k.shared(0), k.add(at, j), k.f32Type(), 4 * width);
      }
    }
  }

  void storeThroughShared(ArrayRef<Value> sums) {
    int64_t pitch = stagingPitch(tile, s.columnMap.run());
    k.barrier();
    layOut(sums, pitch);
    k.barrier();
    int64_t perRow = tile.columns / s.width, points = tile.rows * perRow, together = s.together();
    k.loop(k.thread, k.index(points), tile.threads() * together, [&](Value first) {
      SmallVector<Point> all;
      SmallVector<SmallVector<Value>> values;
      auto evaluate = [&](int64_t i) {
        Value number = k.add(first, i * tile.threads());
        Value row = k.div(number, perRow), column = k.mul(k.rem(number, perRow), s.width);
        all.push_back({results.shape, k.add(firstRow, row), k.add(firstColumn, column), s.width, {}});
        Value bias = results.bias(all.back());
        return results.evaluate(all.back(), readStaged(k.add(k.mul(row, pitch), column)), bias);
      };
      if (together > 1) {
        for (int64_t i = 0; i < together; ++i)
          values.push_back(evaluate(i));
        for (auto [point, value] : llvm::zip_equal(all, values))
          results.store(point, value);
        return;
      }
      Value row = k.add(firstRow, k.div(first, perRow)),
            column = k.add(firstColumn, k.mul(k.rem(first, perRow), s.width));
      when(exists(row, column), [&] {
        SmallVector<Value> value = evaluate(0);
        results.store(all[0], value);
      });
    });
  }

  Value readStaged(Value at) {
    int64_t width = std::min<int64_t>(s.width, 4);
    SmallVector<Value> elements;
    for (int64_t j = 0; j < s.width; j += width) {
      Value part = k.load(k.shared(0), k.add(at, j), k.f32Type(), width, 4 * width);
      if (width == s.width)
        return part;
      for (int64_t e = 0; e < width; ++e)
        elements.push_back(vector::ExtractOp::create(k.b, part, ArrayRef<int64_t>{e}));
    }
    return vector::FromElementsOp::create(k.b, VectorType::get({s.width}, k.f32Type()), elements);
  }

  LaunchFunction &f;
  KernelBuilder &k;
  const MatmulScheme &s;
  const ProductShape &p;
  const MatmulTile &tile;
  OperandTile a, b;
  Results results;
  Value firstRow, firstColumn, splitNumber, firstK, endK, warpM, warpN, sumsRows;
};

class MatmulEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &target, std::string &why) const override {
    KernelBody body(kernel);
    ReduceSumOp rowSum = findRowSum(body);
    if (!isa_and_nonnull<LinearOp, MatmulOp>(body.anchor) || !inputAccess(body.anchor->getOperand(0)) ||
        !inputAccess(body.anchor->getOperand(1)) ||
        !llvm::all_of(body.anchor->getOperands().drop_front(2),
                      [&](Value bias) { return canEvaluate(bias, body.anchor); }) ||
        !llvm::all_of(body.yields, [&](Value value) {
          return canEvaluate(value, rowSum && dependsOn(value, rowSum.getResult()) ? rowSum : body.anchor);
        })) {
      why = "expected 'vlp.linear' or 'vlp.matmul' of strided accesses with an elementwise epilogue";
      return false;
    }
    if (rowSum && !isRowSum(rowSum, body.anchor)) {
      why = "expected the sum beside the product to be of the rows of its transposed left operand";
      return false;
    }
    if (target.matmulTile.empty() || parseTile(target.matmulTile))
      return true;
    why = "expected a tile like " + std::string(kTileExample) + ", got '" + target.matmulTile + "'";
    return false;
  }

  std::string getDeclined(KernelOp kernel, const TargetInfo &target) const override {
    std::string why;
    ProductShape shape = MatmulProduct(KernelBody(kernel).anchor).shape;
    if (target.matmulTile.empty() || getAskedTile(shape, target, why))
      return "";
    return why + "; this product gets " + getTile(shape, target).text();
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &target) const override {
    KernelBody body(kernel);
    MatmulScheme scheme(body, target);
    KernelPlan plan;
    if (scheme.splitsK()) {
      SmallVector<unsigned> partials = {0};
      plan.partials.push_back(scheme.partBytes());
      if (scheme.rowSum) {
        partials.push_back(1);
        plan.partials.push_back(scheme.tile.splits * scheme.product.shape.m * 4);
      }
      plan.launches.push_back(makeLaunch(body, "_parts", {}, partials, /*results=*/false));
      plan.launches.push_back(makeLaunch(body, "_sum", partials, {}, /*results=*/true));
      plan.launches[1].tasks = elementBlocks(body.shape(body.anchor->getResult(0)), scheme.width, 1);
      plan.launches[1].threads = kElementThreads;
    } else {
      plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    }
    plan.launches[0].tasks = scheme.tile.blocks(scheme.product.shape);
    plan.launches[0].threads = scheme.tile.threads();
    plan.launches[0].shared = sharedBytes(scheme.product.shape, scheme.tile);
    plan.launches[0].instructions = scheme.instructions(body);
    plan.inPlace = elementwiseInPlace(body);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &target, const KernelPlan &plan, unsigned launch,
                     StringRef symbol, ModuleOp module) const override {
    KernelBody body(kernel);
    MatmulScheme scheme(body, target);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    if (launch == 0)
      Products(f, body, scheme).emit();
    else
      emitSum(f, body, scheme);
    f.k.finish();
    return success();
  }

private:
  /// The second launch: adds the parts of each element in order.
  static void emitSum(LaunchFunction &f, const KernelBody &body, const MatmulScheme &s) {
    Results results(f, body, s.product);
    const ProductShape &p = s.product.shape;
    KernelBuilder &k = f.k;
    f.forElements(results.shape, s.width, 1, [&](Point point) {
      Value at = k.add(k.mul(point.row, s.partPitch()), point.column), sum;
      for (int64_t part = 0; part < s.tile.splits; ++part) {
        Value next = k.load(f.partial(0), k.add(at, part * p.m * s.partPitch()), k.f32Type(), s.width, 4 * s.width);
        sum = sum ? k.addf(sum, next) : next;
      }
      Value bias = results.bias(point);
      results.store(point, results.evaluate(point, sum, bias));
      if (s.rowSum)
        k.when(k.equal(point.column, k.index(0)), [&] { emitRowSum(f, s, results, point.row); });
    });
  }

  static void emitRowSum(LaunchFunction &f, const MatmulScheme &s, Results &results, Value row) {
    KernelBuilder &k = f.k;
    Value sum;
    for (int64_t part = 0; part < s.tile.splits; ++part) {
      Value next = k.loadF32(f.partial(1), k.add(row, part * s.product.shape.m));
      sum = sum ? k.addf(sum, next) : next;
    }
    results.storeRowSum(s.rowSum, row, sum);
  }
};

} // namespace

const Emitter &cuda::matmulEmitter() {
  static const MatmulEmitter emitter;
  return emitter;
}
