// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients of attention. Scores are computed again, once with queries as rows (for the queries' gradient, summed over
// keys) and once with keys as rows (for the keys' and values' gradients, summed over queries): every sum stays in one
// warp's registers, in an order that follows from the shape, and no probability goes through memory. Short sequences do
// both in one block that holds the whole head; for long ones each is a launch in which the other side streams past
// (arXiv 2307.08691), and the first leaves delta for the second.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CUDA/AttentionGradConfig.h"
#include "passes/CUDA/Emitters.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

/// One side of the scores in shared memory: queries with the gradient of the output (and statistics), or keys with
/// values.
struct Side {
  Value first, second;
  Value lse, delta;
};

/// Statistics of the rows of a lane, by tile and half.
struct RowStatistics {
  SmallVector<std::array<Value, 2>> lse, delta;
};

class GradientCode : public AttentionCode {
public:
  GradientCode(LaunchFunction &f, const KernelBody &body, const AttentionShape &s, const GradientConfig &config)
      : AttentionCode(f, body, s, config.whole, 1, false), config(config), op(cast<AttentionGradOp>(body.anchor)) {
    prepare();
  }
  GradientCode(LaunchFunction &f, const KernelBody &body, const AttentionShape &s, const GradientConfig &config,
               GradientPass pass)
      : AttentionCode(f, body, s, config.of(pass).block, config.of(pass).rowBlocks,
                      s.causal && pass == GradientPass::Queries),
        config(config), op(cast<AttentionGradOp>(body.anchor)) {
    prepare();
  }

  void emitResident() {
    k.hideThreads();
    int64_t queries = roundUp(s.queries, 16), keys = roundUp(s.keys, 16);
    Value base = offset(k.shared(0), k.mul(group, GradientConfig::groupBytes(s)));
    Side querySide{base, offset(base, queries * s.pitch()), offset(base, 2 * (queries + keys) * s.pitch()), {}};
    querySide.delta = offset(querySide.lse, 4 * queries);
    Side keySide{offset(base, 2 * queries * s.pitch()), offset(base, (2 * queries + keys) * s.pitch()), {}, {}};
    Value zero = k.index(0);
    copyQueries(querySide, zero, queries, s.queries == queries);
    copyKeys(keySide, zero, keys, s.keys == keys);
    k.commitCopies();
    forRowTiles(s.queries, [&](Value row) {
      Value own = k.add(row, k.shiftRight(k.lane(), 1)), delta = deltaOf(own);
      Value lse = k.loadIf(k.less(own, s.queries), lsePointer, lseIndex(own), k.f32Type());
      k.when(k.equal(k.bitAnd(k.lane(), 1), zero), [&] {
        k.store(delta, querySide.delta, own, k.f32Type());
        k.store(lse, querySide.lse, own, k.f32Type());
      });
    });
    k.waitCopies(0);
    k.barrier();
    Value allKeys = unknown(k.index(s.keys)), allQueries = unknown(k.index(s.queries));
    if (wantsQuery || wantsScores)
      forRowTiles(s.queries, [&](Value row) {
        RowStatistics statistics = rowStatistics([&](Value r) {
          Value at = k.add(row, r);
          return std::pair(k.loadF32(querySide.lse, at), k.loadF32(querySide.delta, at));
        });
        pass = GradientPass::Queries;
        Sums sums = start();
        sums = sweep(sums, at(querySide, row), statistics, row, keySide, zero, zero, allKeys);
        store(addTail(sums, at(querySide, row), statistics, row, keySide, zero), row);
      });
    k.barrier(); // lanes meet behind the stores' branches: else the shuffles of the second pass are calls
    if (wantsKey || wantsValue)
      forRowTiles(s.keys, [&](Value row) {
        pass = GradientPass::Keys;
        Value from = s.causal ? k.mul(k.div(row, step), step) : zero;
        Sums sums = sweep(start(), at(keySide, row), {}, row, querySide, zero, from, allQueries);
        store(addTail(sums, at(keySide, row), {}, row, querySide, zero), row);
      });
  }

