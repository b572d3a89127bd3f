// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention: tiles of keys and values stream past the queries of a block, softmax is computed online in registers
// (arXiv 2307.08691), and the probabilities become the left operand of the second product without leaving them.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CUDA/AttentionInstructions.h"
#include "passes/CUDA/Chip.h"
#include "passes/CUDA/Emitters.h"
#include "passes/Kernels/VectorMath.h"
#include <limits>

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

struct ForwardConfig {
  BlockShape block;
  int64_t keys;      // of a tile
  int64_t stages;    // 0: nothing fits
  int64_t rowBlocks; // blocks that share a pair

  int64_t tileBytes(const AttentionShape &s) const { return keys * s.pitch(); }
  int64_t groupBytes(const AttentionShape &s) const { return block.rows() * s.pitch() + 2 * stages * tileBytes(s); }
  int64_t sharedBytes(const AttentionShape &s) const { return block.pairs * groupBytes(s); }
  /// Of a thread, about: sums and scores, and what the rest takes.
  int64_t registers(const AttentionShape &s) const {
    return block.tiles * (s.sliceColumns + keys) / 2 + (s.element.isBF16() ? 56 : 72) +
           (s.element.isBF16() ? 16 : 8) * block.tiles;
  }
};

/// Keys of a tile: of those whose scores fit in registers, the number that leaves the fewest unused at the end.
int64_t keysOfTile(const AttentionShape &s, int64_t rowTiles) {
  // Registers of a lane: scores take keys / 2, outputs columns / 2 a tile of rows. Splitting f32 needs more for
  // operands.
  int64_t budget = (s.element.isBF16() ? 120 : 104) / rowTiles - s.sliceColumns / 2;
  int64_t most = std::clamp<int64_t>(budget * 2 / 16 * 16, 16, s.element.isBF16() ? 80 : 32);
  int64_t best = 16, least = 0;
  for (int64_t keys = most; keys >= 16; keys -= 16) {
    int64_t work = s.keys / keys * (keys + 16) + (s.keys % keys ? roundUp(s.keys % keys, 16) + 16 : 0);
    if (!least || work < least) {
      best = keys;
      least = work;
    }
  }
  return std::min(best, roundUp(s.keys, 16));
}

ForwardConfig configure(const AttentionShape &s, const TargetInfo &target) {
  const Chip &chip = getChip(target.chip);
  int64_t rowTiles = ceilDiv(s.queries, 16);
  bool isShort = rowTiles <= 8;                             // a block holds all queries of a head, or of several
  int64_t tiles = !isShort && s.sliceColumns <= 64 ? 2 : 1; // two tiles share each operand that a warp reads
  ForwardConfig best{{}, 0, 0, 0};
  double least = 0;
  for (int64_t warps = std::min<int64_t>(8, ceilDiv(rowTiles, tiles)); warps >= 1; --warps)
    for (int64_t keys = keysOfTile(s, tiles); keys >= 16; keys -= 16)
      for (int64_t stages : {2, 1})
        for (int64_t pairs = isShort ? pairsPerBlock(warps, s.pairs()) : 1; pairs >= 1; --pairs) {
          ForwardConfig c{{warps, tiles, pairs}, keys, stages, ceilDiv(s.queries, warps * tiles * 16)};
          if (c.sharedBytes(s) > chip.sharedPerBlock || (stages == 2 && keys >= s.keys) ||
              (pairs > 1 && c.rowBlocks > 1))
            continue;
          double cost =
              blockCost(chip, c.block, c.rowBlocks, c.registers(s), c.sharedBytes(s), keys, keys < s.keys ? stages : 2);
          if (!best.stages || cost < least) {
            best = c;
            least = cost;
          }
        }
  return best;
}

/// What a warp knows of its rows after some tiles: by tile of rows the sums of products with the values, and for the
/// upper and the lower row of the lane the largest score and the lane's part of two sums of powers: as they are, for
/// the log-sum-exp, and as the product reads them.
struct RowState {
  TileGrid outputs; // empty if nobody wants them
  SmallVector<std::array<Value, 2>> top, sum;
  /// In bf16 the outputs are divided by the sum of the rounded powers, so that the weights of the values add up to one:
  /// on a short row their roundings do not average out. Of CLIP's gradients on five patches (vlp-check parity) that
  /// took a quarter of the error. Empty in f32.
  SmallVector<std::array<Value, 2>> weight;

