// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention and its gradient: one task a (batch, head) pair. Keys (and values, in the gradient) are transposed once
// into scratch, six query rows at a time meet all keys, and the row of scores stays in L1, so no online softmax is
// needed (up to about 1,000 keys).
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/CPU/MicroKernel.h"
#include "passes/Kernels/VectorMath.h"
#include <limits>

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

/// One head of a [B, S, D] tensor inside a task: rows of `depth` elements.
struct HeadRows {
  Value pointer;
  Value base; // first element of the head's first row
  int64_t rowStep;
  int64_t elementStep;
};

struct Geometry {
  template <typename OpTy>
  Geometry(OpTy op, const TargetInfo &target) : tile(registerTile(target)) {
    auto query = cast<RankedTensorType>(op.getQuery().getType()).getShape();
    batch = query[0];
    queries = query[1];
    width = query[2];
    keys = cast<RankedTensorType>(op.getKey().getType()).getShape()[1];
    heads = op.getHeads();
    depth = width / heads;
    keyPitch = ceilDiv(keys, kLanes) * kLanes;
    scale = op.getScale().convertToDouble();
    causal = op.getCausal();
  }
  RegisterTile tile;
  int64_t batch, queries, keys, width, heads, depth, keyPitch;
  double scale;
  bool causal;
};

/// Loops and products shared by the forward and the gradient.
class HeadCode {
public:
  HeadCode(LaunchFunction &f, const Geometry &g, Value task)
      : f(f), k(f.k), g(g), task(task), batch(k.div(task, g.heads)), head(k.rem(task, g.heads)) {}

protected:
  HeadRows rowsOfHead(Value operand) {
    FailureOr<Access> access = getAccess(operand);
    Value base = k.add(k.mul(batch, access->strides[0]), k.mul(head, g.depth * access->strides[2]));
    Value pointer = f.input(cast<BlockArgument>(access->source).getArgNumber());
    return {pointer, k.add(base, access->offset), access->strides[1], access->strides[2]};
  }
  /// The head's rows of a dense result with `pitch` elements a row, at column `first`.
  HeadRows rowsOfResult(Value pointer, int64_t rows, int64_t pitch, int64_t first) {
    Value base = k.add(k.add(k.mul(batch, rows * pitch), k.mul(head, g.depth)), first);
    return {pointer, base, pitch, 1};
  }

  /// scratch[target + d keyPitch + j] = source(j, d), zero for j beyond the keys.
  void transposeKeys(const HeadRows &source, int64_t target) {
    Value pointer = k.scratchAt(target);
    auto block = [&](Value key, int64_t rows) {
      k.columns(g.depth, [&](Value d, int64_t depth) {
        SmallVector<Value> lines;
        for (int64_t r = 0; r < kLanes; ++r) {
          Value at = k.add(k.add(source.base, k.mul(k.add(key, r), source.rowStep)), d);
          lines.push_back(r < rows ? k.loadVector(source.pointer, at, depth) : k.splat(0));
        }
        k.transpose(lines);
        for (int64_t r = 0; r < depth; ++r)
          k.store(lines[r], pointer, k.add(k.mul(k.add(d, r), g.keyPitch), key));
      });
    };
    k.columns(g.keys, block);
  }