  void emitPass(GradientPass which) {
    pass = which;
    k.hideThreads();
    const PassConfig &c = config.of(pass);
    int64_t rows = block.rows(), total = pass == GradientPass::Queries ? s.queries : s.keys, columns = columnCount();
    Value firstRow = k.mul(rowBlock, rows), row = k.add(firstRow, k.mul(warp, 16 * block.tiles));
    if (pass == GradientPass::Queries && !wantsQuery && !wantsScores) { // the launch is there for delta
      statisticsOfRows(row);
      return;
    }
    Value base = k.shared(0);
    Side own{base, offset(base, rows * s.pitch()), {}, {}};
    copySide(pass, own, firstRow, rows, total % rows == 0);

    // With causal, rows of queries see columns up to the last row, and rows of keys are seen by columns from the first
    // row on.
    int64_t tiles = ceilDiv(columns, c.stream);
    Value begin = k.index(0), end = k.index(tiles);
    if (stopsAtRow())
      end = k.min(end, k.div(k.add(firstRow, rows + c.stream - 1), c.stream));
    if (s.causal && pass == GradientPass::Keys)
      begin = k.div(firstRow, c.stream);
    TileStream stream(
        k, c.stages, offset(base, c.rowBytes(s)), c.stageBytes(s, pass), end, [&](Value tile, Value stage) {
          copySide(other(pass), streamSide(stage), k.mul(tile, c.stream), c.stream, columns % c.stream == 0);
        });
    stream.begin(begin);

    Side left = at(own, k.mul(warp, 16 * block.tiles));
    RowStatistics statistics;
    if (pass == GradientPass::Queries)
      statistics = statisticsOfRows(row);
    Value inTile = unknown(k.index(c.stream));
    auto values = k.loop(begin, unknown(end), 1, start().flatten(), [&](Value tile, ValueRange carried) {
      Side right = streamSide(stream.enter(tile));
      Value origin = k.mul(tile, c.stream), from = origin, to = k.add(origin, inTile);
      if (s.causal && pass == GradientPass::Keys)
        from = k.max(from, k.mul(k.div(row, step), step));
      return sweep(start().with(carried), left, statistics, row, right, origin, from, to).flatten();
    });
    Value last = k.index(tiles - 1);
    Sums sums =
        addTail(start().with(values), left, statistics, row, streamSide(stream.stageOf(last)), k.mul(last, c.stream));
    k.barrier(); // warps that saw loops of different lengths meet: else the stores' shuffles are calls
    store(sums, row);
  }

private:
  /// Sums of a warp's rows: the queries' gradient; or the keys' and the values'.
  struct Sums {
    TileGrid first, second;

    SmallVector<Value> flatten() const {
      SmallVector<Value> values;
      appendTiles(values, first);
      appendTiles(values, second);
      return values;
    }
    Sums with(ValueRange values) const {
      Sums sums = *this;
      takeTiles(values, sums.first);
      takeTiles(values, sums.second);
      return sums;
    }
  };

  void prepare() {
    wantsQuery = !body.yieldsOf(0).empty();
    wantsKey = !body.yieldsOf(1).empty();
    wantsValue = !body.yieldsOf(2).empty();
    step = columnsAtOnce(s);
    wantsScores = op.getMask() && !body.yieldsOf(3).empty();
    locateMask(op.getMask());
    lse = *inputAccess(op.getLse());
    lsePointer = f.source(lse);
  }

  int64_t columnCount() const { return streamedColumns(s, pass); }

  /// Whether columns behind the rows are passed over. Their score gradients are zero, but must be stored.
  bool stopsAtRow() const { return s.causal && pass == GradientPass::Queries && !wantsScores; }

  Sums start() {
    auto sums = [&](bool wanted) { return wanted ? fragments.zeros(block.tiles, s.sliceColumns / 8) : TileGrid(); };
    if (pass == GradientPass::Queries)
      return {sums(true), {}};
    return {sums(wantsKey), sums(wantsValue)};
  }