  SmallVector<Value> flatten() const {
    SmallVector<Value> values;
    appendTiles(values, outputs);
    for (const auto &statistics : {top, sum, weight})
      for (auto [upper, lower] : statistics)
        values.append({upper, lower});
    return values;
  }
  /// The same with other values.
  RowState with(ValueRange values) const {
    RowState state = *this;
    takeTiles(values, state.outputs);
    for (auto *statistics : {&state.top, &state.sum, &state.weight})
      for (auto &halves : *statistics)
        for (Value &value : halves) {
          value = values.front();
          values = values.drop_front();
        }
    return state;
  }
};

class ForwardCode : public AttentionCode {
public:
  ForwardCode(LaunchFunction &f, const KernelBody &body, const AttentionShape &s, const ForwardConfig &config)
      : AttentionCode(f, body, s, config.block, config.rowBlocks, s.causal), c(config),
        op(cast<AttentionOp>(body.anchor)) {}

  void emit() {
    k.hideThreads();
    k.approximateDivision =
        true; // of sums of powers, the largest of which is one; and a call behind them would cost registers
    wantsOutput = !body.yieldsOf(0).empty();
    locateMask(op.getMask());
    int64_t fullTiles = s.keys / c.keys, tail = s.keys % c.keys;
    firstRow = k.mul(rowBlock, block.rows());
    Value base = offset(k.shared(0), k.mul(group, c.groupBytes(s)));
    queryRows = rowPointer(base, k.mul(warp, 16 * block.tiles));
    HeadRows query = rowsOf(op.getQuery()), key = rowsOf(op.getKey()), value = rowsOf(op.getValue());

    // With causal, the block's last row sees keys up to its own.
    Value tiles = k.index(fullTiles + (tail ? 1 : 0));
    if (s.causal && c.rowBlocks > 1)
      tiles = k.min(tiles, k.div(k.add(firstRow, block.rows() + c.keys - 1), c.keys));
    bool inside = !tail;
    TileStream stream(k, c.stages, offset(base, block.rows() * s.pitch()), 2 * c.tileBytes(s), tiles,
                      [&](Value tile, Value stage) {
                        Value first = k.mul(tile, c.keys);
                        copyRows(key, stage, first, c.keys, s.keys, inside);
                        if (wantsOutput)
                          copyRows(value, offset(stage, c.tileBytes(s)), first, c.keys, s.keys, inside);
                      });
    copyRows(query, base, firstRow, block.rows(), s.queries, s.queries % block.rows() == 0);
    stream.begin(k.index(0));

    RowState state = start();
    if (fullTiles) {
      Value end = tail ? k.min(tiles, k.index(fullTiles)) : tiles;
      auto values = k.loop(k.index(0), unknown(end), 1, state.flatten(), [&](Value tile, ValueRange carried) {
        return addTile(state.with(carried), tile, stream.enter(tile), c.keys).flatten();
      });
      state = state.with(values);
    }
    if (tail) {
      auto last = [&](const RowState &before) {
        Value tile = k.index(fullTiles);
        return addTile(before, tile, stream.enter(tile, /*isFirst=*/fullTiles == 0), tail);
      };
      if (s.causal && c.rowBlocks > 1)
        state = state.with(k.choose(
            k.less(k.index(fullTiles), tiles), [&] { return last(state).flatten(); }, [&] { return state.flatten(); }));
      else
        state = last(state);
    }
    finish(state);
  }

private:
  RowState start() {
    RowState state;
    if (wantsOutput)
      state.outputs = fragments.zeros(block.tiles, s.sliceColumns / 8);
    Value lowest = k.constant(-std::numeric_limits<double>::infinity()), zero = k.constant(0);
    state.top.assign(block.tiles, {lowest, lowest});
    state.sum.assign(block.tiles, {zero, zero});
    if (s.element.isBF16())
      state.weight.assign(block.tiles, {zero, zero});
    return state;
  }

  /// The factor inside the exponent. Scores are scaled before the maximum is taken only where the scale would turn
  /// their order or something is added to them.
  bool scalesFirst() const { return s.scale <= 0 || mask; }
  double factor() const { return (scalesFirst() ? 1 : s.scale) * powerBase(); }

  Value rowOf(int64_t tile, int64_t half) {
    return k.add(k.add(k.add(firstRow, k.mul(warp, 16 * block.tiles)), quadRow), 16 * tile + 8 * half);
  }