  /// scratch[target + r keyPitch + j] = a(first + r) . keys(j), for `rows` rows and all (padded) keys.
  void scores(const HeadRows &a, Value first, int64_t rows, int64_t transposed, Value target) {
    forGroups(g.keyPitch, [&](Value column, int64_t vectors, int64_t) {
      TileOperands t = leftRows(a, first, rows);
      t.bPointer = k.scratchAt(transposed);
      t.bBase = column;
      t.bStep = g.keyPitch;
      auto sums =
          multiplyTile(k, t, vectors, k.index(0), k.index(g.depth), SmallVector<Value>(rows * vectors, k.splat(0)));
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < vectors; ++j)
          k.store(sums[i * vectors + j], target, k.add(k.add(column, i * g.keyPitch), j * kLanes));
    });
  }

  /// Calls `store(row, column, lanes, vector)` with sum_k a(i, k) b(k, :) over the head's depth.
  void product(TileOperands t, const HeadRows &b, Value to,
               llvm::function_ref<void(int64_t, Value, int64_t, Value)> store) {
    int64_t rows = t.aRows.size();
    forGroups(g.depth, [&](Value column, int64_t vectors, int64_t lastLanes) {
      t.bPointer = b.pointer;
      t.bBase = k.add(b.base, column);
      t.bStep = b.rowStep;
      t.lastLanes = lastLanes;
      auto sums = multiplyTile(k, t, vectors, k.index(0), to, SmallVector<Value>(rows * vectors, k.splat(0)));
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < vectors; ++j)
          store(i, k.add(column, j * kLanes), j + 1 == vectors ? lastLanes : kLanes, sums[i * vectors + j]);
    });
  }

  TileOperands leftRows(const HeadRows &a, Value first, int64_t rows) {
    TileOperands t;
    t.aPointer = a.pointer;
    t.aStep = a.elementStep;
    for (int64_t i = 0; i < rows; ++i)
      t.aRows.push_back(k.add(a.base, k.mul(k.add(first, i), a.rowStep)));
    return t;
  }

  /// Calls `each(first, rows)` for all of `total` rows, a register tile at a time.
  void forRowTiles(int64_t total, llvm::function_ref<void(Value, int64_t)> each) {
    int64_t full = total / g.tile.rows * g.tile.rows;
    if (full)
      k.loop(0, full, g.tile.rows, [&](Value row) { each(row, g.tile.rows); });
    if (full < total)
      each(k.index(full), total - full);
  }

  /// Calls `each(column, vectors, lanes of the last vector)` for groups of at most a register tile's columns.
  void forGroups(int64_t columns, llvm::function_ref<void(Value, int64_t, int64_t)> each) {
    int64_t group = g.tile.columns(), full = columns / group * group;
    if (full)
      k.loop(0, full, group, [&](Value column) { each(column, g.tile.vectors, kLanes); });
    if (int64_t rest = columns - full)
      each(k.index(full), ceilDiv(rest, kLanes), (rest - 1) % kLanes + 1);
  }

  /// What is added to the scaled scores of `query` for keys from `column` on; null if there is no mask.
  template <typename OpTy>
  Value maskOf(OpTy op, Value query, Value column, int64_t lanes) {
    if (!op.getMask())
      return {};
    Access access = *inputAccess(op.getMask());
    auto step = [&](unsigned dimension) { return access.shape[dimension] == 1 ? 0 : access.strides[dimension]; };
    Value row = k.add(k.mul(batch, step(0)), k.add(k.mul(head, step(1)), k.mul(query, step(2))));
    Value pointer = f.input(cast<BlockArgument>(access.source).getArgNumber());
    return k.loadVector(pointer, k.add(k.add(row, access.offset), column), lanes);
  }
  /// `value`, but `instead` where it is minus infinity.
  Value unlessLowest(Value value, Value lowest, Value instead) {
    Value isLowest = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, value, lowest);
    return k.select(isLowest, instead, value);
  }

  /// `vector` of scores of keys from `column` on, with `fill` where query `query` may not look.
  Value masked(Value vector, Value query, Value column, int64_t lanes, Value fill) {
    if (!g.causal)
      return k.keep(vector, lanes, fill);
    Value position = arith::AddIOp::create(k.b, k.broadcast(k.toI32(column)), k.iota());
    Value visible = arith::CmpIOp::create(k.b, arith::CmpIPredicate::sle, position, k.broadcast(k.toI32(query)));
    return k.select(visible, vector, fill);
  }

  LaunchFunction &f;
  KernelBuilder &k;
  const Geometry &g;
  Value task, batch, head;
};