  // Copies to shared memory.
  void copyQueries(const Side &to, Value first, int64_t rows, bool inside) {
    copyRows(rowsOf(op.getQuery()), to.first, first, rows, s.queries, inside);
    copyRows(rowsOf(op.getGradient()), to.second, first, rows, s.queries, inside);
  }
  void copyKeys(const Side &to, Value first, int64_t rows, bool inside) {
    copyRows(rowsOf(op.getKey()), to.first, first, rows, s.keys, inside);
    copyRows(rowsOf(op.getValue()), to.second, first, rows, s.keys, inside);
  }
  void copySide(GradientPass side, const Side &to, Value first, int64_t rows, bool inside) {
    if (side == GradientPass::Keys)
      return copyKeys(to, first, rows, inside);
    copyQueries(to, first, rows, inside);
    if (!to.lse)
      return;
    for (int64_t r = 0; r < rows; r += block.threads()) {
      Value row = k.add(thread, r), query = k.add(first, row);
      guarded(r + block.threads() > rows ? k.less(row, rows) : Value(), [&] {
        Value exists = inside ? Value() : k.less(query, s.queries);
        k.copyAsync(k.address(to.lse, row, k.f32Type()), k.address(lsePointer, lseIndex(query), k.f32Type()), 4,
                    exists);
        Value delta = k.address(f.partial(0), k.add(statisticsBase(), query), k.f32Type());
        k.copyAsync(k.address(to.delta, row, k.f32Type()), delta, 4, exists);
      });
    }
  }
  Side streamSide(Value stage) {
    int64_t rows = config.of(pass).stream;
    Side side{stage, offset(stage, rows * s.pitch()), {}, {}};
    if (pass == GradientPass::Keys) {
      side.lse = offset(stage, 2 * rows * s.pitch());
      side.delta = offset(side.lse, 4 * rows);
    }
    return side;
  }
  Side at(const Side &side, Value row) {
    auto statistic = [&](Value pointer) { return pointer ? k.address(pointer, row, k.f32Type()) : pointer; };
    return {rowPointer(side.first, row), rowPointer(side.second, row), statistic(side.lse), statistic(side.delta)};
  }

  // Statistics.
  Value lseIndex(Value row) {
    Value head = k.add(k.mul(batch, lse.strides[0]), k.mul(this->head, lse.strides[1]));
    return k.add(k.add(head, k.mul(row, lse.strides[2])), lse.offset);
  }

  /// The product of the output's row and its gradient's, a row for two lanes; both get the sum.
  Value deltaOf(Value row) {
    HeadRows y = rowsOf(op.getOutput()), dy = rowsOf(op.getGradient());
    int64_t width = std::min(y.alignment, dy.alignment), units = s.depth / width, rounds = ceilDiv(units, 2);
    Value parity = k.bitAnd(k.lane(), 1);
    auto read = [&](const HeadRows &rows, Value unit) {
      Value index = k.add(k.add(rows.base, k.mul(row, rows.rowStep)), k.mul(unit, width));
      return k.load(rows.pointer, index, rows.element, width, width * bytesOf(rows.element));
    };
    Type type = width == 1 ? k.f32Type() : Type(VectorType::get({width}, k.f32Type()));
    auto add = [&](Value sum, Value round, bool past) {
      Value unit = k.add(k.mul(round, 2), parity);
      auto next = [&] { return SmallVector<Value>{k.fma(read(y, unit), read(dy, unit), sum)}; };
      return past ? k.choose(k.less(unit, units), next, [&] { return SmallVector<Value>{sum}; })[0] : next()[0];
    };
    auto sumOfRow = [&] {
      Value sum = arith::ConstantOp::create(k.b, k.b.getZeroAttr(type));
      int64_t whole = units / 2;
      if (whole > 8) // a row that is read by single elements
        sum = k.loop(k.index(0), k.index(whole), 1, sum, [&](Value round, ValueRange carried) {
          return SmallVector<Value>{add(carried[0], round, false)};
        })[0];
      else
        for (int64_t round = 0; round < whole; ++round)
          sum = add(sum, k.index(round), false);
      if (whole < rounds)
        sum = add(sum, k.index(whole), true);
      Value total = width == 1 ? sum : vector::ExtractOp::create(k.b, sum, ArrayRef<int64_t>{0}).getResult();
      for (int64_t i = 1; i < width; ++i)
        total = k.addf(total, vector::ExtractOp::create(k.b, sum, ArrayRef<int64_t>{i}));
      return SmallVector<Value>{total};
    };
    Value part = k.choose(k.less(row, s.queries), sumOfRow, [&] { return SmallVector<Value>{k.constant(0)}; })[0];
    return k.sumLanes(part, 2);
  }

  /// `read(r)` gives lse and delta of row r of the warp. Lse in the base of `power`.
  RowStatistics rowStatistics(llvm::function_ref<std::pair<Value, Value>(Value)> read) {
    RowStatistics statistics;
    for (int64_t m = 0; m < block.tiles; ++m) {
      auto upper = read(k.add(quadRow, 16 * m)), lower = read(k.add(quadRow, 16 * m + 8));
      Value base = k.constant(powerBase());
      statistics.lse.push_back({k.mulf(upper.first, base), k.mulf(lower.first, base)});
      if (mask)
        for (Value &each : statistics.lse.back())
          each = divisorOf(each);
      statistics.delta.push_back({upper.second, lower.second});
    }
    return statistics;
  }

