// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums over dimensions and the global norm. Long sums are cut into chunks, whose number follows from the shape; a
// second launch adds the chunks in order.
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

/// A reduce_sum seen as out[row, column] = sum over r (and over the last dimension, if it is reduced) of the input.
struct Reduction {
  explicit Reduction(ReduceSumOp op) : shape(op.getInput().getType().getShape()) {
    SmallVector<bool> reduced(shape.size(), false);
    for (int64_t axis : op.getAxes())
      reduced[axis] = true;
    keepsLast = !shape.empty() && !reduced.back();
    for (int64_t d = 0; d + 1 < static_cast<int64_t>(shape.size()); ++d) {
      (reduced[d] ? reducedDims : keptDims).push_back(d);
      (reduced[d] ? terms : rows) *= shape[d];
    }
    columns = keepsLast ? shape.back() : 1;
    chunks = terms >= 512 ? std::min<int64_t>(64, ceilDiv(terms, 128)) : 1;
    chunkTerms = ceilDiv(terms, chunks);
    chunks = ceilDiv(terms, chunkTerms);
    blocks = ceilDiv(columns, kBlock);
  }

  /// Columns that one task sums at a time: eight vectors.
  static constexpr int64_t kBlock = 8 * kLanes;

  ArrayRef<int64_t> shape;
  SmallVector<int64_t> keptDims, reducedDims; // leading dimensions only
  bool keepsLast = false;
  int64_t rows = 1, columns = 1; // of the result
  int64_t terms = 1;             // leading elements summed into one
  int64_t chunks = 1, chunkTerms = 1, blocks = 1;

  int64_t tasks() const { return rows * chunks * blocks; }
};

class ReduceEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    if (auto op = dyn_cast_or_null<ReduceSumOp>(body.anchor); op && canEvaluate(op.getInput(), nullptr))
      return true;
    if (auto op = dyn_cast_or_null<GlobalNormOp>(body.anchor))
      if (llvm::all_of(op.getInputs(), isWholeTensor))
        return true;
    why = "expected 'vlp.reduce_sum' of elementwise ops on strided accesses, or 'vlp.global_norm' of dense tensors";
    return false;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    if (auto norm = dyn_cast<GlobalNormOp>(body.anchor))
      return planNorm(body, norm);
    Reduction r(cast<ReduceSumOp>(body.anchor));
    KernelPlan plan;
    if (r.chunks == 1) {
      plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
      plan.launches[0].tasks = r.tasks();
      return plan;
    }
    plan.partials.push_back(r.chunks * r.rows * r.columns * 4);
    plan.launches.push_back(makeLaunch(body, "", {}, {0}, /*results=*/false));
    plan.launches[0].tasks = r.tasks();
    plan.launches.push_back(makeLaunch(body, "_sum", {0}, {}, /*results=*/true));
    plan.launches[1].tasks = r.rows;
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    if (auto norm = dyn_cast<GlobalNormOp>(body.anchor)) {
      launch < norm.getInputs().size() ? emitSquares(f, norm, launch) : emitNorm(f, body, norm);
    } else {
      Reduction r(cast<ReduceSumOp>(body.anchor));
      launch == 0 ? emitTasks(f, body, r) : emitSum(f, body, r);
    }
    f.k.finish();
    return success();
  }