class ForwardCode : public HeadCode {
public:
  ForwardCode(LaunchFunction &f, const KernelBody &body, const Geometry &g, Value task)
      : HeadCode(f, g, task), body(body), op(cast<AttentionOp>(body.anchor)) {}

  /// Scratch in floats: transposed keys, scores of a tile, reciprocal sums.
  static int64_t scoresAt(const Geometry &g) { return g.depth * g.keyPitch; }
  static int64_t sumsAt(const Geometry &g) { return scoresAt(g) + g.tile.rows * g.keyPitch; }
  static int64_t scratchFloats(const Geometry &g) { return sumsAt(g) + kLanes; }

  void emit() {
    transposeKeys(rowsOfHead(op.getKey()), 0);
    HeadRows query = rowsOfHead(op.getQuery()), value = rowsOfHead(op.getValue());
    forRowTiles(g.queries, [&](Value first, int64_t rows) {
      scores(query, first, rows, 0, k.scratchAt(scoresAt(g)));
      k.loop(0, rows, 1, [&](Value row) { softmaxRow(first, row); });
      TileOperands t = leftRows({k.scratchAt(scoresAt(g)), k.index(0), g.keyPitch, 1}, k.index(0), rows);
      Value visible = g.causal ? k.min(k.add(first, rows), k.index(g.keys)) : k.index(g.keys);
      product(t, value, visible, [&](int64_t i, Value column, int64_t lanes, Value sum) {
        Value inverse = k.broadcast(k.loadF32(k.scratchAt(sumsAt(g)), k.index(i)));
        for (unsigned y : body.yieldsOf(0)) {
          HeadRows target = rowsOfResult(f.result(y), g.queries, g.width, 0);
          Value at = k.add(target.base, k.mul(k.add(first, i), target.rowStep));
          k.store(k.mulf(sum, inverse), target.pointer, k.add(at, column), lanes);
        }
      });
    });
  }

private:
  void softmaxRow(Value first, Value row) {
    Value line = k.address(k.scratchAt(scoresAt(g)), k.mul(row, g.keyPitch));
    Value query = k.add(first, row);
    Value lowest = k.splat(-std::numeric_limits<double>::infinity()), scale = k.splat(g.scale);
    auto read = [&](Value column, int64_t lanes) {
      Value score = k.mulf(k.loadVector(line, column), scale);
      if (Value mask = maskOf(op, query, column, lanes))
        score = k.addf(score, mask);
      return masked(score, query, column, lanes, lowest);
    };
    Value top = k.maxLanes(k.columns(
        g.keys, lowest, [&](Value column, int64_t lanes, Value best) { return k.maxf(best, read(column, lanes)); }));
    if (op.getMask()) // a query that sees no key has powers and a sum of zero
      top = unlessLowest(top, k.constant(-std::numeric_limits<double>::infinity()), k.constant(0));
    Value topVector = k.broadcast(top);
    Value sum = k.sumLanes(k.columns(g.keys, k.splat(0), [&](Value column, int64_t lanes, Value sum) {
      Value power = math::exp(k, k.subf(read(column, lanes), topVector));
      k.store(power, line, column);
      return k.addf(sum, power);
    }));
    Value inverse = k.divf(k.constant(1), sum), lse = k.addf(top, math::log(k, sum));
    if (op.getMask()) {
      Value isZero = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, sum, k.constant(0));
      inverse = k.select(isZero, k.constant(0), inverse);
      lse = k.select(isZero, k.constant(-std::numeric_limits<double>::infinity()), lse);
    }
    k.store(inverse, k.scratchAt(sumsAt(g)), row);
    for (unsigned y : body.yieldsOf(1))
      k.store(lse, f.result(y), k.add(k.mul(task, g.queries), query));
  }

  const KernelBody &body;
  AttentionOp op;
};