  /// Statistics of the warp's rows from `first` on, from global memory; leaves delta in the partial buffer.
  RowStatistics statisticsOfRows(Value first) {
    SmallVector<Value> deltas; // of row lane / 2 of each tile
    for (int64_t m = 0; m < block.tiles; ++m) {
      Value own = k.add(k.add(first, 16 * m), k.shiftRight(k.lane(), 1));
      deltas.push_back(deltaOf(own));
      Value writes = k.both(k.less(own, s.queries), k.equal(k.bitAnd(k.lane(), 1), k.index(0)));
      if (s.slices > 1)
        writes = k.both(writes, k.equal(slice, k.index(0)));
      k.when(writes, [&] { k.store(deltas.back(), f.partial(0), k.add(statisticsBase(), own), k.f32Type()); });
    }
    int64_t reads = 0;
    return rowStatistics([&](Value r) {
      Value row = k.add(first, r), delta = deltas[reads++ / 2];
      Value source = k.mul(k.bitAnd(r, 15), 2);
      return std::pair(k.loadIf(k.less(row, s.queries), lsePointer, lseIndex(row), k.f32Type()),
                       k.shuffle(delta, source));
    });
  }

  /// Runs `body` for this warp's tiles of a resident side of `rows` rows.
  void forRowTiles(int64_t rows, llvm::function_ref<void(Value)> body) {
    int64_t tiles = ceilDiv(rows, 16); // no more than warps
    guarded(tiles < block.warps ? k.less(warp, tiles) : Value(), [&] { body(k.mul(warp, 16)); });
  }

  /// Adds the columns from..to, those of whole steps, of which `right` holds those from `origin` on.
  Sums sweep(const Sums &sums, const Side &left, const RowStatistics &statistics, Value row, const Side &right,
             Value origin, Value from, Value to) {
    int64_t whole = wholeColumns(s, pass);
    if (!whole)
      return sums;
    to = k.min(to, k.index(whole));
    if (stopsAtRow())
      to = k.min(to, k.add(row, 16 * block.tiles));
    auto values = k.loop(from, to, step, sums.flatten(), [&](Value column, ValueRange carried) {
      return add(sums.with(carried), left, statistics, row, at(right, k.sub(column, origin)), column, step,
                 whole > columnCount())
          .flatten();
    });
    return sums.with(values);
  }

  /// Adds the columns behind those of whole steps.
  Sums addTail(const Sums &sums, const Side &left, const RowStatistics &statistics, Value row, const Side &right,
               Value origin) {
    int64_t whole = wholeColumns(s, pass), rest = columnCount() - whole;
    if (rest <= 0)
      return sums;
    auto tail = [&] {
      Value column = k.index(whole);
      return add(sums, left, statistics, row, at(right, k.sub(column, origin)), column, roundUp(rest, 16),
                 rest % 16 != 0)
          .flatten();
    };
    if (stopsAtRow() && whole)
      return sums.with(
          k.choose(k.less(k.index(whole), k.add(row, 16 * block.tiles)), tail, [&] { return sums.flatten(); }));
    return sums.with(tail());
  }