private:
  //===--- reduce_sum ---===//

  /// The point of the input for result row `row` and term `term`.
  static Point inputPoint(KernelBuilder &k, const Reduction &r, Value row, Value term, Value column, int64_t lanes) {
    Point point{r.shape, Value(), column, lanes, {}};
    if (r.keptDims.empty()) {
      point.row = term;
    } else if (r.reducedDims.empty()) {
      point.row = row;
    } else if (r.keptDims.back() < r.reducedDims.front()) {
      point.row = k.add(k.mul(row, r.terms), term);
    } else if (r.reducedDims.back() < r.keptDims.front()) {
      point.row = k.add(k.mul(term, r.rows), row);
    } else {
      point.leading.resize(r.shape.size() - 1);
      auto split = [&](Value rest, ArrayRef<int64_t> dims) {
        for (int64_t d : llvm::reverse(dims)) {
          point.leading[d] = d == dims.front() ? rest : k.rem(rest, r.shape[d]);
          rest = k.div(rest, r.shape[d]);
        }
      };
      split(row, r.keptDims);
      split(term, r.reducedDims);
    }
    return point;
  }

  static void emitTasks(LaunchFunction &f, const KernelBody &body, const Reduction &r) {
    KernelBuilder &k = f.k;
    k.loop(k.begin, k.end, 1, [&](Value task) {
      Value block = k.rem(task, r.blocks), rest = k.div(task, r.blocks);
      Value chunk = k.rem(rest, r.chunks), row = k.div(rest, r.chunks);
      Value from = k.mul(chunk, r.chunkTerms);
      Value to = k.min(k.add(from, r.chunkTerms), k.index(r.terms));
      if (!r.keepsLast) {
        emitRowSum(f, body, r, row, chunk, from, to);
        return;
      }
      int64_t full = r.columns / Reduction::kBlock, tail = r.columns % Reduction::kBlock;
      if (full)
        k.when(k.less(block, k.index(full)), [&] {
          emitColumnSums(f, body, r, row, chunk, from, to, k.mul(block, Reduction::kBlock), Reduction::kBlock);
        });
      if (tail)
        k.when(k.equal(block, k.index(full)),
               [&] { emitColumnSums(f, body, r, row, chunk, from, to, k.index(full * Reduction::kBlock), tail); });
    });
  }

  static void emitColumnSums(LaunchFunction &f, const KernelBody &body, const Reduction &r, Value row, Value chunk,
                             Value from, Value to, Value firstColumn, int64_t columns) {
    KernelBuilder &k = f.k;
    auto op = cast<ReduceSumOp>(body.anchor);
    int64_t vectors = ceilDiv(columns, kLanes);
    auto lanesOf = [&](int64_t v) { return std::min(kLanes, columns - v * kLanes); };
    SmallVector<Value> sums =
        k.loop(from, to, 1, SmallVector<Value>(vectors, k.splat(0)), [&](Value term, ValueRange in) {
          SmallVector<Value> next;
          for (int64_t v = 0; v < vectors; ++v) {
            Point point = inputPoint(k, r, row, term, k.add(firstColumn, v * kLanes), lanesOf(v));
            f.expression.start();
            next.push_back(k.addf(in[v], f.expression.evaluate(op.getInput(), point)));
          }
          return next;
        });
    for (int64_t v = 0; v < vectors; ++v)
      storeSum(f, body, r, row, chunk, k.add(firstColumn, v * kLanes), lanesOf(v), sums[v]);
  }

  static void emitRowSum(LaunchFunction &f, const KernelBody &body, const Reduction &r, Value row, Value chunk,
                         Value from, Value to) {
    KernelBuilder &k = f.k;
    auto op = cast<ReduceSumOp>(body.anchor);
    int64_t columns = columnsOf(r.shape);
    Value sum = k.loop(from, to, 1, k.splat(0), [&](Value term, ValueRange in) {
      Value next = k.columns(columns, in[0], [&](Value column, int64_t lanes, Value sum) {
        Point point = inputPoint(k, r, row, term, column, lanes);
        f.expression.start();
        return k.addf(sum, k.keep(f.expression.evaluate(op.getInput(), point), lanes, k.splat(0)));
      });
      return SmallVector<Value>{next};
    })[0];
    storeSum(f, body, r, row, chunk, k.index(0), 1, k.broadcast(k.sumLanes(sum)));
  }

  static void storeSum(LaunchFunction &f, const KernelBody &body, const Reduction &r, Value row, Value chunk,
                       Value column, int64_t lanes, Value sum) {
    KernelBuilder &k = f.k;
    if (r.chunks == 1) {
      storeResult(f, body, r, row, column, lanes, sum);
      return;
    }
    Value line = k.add(k.mul(chunk, r.rows), row);
    k.store(sum, f.partial(0), k.add(k.mul(line, r.columns), column), lanes);
  }

  static void storeResult(LaunchFunction &f, const KernelBody &body, const Reduction &r, Value row, Value column,
                          int64_t lanes, Value sum) {
    KernelBuilder &k = f.k;
    auto op = cast<ReduceSumOp>(body.anchor);
    auto shape = body.shape(op.getResult());
    Point point{shape, row, column, lanes, {}};
    if (!r.keepsLast && !shape.empty()) {
      point.row = k.div(row, shape.back());
      point.column = k.rem(row, shape.back());
    }
    f.storeYields(point, {{op.getResult(), sum}}, body.yieldsOf(0));
  }

  static void emitSum(LaunchFunction &f, const KernelBody &body, const Reduction &r) {
    KernelBuilder &k = f.k;
    k.loop(k.begin, k.end, 1, [&](Value row) {
      k.columns(r.columns, [&](Value column, int64_t lanes) {
        Value sum = k.loop(k.index(0), k.index(r.chunks), 1, k.splat(0), [&](Value chunk, ValueRange in) {
          Value line = k.add(k.mul(chunk, r.rows), row);
          Value at = k.add(k.mul(line, r.columns), column);
          return SmallVector<Value>{k.addf(in[0], k.loadVector(f.partial(0), at, lanes))};
        })[0];
        storeResult(f, body, r, row, column, lanes, sum);
      });
    });
  }

  //===--- global_norm ---===//

  static constexpr int64_t kNormChunk = 16384;
  /// All elements of an input, in any order: a norm does not mind a reshape.
  static bool isWholeTensor(Value input) {
    FailureOr<Access> access = getAccess(input);
    return succeeded(access) && isa<BlockArgument>(access->source) && access->isContiguous() &&
           elements(access->source) == elements(input);
  }
  static int64_t elements(Value input) { return cast<RankedTensorType>(input.getType()).getNumElements(); }

  /// One launch an input (those of equal size share code), then one that adds all chunks.
  static KernelPlan planNorm(const KernelBody &body, GlobalNormOp op) {
    using Kind = LaunchArgument::Kind;
    KernelPlan plan;
    LaunchPlan last;
    last.suffix = "_norm";
    for (auto [i, input] : llvm::enumerate(op.getInputs())) {
      unsigned argument = cast<BlockArgument>(getViewSource(input)).getArgNumber(), partial = i;
      int64_t chunks = ceilDiv(elements(input), kNormChunk);
      plan.partials.push_back(chunks * 4);
      LaunchPlan launch;
      launch.suffix = "_squares" + std::to_string(elements(input));
      launch.arguments = {{Kind::Input, argument}, {Kind::Partial, partial}};
      launch.tasks = chunks;
      plan.launches.push_back(launch);
      last.arguments.push_back({Kind::Partial, partial});
    }
    LaunchPlan all = makeLaunch(body, "", {}, {}, /*results=*/true);
    last.arguments.append(all.arguments.begin(), all.arguments.end());
    last.written = body.numResults();
    plan.launches.push_back(last);
    return plan;
  }

  static void emitSquares(LaunchFunction &f, GlobalNormOp op, unsigned input) {
    KernelBuilder &k = f.k;
    int64_t total = elements(op.getInputs()[input]), full = total / kLanes * kLanes;
    Value source = k.pointers[0], partial = k.pointers[1];
    auto square = [&](Value at, int64_t lanes, Value sum) {
      Value x = k.loadVector(source, at, lanes);
      return k.fma(x, x, sum);
    };
    k.loop(k.begin, k.end, 1, [&](Value task) {
      Value from = k.mul(task, kNormChunk);
      Value to = k.min(k.add(from, kNormChunk), k.index(full));
      Value sum = k.loop(from, to, kLanes, k.splat(0),
                         [&](Value at, ValueRange in) { return SmallVector<Value>{square(at, kLanes, in[0])}; })[0];
      k.store(k.sumLanes(sum), partial, task);
    });
    if (full < total) {
      Value last = k.index(ceilDiv(total, kNormChunk) - 1);
      k.when(k.less(last, k.end), [&] {
        k.when(k.less(k.add(k.begin, -1), last), [&] {
          Value tail = k.sumLanes(square(k.index(full), total - full, k.splat(0)));
          k.store(k.addf(k.loadF32(partial, last), tail), partial, last);
        });
      });
    }
  }

  static void emitNorm(LaunchFunction &f, const KernelBody &body, GlobalNormOp op) {
    KernelBuilder &k = f.k;
    Value sum = k.constant(0);
    for (auto [i, input] : llvm::enumerate(op.getInputs())) {
      Value partial = f.partial(i);
      sum = k.loop(k.index(0), k.index(ceilDiv(elements(input), kNormChunk)), 1, sum, [&](Value chunk, ValueRange in) {
        return SmallVector<Value>{k.addf(in[0], k.loadF32(partial, chunk))};
      })[0];
    }
    Point point{body.shape(op.getResult()), k.index(0), k.index(0), 1, {}};
    f.storeYields(point, {{op.getResult(), k.broadcast(k.sqrt(sum))}}, body.yieldsOf(0));
  }
};

} // namespace

const Emitter &cpu::reduceEmitter() {
  static const ReduceEmitter emitter;
  return emitter;
}