class GradientCode : public HeadCode {
public:
  GradientCode(LaunchFunction &f, const KernelBody &body, const Geometry &g, Value task)
      : HeadCode(f, g, task), body(body), op(cast<AttentionGradOp>(body.anchor)) {}

  /// Scratch in floats: transposed keys, transposed values, probabilities and score gradients of all queries.
  static int64_t valuesAt(const Geometry &g) { return g.depth * g.keyPitch; }
  static int64_t probabilitiesAt(const Geometry &g) { return 2 * g.depth * g.keyPitch; }
  static int64_t gradientsAt(const Geometry &g) { return probabilitiesAt(g) + g.queries * g.keyPitch; }
  static int64_t scratchFloats(const Geometry &g) { return gradientsAt(g) + g.queries * g.keyPitch; }

  void emit() {
    HeadRows query = rowsOfHead(op.getQuery()), key = rowsOfHead(op.getKey()), gradient = rowsOfHead(op.getGradient());
    transposeKeys(key, 0);
    transposeKeys(rowsOfHead(op.getValue()), valuesAt(g));
    Value probabilities = k.scratchAt(probabilitiesAt(g)), scoreGradients = k.scratchAt(gradientsAt(g));
    forRowTiles(g.queries, [&](Value first, int64_t rows) {
      Value p = k.address(probabilities, k.mul(first, g.keyPitch));
      Value ds = k.address(scoreGradients, k.mul(first, g.keyPitch));
      scores(query, first, rows, 0, p);
      scores(gradient, first, rows, valuesAt(g), ds);
      k.loop(0, rows, 1, [&](Value row) { gradientRow(k.add(first, row), gradient); });
      Value visible = g.causal ? k.min(k.add(first, rows), k.index(g.keys)) : k.index(g.keys);
      product(leftRows({ds, k.index(0), g.keyPitch, 1}, k.index(0), rows), key, visible, storer(0, first, g.queries));
    });
    forRowTiles(g.keys, [&](Value first, int64_t rows) {
      auto transposed = [&](Value matrix) { return leftRows({matrix, k.index(0), 1, g.keyPitch}, first, rows); };
      product(transposed(scoreGradients), query, k.index(g.queries), storer(1, first, g.keys));
      product(transposed(probabilities), gradient, k.index(g.queries), storer(2, first, g.keys));
    });
  }

private:
  /// Turns the raw products of one query into its probabilities and scaled score gradients, in place.
  void gradientRow(Value query, const HeadRows &gradient) {
    HeadRows output = rowsOfHead(op.getOutput());
    Value delta = k.sumLanes(k.columns(g.depth, k.splat(0), [&](Value d, int64_t lanes, Value sum) {
      auto read = [&](const HeadRows &rows) {
        return k.loadVector(rows.pointer, k.add(k.add(rows.base, k.mul(query, rows.rowStep)), d), lanes);
      };
      return k.fma(read(gradient), read(output), sum);
    }));
    FailureOr<Access> lseAccess = getAccess(op.getLse());
    Value lsePointer = f.input(cast<BlockArgument>(lseAccess->source).getArgNumber());
    Value lseIndex = k.add(k.add(k.mul(task, g.queries), query), lseAccess->offset);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    Value rowLse = k.loadF32(lsePointer, lseIndex);
    if (op.getMask()) // a query that sees no key: its powers are zero
      rowLse = unlessLowest(rowLse, k.constant(-kInfinity), k.constant(kInfinity));
    Value lse = k.broadcast(rowLse);
    Value deltaVector = k.broadcast(delta), zero = k.splat(0), scale = k.splat(g.scale);
    Value p = k.address(k.scratchAt(probabilitiesAt(g)), k.mul(query, g.keyPitch));
    Value ds = k.address(k.scratchAt(gradientsAt(g)), k.mul(query, g.keyPitch));
    k.columns(g.keys, [&](Value column, int64_t lanes) {
      Value score = k.mulf(k.loadVector(p, column), scale);
      if (Value mask = maskOf(op, query, column, lanes))
        score = k.addf(score, mask);
      Value power = masked(math::exp(k, k.subf(score, lse)), query, column, lanes, zero);
      Value slope = k.mulf(power, k.subf(k.loadVector(ds, column), deltaVector));
      for (unsigned y : op.getMask() ? body.yieldsOf(3) : SmallVector<unsigned>()) {
        Value row = k.add(k.mul(task, g.queries), query);
        k.store(slope, f.result(y), k.add(k.mul(row, g.keys), column), lanes);
      }
      k.store(power, p, column);
      k.store(k.mulf(slope, scale), ds, column);
    });
  }