  /// Adds `count` columns from `column` on, whose side is `right`, to the sums of the rows from `row` on. `past`: some
  /// may be beyond the last.
  Sums add(Sums sums, const Side &left, const RowStatistics &statistics, Value row, const Side &right, Value column,
           int64_t count, bool past) {
    int64_t tiles = count / 8;
    TileGrid p = fragments.multiplyRows(left.first, right.first, block.tiles, tiles, s.steps());
    SmallVector<std::array<Value, 2>> lse, delta; // with keys as rows: of columns, by tile
    if (pass == GradientPass::Keys)
      for (int64_t n = 0; n < tiles; ++n) {
        lse.push_back(columnPair(right.lse, n, powerBase()));
        if (mask)
          for (Value &each : lse.back())
            each = divisorOf(each);
        delta.push_back(columnPair(right.delta, n, 1));
      }
    Value factor = k.constant(s.scale * powerBase()), zero = k.constant(0);
    for (auto [m, tilesOfRow] : llvm::enumerate(p))
      for (auto [n, tile] : llvm::enumerate(tilesOfRow))
        for (int64_t e = 0; e < 4; ++e) {
          Value shift = pass == GradientPass::Keys ? lse[n][e % 2] : statistics.lse[m][e / 2];
          if (mask) {
            auto [query, key] = placeOf(row, column, m, n, e);
            Value score = k.fma(tile[e], k.constant(s.scale), maskOf(query, key));
            tile[e] = power(k.fma(score, k.constant(powerBase()), k.negf(shift)));
          } else {
            tile[e] = power(k.fma(tile[e], factor, k.negf(shift)));
          }
          if (Value hidden = isHidden(row, column, m, n, e, past))
            tile[e] = k.select(hidden, zero, tile[e]);
        }
    if (!sums.second.empty())
      fragments.accumulate(sums.second, p, sliceOf(right.second), groups);
    if (sums.first.empty())
      return sums;
    TileGrid slopes = fragments.multiplyRows(left.second, right.second, block.tiles, tiles, s.steps());
    for (auto [m, tilesOfRow] : llvm::enumerate(slopes))
      for (auto [n, tile] : llvm::enumerate(tilesOfRow))
        for (int64_t e = 0; e < 4; ++e) {
          Value shift = pass == GradientPass::Keys ? delta[n][e % 2] : statistics.delta[m][e / 2];
          tile[e] = k.mulf(p[m][n][e], k.subf(tile[e], shift));
          if (wantsScores && pass == GradientPass::Queries)
            storeScore(tile[e], placeOf(row, column, m, n, e));
        }
    fragments.accumulate(sums.first, slopes, sliceOf(right.first), groups);
    return sums;
  }

  /// Query and key of element e of tile (m, n).
  std::pair<Value, Value> placeOf(Value row, Value column, int64_t m, int64_t n, int64_t e) {
    Value own = k.add(k.add(row, quadRow), 16 * m + 8 * (e / 2)),
          other = k.add(k.add(column, quadColumn), 8 * n + e % 2);
    return pass == GradientPass::Queries ? std::pair(own, other) : std::pair(other, own);
  }

  /// The gradient of a score, [B, H, Sq, Sk].
  void storeScore(Value gradient, std::pair<Value, Value> place) {
    auto [query, key] = place;
    Value exists = k.both(k.both(k.less(query, s.queries), k.less(key, s.keys)), active);
    if (s.slices > 1)
      exists = k.both(exists, k.equal(slice, k.index(0)));
    k.when(exists, [&] {
      for (unsigned y : body.yieldsOf(3))
        k.store(gradient, f.result(y), k.add(k.mul(k.add(statisticsBase(), query), s.keys), key), k.f32Type());
    });
  }

  /// Statistics of this lane's two columns of tile n.
  std::array<Value, 2> columnPair(Value statistics, int64_t n, double factor) {
    Value pair = k.load(statistics, k.add(quadColumn, 8 * n), k.f32Type(), 2, 8);
    std::array<Value, 2> values;
    for (int64_t e = 0; e < 2; ++e) {
      values[e] = vector::ExtractOp::create(k.b, pair, ArrayRef<int64_t>{e});
      if (factor != 1)
        values[e] = k.mulf(values[e], k.constant(factor));
    }
    return values;
  }

  /// Whether element e of tile (m, n) is a pair of query and key that does not count; null if all do. Columns of
  /// queries beyond the last do no harm: they are zeros with statistics zero. Columns of keys beyond the last would,
  /// and anything with a mask: their power may be infinite.
  Value isHidden(Value row, Value column, int64_t m, int64_t n, int64_t e, bool past) {
    Value own = k.add(k.add(row, quadRow), 16 * m + 8 * (e / 2)); // this row
    Value place = k.index(8 * n + e % 2);                         // of the element among the lane's columns
    Value first = k.add(column, quadColumn);
    if (s.causal && pass == GradientPass::Queries)
      return k.less(k.sub(own, first), place);
    if (s.causal)
      return k.less(place, k.sub(own, first));
    if (past && (pass == GradientPass::Queries || mask))
      return k.less(k.sub(k.index(columnCount() - 1), first), place);
    return {};
  }

  void store(const Sums &sums, Value row) {
    Value scale = k.constant(s.scale);
    if (pass == GradientPass::Queries)
      return storeRows(Output{targetsOf(0, s.queries), sums.first, scale}, row, s.queries);
    SmallVector<Output> outputs;
    if (!sums.first.empty())
      outputs.push_back({targetsOf(1, s.keys), sums.first, scale});
    if (!sums.second.empty())
      outputs.push_back({targetsOf(2, s.keys), sums.second, {}});
    storeRows(outputs, row, s.keys);
  }