  /// Scores of `keys` keys of the tile in `stage`, minus infinity where a query may not look.
  TileGrid scoresOf(Value tile, Value stage, int64_t keys) {
    TileGrid scores = fragments.multiplyRows(queryRows, stage, block.tiles, ceilDiv(keys, 16) * 2, s.steps());
    Value lowest = k.constant(-std::numeric_limits<double>::infinity()), scale = k.constant(s.scale);
    Value seen = k.sub(k.sub(k.index(s.keys), k.mul(tile, c.keys)), quadColumn); // of this lane's columns
    for (auto [m, row] : llvm::enumerate(scores))
      for (auto [n, sums] : llvm::enumerate(row))
        for (int64_t e = 0; e < 4; ++e) {
          Value limit = seen;
          if (s.causal)
            limit = k.sub(k.sub(k.add(rowOf(m, e / 2), 1), k.mul(tile, c.keys)), quadColumn);
          if (mask) {
            Value key = k.add(k.add(k.mul(tile, c.keys), quadColumn), n * 8 + e % 2);
            sums[e] = k.fma(sums[e], scale, maskOf(rowOf(m, e / 2), key));
          } else if (scalesFirst()) {
            sums[e] = k.mulf(sums[e], scale);
          }
          if (s.causal || static_cast<int64_t>(n + 1) * 8 > keys)
            sums[e] = k.select(k.less(k.index(n * 8 + e % 2), limit), sums[e], lowest);
        }
    return scores;
  }

  /// Takes the scores of one row into its maximum, turns them into powers in place, and returns what earlier sums are
  /// to be multiplied by. `weight`: null in f32.
  Value addRow(MutableArrayRef<Tile> scores, int64_t half, Value &top, Value &sum, Value *weight) {
    Value newTop = top;
    for (Tile &tile : scores)
      for (int64_t e = 2 * half; e < 2 * half + 2; ++e)
        newTop = k.maxNumber(newTop, tile[e]);
    for (int64_t distance : {1, 2}) // of the row's four lanes
      newTop = k.maxNumber(newTop, k.shuffleXor(newTop, distance));
    Value lowest = k.constant(-std::numeric_limits<double>::infinity());
    // A row that has seen nothing but minus infinity stays at zero: the difference of two infinities would be NaN.
    Value finite =
        k.select(arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, newTop, lowest), k.constant(0), newTop);
    Value by = k.constant(factor()), shift = k.negf(k.mulf(finite, by));
    Value decay = power(k.fma(top, by, shift));
    Value newSum = k.mulf(sum, decay), newWeight = weight ? k.mulf(*weight, decay) : Value();
    for (Tile &tile : scores)
      for (int64_t e = 2 * half; e < 2 * half + 2; ++e) {
        tile[e] = power(k.fma(tile[e], by, shift));
        newSum = k.addf(newSum, tile[e]);
        if (weight)
          newWeight = k.addf(newWeight, tile[e] = k.roundTo(s.element, tile[e]));
      }
    top = newTop;
    sum = newSum;
    if (weight)
      *weight = newWeight;
    return decay;
  }

  RowState addTile(RowState state, Value tile, Value stage, int64_t keys) {
    TileGrid scores = scoresOf(tile, stage, keys);
    for (int64_t m = 0; m < block.tiles; ++m)
      for (int64_t half = 0; half < 2; ++half) {
        Value *weight = state.weight.empty() ? nullptr : &state.weight[m][half];
        Value decay = addRow(scores[m], half, state.top[m][half], state.sum[m][half], weight);
        if (wantsOutput)
          for (Tile &sums : state.outputs[m])
            for (int64_t e = 2 * half; e < 2 * half + 2; ++e)
              sums[e] = k.mulf(sums[e], decay);
      }
    if (wantsOutput)
      fragments.accumulate(state.outputs, scores, sliceOf(offset(stage, c.tileBytes(s))), groups);
    return state;
  }

  void finish(RowState &state) {
    for (auto *statistics : {&state.sum, &state.weight})
      for (auto &row : *statistics)
        for (Value &sum : row)
          sum = k.sumLanes(sum, 4);
    if (wantsOutput)
      storeOutputs(state);
    SmallVector<unsigned> yields = body.yieldsOf(1);
    if (yields.empty())
      return;
    for (int64_t m = 0; m < block.tiles; ++m)
      for (int64_t half = 0; half < 2; ++half) {
        Value row = rowOf(m, half), top = k.mulf(state.top[m][half], k.constant(scalesFirst() ? 1 : s.scale));
        Value writes = k.both(k.both(k.less(row, s.queries), k.equal(quadColumn, k.index(0))), active);
        if (s.slices > 1)
          writes = k.both(writes, k.equal(slice, k.index(0)));
        k.when(writes, [&] {
          Value lse = k.addf(top, math::log(k, state.sum[m][half]));
          if (mask)
            lse = k.select(isZero(state.sum[m][half]), k.constant(-std::numeric_limits<double>::infinity()), lse);
          for (unsigned y : yields)
            k.store(lse, f.result(y), k.add(statisticsBase(), row), k.f32Type());
        });
      }
  }

  Value isZero(Value sum) { return arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, sum, k.constant(0)); }

  void storeOutputs(RowState &state) {
    for (int64_t m = 0; m < block.tiles; ++m)
      for (int64_t half = 0; half < 2; ++half) {
        Value sum = (state.weight.empty() ? state.sum : state.weight)[m][half];
        Value inverse = k.divf(k.constant(1), sum);
        if (mask) // a query that sees no key
          inverse = k.select(isZero(sum), k.constant(0), inverse);
        for (Tile &sums : state.outputs[m])
          for (int64_t e = 2 * half; e < 2 * half + 2; ++e)
            sums[e] = k.mulf(sums[e], inverse);
      }
    storeRows(Output{targetsOf(0, s.queries), state.outputs, {}}, k.add(firstRow, k.mul(warp, 16 * block.tiles)),
              s.queries);
  }

  const ForwardConfig &c;
  AttentionOp op;
  bool wantsOutput = false;
  Value firstRow;  // of the block
  Value queryRows; // of the warp, in shared memory
};

class AttentionEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &target, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<AttentionOp>(body.anchor);
    if (!op || !llvm::all_of(ValueRange{op.getQuery(), op.getKey(), op.getValue()}, hasHeadRows) ||
        (op.getMask() && !inputAccess(op.getMask())) ||
        !llvm::all_of(body.yields, [&](Value yield) { return yield.getDefiningOp() == op; })) {
      why = "expected attention on rows of consecutive elements, without an epilogue";
      return false;
    }
    AttentionShape shape(op);
    if (configure(shape, target).stages)
      return true;
    why = "expected heads whose tiles fit in the shared memory of " + target.chip + ", got a head depth of " +
          std::to_string(shape.depth);
    return false;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &target) const override {
    KernelBody body(kernel);
    AttentionShape s(cast<AttentionOp>(body.anchor));
    ForwardConfig c = configure(s, target);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = ceilDiv(s.pairs(), c.block.pairs) * c.rowBlocks * s.slices;
    plan.launches[0].threads = c.block.threads();
    plan.launches[0].shared = c.sharedBytes(s);
    plan.launches[0].instructions = instructionsOf(body, s, c);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &target, const KernelPlan &plan, unsigned launch,
                     StringRef symbol, ModuleOp module) const override {
    KernelBody body(kernel);
    AttentionShape s(cast<AttentionOp>(body.anchor));
    ForwardConfig c = configure(s, target);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    ForwardCode(f, body, s, c).emit();
    f.k.finish();
    return success();
  }

private:
  static TileInstructions instructionsOf(const KernelBody &body, const AttentionShape &s, const ForwardConfig &c) {
    auto op = cast<AttentionOp>(body.anchor);
    bool wantsOutput = !body.yieldsOf(0).empty();
    AttentionInstructions counts(s, c.block);
    int64_t fullTiles = s.keys / c.keys, tail = s.keys % c.keys;
    counts.copyRows(op.getQuery(), c.block.rows());
    // Two stages: before the loop and in it, whose last round starts the tail. One: where the tile is used.
    int64_t copies = c.stages > 1 ? 2 : (fullTiles > 0) + (tail > 0);
    for (int64_t i = 0; i < copies; ++i) {
      counts.copyRows(op.getKey(), c.keys);
      if (wantsOutput)
        counts.copyRows(op.getValue(), c.keys);
    }
    for (int64_t keys : {fullTiles ? c.keys : 0, tail})
      if (keys) {
        int64_t columns = roundUp(keys, 16);
        counts.multiplyRows(columns, s.causal ? columns : keys); // where the mask depends on the row, all are used
        if (wantsOutput)
          counts.accumulate(columns);
      }
    return counts.total();
  }
};

} // namespace

const Emitter &cuda::attentionEmitter() {
  static const AttentionEmitter emitter;
  return emitter;
}