  /// Where gradient `index` (query, key, value) goes: a result of its own, or its columns of a concatenated one.
  std::function<void(int64_t, Value, int64_t, Value)> storer(unsigned index, Value first, int64_t rows) {
    Value gradient = op->getResult(index);
    SmallVector<HeadRows> targets;
    for (auto [y, yield] : llvm::enumerate(body.yields)) {
      if (yield == gradient)
        targets.push_back(rowsOfResult(f.result(y), rows, g.width, 0));
      auto concat = yield.getDefiningOp<ConcatOp>();
      if (!concat)
        continue;
      int64_t column = 0;
      for (Value piece : concat.getInputs()) {
        if (piece == gradient)
          targets.push_back(rowsOfResult(f.result(y), rows, columnsOf(body.shape(yield)), column));
        column += columnsOf(body.shape(piece));
      }
    }
    return [this, targets, first](int64_t i, Value column, int64_t lanes, Value sum) {
      for (const HeadRows &target : targets)
        k.store(sum, target.pointer, k.add(k.add(target.base, k.mul(k.add(first, i), target.rowStep)), column), lanes);
    };
  }

  const KernelBody &body;
  AttentionGradOp op;
};

template <typename OpTy, typename Code>
class AttentionEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<OpTy>(body.anchor);
    bool fits = op && llvm::all_of(op->getOperands(), [](Value operand) {
                  std::optional<Access> access = inputAccess(operand);
                  auto type = cast<RankedTensorType>(operand.getType());
                  return access && (type.getRank() < 3 || access->isContiguous() || access->strides.back() == 1);
                });
    for (Value yield : body.yields)
      fits = fits && (yield.getDefiningOp() == body.anchor || isConcatOfGradients(yield, body));
    if (!fits)
      why = "expected attention on rows of consecutive elements, without an epilogue but the concatenation of its "
            "gradients";
    return fits;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &target) const override {
    KernelBody body(kernel);
    Geometry g(cast<OpTy>(body.anchor), target);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = g.batch * g.heads;
    plan.launches[0].scratch = Code::scratchFloats(g) * 4;
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &target, const KernelPlan &plan, unsigned launch,
                     StringRef symbol, ModuleOp module) const override {
    KernelBody body(kernel);
    Geometry g(cast<OpTy>(body.anchor), target);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    f.k.loop(f.k.begin, f.k.end, 1, [&](Value task) { Code(f, body, g, task).emit(); });
    f.k.finish();
    return success();
  }

private:
  static bool isConcatOfGradients(Value yield, const KernelBody &body) {
    auto concat = yield.getDefiningOp<ConcatOp>();
    if (!concat || concat.getAxis() != 2)
      return false;
    return llvm::all_of(concat.getInputs(), [&](Value piece) { return piece.getDefiningOp() == body.anchor; });
  }
};

} // namespace

const Emitter &cpu::attentionEmitter() {
  static const AttentionEmitter<AttentionOp, ForwardCode> emitter;
  return emitter;
}
const Emitter &cpu::attentionGradEmitter() {
  static const AttentionEmitter<AttentionGradOp, GradientCode> emitter;
  return emitter;
}