  const GradientConfig &config;
  AttentionGradOp op;
  GradientPass pass = GradientPass::Queries;
  bool wantsQuery = false, wantsKey = false, wantsValue = false, wantsScores = false;
  int64_t step = 0;
  Access lse;
  Value lsePointer;
};

class AttentionGradEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &target, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<AttentionGradOp>(body.anchor);
    bool fits = op && inputAccess(op.getLse());
    if (op && op.getMask())
      fits = fits && inputAccess(op.getMask());
    for (unsigned i : {0, 1, 2, 3, 5})
      fits = fits && hasHeadRows(op->getOperand(i));
    for (Value yield : body.yields)
      fits = fits && (yield.getDefiningOp() == body.anchor || isConcatOfGradients(yield, body));
    if (!fits) {
      why = "expected attention_grad on rows of consecutive elements, without an epilogue but the concatenation of its "
            "gradients";
      return false;
    }
    AttentionShape shape(op);
    if (configureGradient(shape, target).fits)
      return true;
    why = "expected heads whose tiles fit in the shared memory of " + target.chip + ", got a head depth of " +
          std::to_string(shape.depth);
    return false;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &target) const override {
    KernelBody body(kernel);
    AttentionShape s(cast<AttentionGradOp>(body.anchor));
    GradientConfig c = configureGradient(s, target);
    KernelPlan plan;
    if (c.resident) {
      LaunchPlan launch = makeLaunch(body, "", {}, {}, /*results=*/true);
      launch.tasks = ceilDiv(s.pairs(), c.whole.pairs);
      launch.threads = c.whole.threads();
      launch.shared = c.whole.pairs * GradientConfig::groupBytes(s);
      launch.instructions = residentInstructions(body, s, c);
      plan.launches.push_back(launch);
      return plan;
    }
    plan.partials.push_back(s.pairs() * s.queries * 4); // delta
    plan.launches.push_back(passLaunch(body, s, c, GradientPass::Queries));
    LaunchPlan keys = passLaunch(body, s, c, GradientPass::Keys);
    if (keys.written)
      plan.launches.push_back(keys);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &target, const KernelPlan &plan, unsigned launch,
                     StringRef symbol, ModuleOp module) const override {
    KernelBody body(kernel);
    AttentionShape s(cast<AttentionGradOp>(body.anchor));
    GradientConfig c = configureGradient(s, target);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    if (c.resident) {
      GradientCode(f, body, s, c).emitResident();
    } else {
      GradientPass pass = launch == 0 ? GradientPass::Queries : GradientPass::Keys;
      GradientCode(f, body, s, c, pass).emitPass(pass);
    }
    f.k.finish();
    return success();
  }

private:
  static bool isConcatOfGradients(Value yield, const KernelBody &body) {
    auto concat = yield.getDefiningOp<ConcatOp>();
    return concat && concat.getAxis() == 2 &&
           llvm::all_of(concat.getInputs(), [&](Value piece) { return piece.getDefiningOp() == body.anchor; });
  }

  /// Results that a pass gives.
  static SmallVector<unsigned> gradientsOf(GradientPass pass, AttentionGradOp op) {
    if (pass == GradientPass::Keys)
      return {1, 2};
    return op.getMask() ? SmallVector<unsigned>{0, 3} : SmallVector<unsigned>{0};
  }

  static LaunchPlan passLaunch(const KernelBody &body, const AttentionShape &s, const GradientConfig &c,
                               GradientPass pass) {
    const PassConfig &config = c.of(pass);
    bool queries = pass == GradientPass::Queries;
    LaunchPlan launch = queries ? makeLaunch(body, "_queries", {}, {0}, /*results=*/false)
                                : makeLaunch(body, "_keys", {0}, {}, /*results=*/false);
    llvm::SmallSetVector<unsigned, 3> results;
    for (unsigned gradient : gradientsOf(pass, cast<AttentionGradOp>(body.anchor)))
      for (unsigned y : body.yieldsOf(gradient))
        results.insert(y);
    for (unsigned y : results)
      launch.arguments.push_back({LaunchArgument::Kind::Result, y});
    launch.written += results.size();
    launch.tasks = s.pairs() * config.rowBlocks * s.slices;
    launch.threads = config.block.threads();
    launch.shared = queries && results.empty() ? 0 : config.sharedBytes(s, pass);
    launch.instructions = passInstructions(body, s, config, pass);
    return launch;
  }
};

} // namespace

const Emitter &cuda::attentionGradEmitter() {
  static const AttentionGradEmitter emitter;
  return emitter;
}
