// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matrix products in their three training forms (forward X W^T, input gradient dY W, weight gradient dY^T X) with an
// epilogue.
//
// One launch packs the right operand into panels of one register tile's width; the second computes blocks of 48 x (2
// panels). The left operand is read in place. Where the epilogue is light it works on the accumulators; else, or where
// K is split, the block goes through scratch memory in L1.
#include "passes/CPU/Emitters.h"
#include "passes/CPU/LaunchFunction.h"
#include "passes/CPU/MicroKernel.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

namespace {

constexpr int64_t kBlockRows = 48;     // eight tiles of six rows
constexpr int64_t kMaxUnsplitK = 1024; // 6 rows of A stay in L1 (24 KiB) up to here
constexpr int64_t kSplitK = 512;

/// The product as C[m, n] = sum_k A(m, k) B(k, n), with strides of both operands.
struct Product {
  Product(Operation *op, const TargetInfo &target) : op(op), tile(registerTile(target)) {
    if (auto linear = dyn_cast<LinearOp>(op)) {
      a = *getAccess(linear.getInput());
      b = *getAccess(linear.getWeight());
      aTransposed = false;
      bTransposed = true;
      bias = linear.getBias();
    } else {
      auto matmul = cast<MatmulOp>(op);
      a = *getAccess(matmul.getLhs());
      b = *getAccess(matmul.getRhs());
      aTransposed = matmul.getTransposeLhs();
      bTransposed = matmul.getTransposeRhs();
    }
    auto result = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
    m = rowsOf(result);
    n = columnsOf(result);
    k = b.shape[bTransposed ? 1 : 0];
  }

  Operation *op;
  RegisterTile tile;
  Access a, b;
  bool aTransposed, bTransposed;
  Value bias;
  int64_t m, n, k;

  int64_t bStepK() const { return b.strides[bTransposed ? 1 : 0]; }
  int64_t bStepN() const { return b.strides[bTransposed ? 0 : 1]; }
  int64_t aStepK() const { return a.strides[aTransposed ? 0 : a.rank() - 1]; }
  int64_t panels() const { return ceilDiv(n, tile.columns()); }
  int64_t fullPanels() const { return n / tile.columns(); }
  int64_t tailColumns() const { return n % tile.columns(); }
  int64_t panelsPerBlock() const { return 128 / tile.columns(); }
  int64_t rowBlocks() const { return ceilDiv(m, kBlockRows); }
  int64_t columnBlocks() const { return ceilDiv(panels(), panelsPerBlock()); }
  int64_t tailRows() const { return m % tile.rows; }
  bool splitsK() const { return k > kMaxUnsplitK; }
};

unsigned argumentOf(const Access &access) { return cast<BlockArgument>(access.source).getArgNumber(); }

/// Writes B as panels [panel][k][columns of the tile], zero beyond n: one task a panel.
class Packing {
public:
  Packing(LaunchFunction &f, const Product &p) : k(f.k), p(p), source(f.input(argumentOf(p.b))), target(f.partial(0)) {}

  void emit(int64_t tasks) {
    int64_t full = p.fullPanels();
    k.loop(k.begin, k.min(k.end, k.index(full)), 1, [&](Value panel) { emitPanel(panel, p.tile.columns()); });
    if (p.tailColumns())
      k.when(k.equal(k.end, k.index(tasks)), [&] { emitPanel(k.index(full), p.tailColumns()); });
  }

private:
  void emitPanel(Value panel, int64_t columns) {
    Value base = k.mul(panel, p.k * p.tile.columns());
    Value first = k.mul(panel, p.tile.columns());
    if (p.bStepN() == 1 || p.bStepK() != 1) {
      k.loop(0, p.k, 1, [&](Value row) { emitRow(base, first, row, columns); });
      return;
    }
    int64_t full = p.k / kLanes * kLanes;
    if (full)
      k.loop(0, full, kLanes, [&](Value row) { emitTransposed(base, first, row, kLanes, columns); });
    if (full < p.k)
      emitTransposed(base, first, k.index(full), p.k - full, columns);
  }

  /// One row of a panel from consecutive (or gathered) elements.
  void emitRow(Value base, Value first, Value row, int64_t columns) {
    Access line{Value(), 0, {p.n}, {p.bStepN()}};
    Value start = k.address(source, k.add(k.mul(row, p.bStepK()), p.b.offset));
    for (int64_t j = 0; j < p.tile.vectors; ++j) {
      int64_t lanes = std::clamp<int64_t>(columns - j * kLanes, 0, kLanes);
      Value vector = k.splat(0);
      if (lanes) {
        Point point{line.shape, k.index(0), k.add(first, j * kLanes), lanes, {}};
        vector = k.keep(readStrided(k, start, line, point), lanes, k.splat(0));
      }
      k.store(vector, target, k.add(k.add(base, k.mul(row, p.tile.columns())), j * kLanes));
    }
  }

  /// `depth` rows of a panel from B's columns, sixteen by sixteen.
  void emitTransposed(Value base, Value first, Value row, int64_t depth, int64_t columns) {
    for (int64_t j = 0; j < p.tile.vectors; ++j) {
      SmallVector<Value> lines;
      for (int64_t c = j * kLanes; c < (j + 1) * kLanes; ++c) {
        Value at = k.add(k.add(k.mul(k.add(first, c), p.bStepN()), row), p.b.offset);
        lines.push_back(c < columns ? k.loadVector(source, at, depth) : k.splat(0));
      }
      k.transpose(lines);
      for (int64_t d = 0; d < depth; ++d)
        k.store(lines[d], target, k.add(k.add(base, k.mul(k.add(row, d), p.tile.columns())), j * kLanes));
    }
  }

  KernelBuilder &k;
  const Product &p;
  Value source, target;
};

/// Blocks of C: one task a block, column blocks outermost so that a worker stays on the same panels.
class Blocks {
public:
  Blocks(LaunchFunction &f, const KernelBody &body, const Product &p, bool throughScratch)
      : f(f), k(f.k), body(body), p(p), throughScratch(throughScratch), shape(body.shape(p.op->getResult(0))) {}

  void emit() {
    k.loop(k.begin, k.end, 1, [&](Value task) {
      Value columnBlock = k.div(task, p.rowBlocks()), rowBlock = k.rem(task, p.rowBlocks());
      Value firstRow = k.mul(rowBlock, kBlockRows), firstPanel = k.mul(columnBlock, p.panelsPerBlock());
      Value lastRow = k.min(k.add(firstRow, kBlockRows), k.index(p.m));
      Value lastPanel = k.min(k.add(firstPanel, p.panelsPerBlock()), k.index(p.panels()));
      if (!p.splitsK()) {
        emitProducts(firstRow, lastRow, firstPanel, lastPanel, k.index(0), k.index(p.k));
      } else {
        k.columns(kBlockRows * p.panelsPerBlock() * p.tile.columns(),
                  [&](Value at, int64_t lanes) { k.store(k.splat(0), k.scratch, at, lanes); });
        k.loop(0, p.k, kSplitK, [&](Value from) {
          emitProducts(firstRow, lastRow, firstPanel, lastPanel, from, k.min(k.add(from, kSplitK), k.index(p.k)));
        });
      }
      if (throughScratch)
        emitEpilogue(firstRow, lastRow, firstPanel, lastPanel);
    });
  }

private:
  int64_t scratchPitch() const { return p.panelsPerBlock() * p.tile.columns(); }

  /// Calls `each(panel, columns)` for the block's panels, the narrow last one of the matrix apart.
  void forPanels(Value firstPanel, Value lastPanel, llvm::function_ref<void(Value, int64_t)> each) {
    if (p.fullPanels())
      k.loop(firstPanel, k.min(lastPanel, k.index(p.fullPanels())), 1,
             [&](Value panel) { each(panel, p.tile.columns()); });
    if (p.tailColumns())
      k.when(k.equal(lastPanel, k.index(p.panels())), [&] { each(k.index(p.fullPanels()), p.tailColumns()); });
  }

  void emitProducts(Value firstRow, Value lastRow, Value firstPanel, Value lastPanel, Value from, Value to) {
    forPanels(firstPanel, lastPanel, [&](Value panel, int64_t columns) {
      int64_t full = p.m / p.tile.rows * p.tile.rows;
      auto tile = [&](Value row, int64_t rows) {
        emitTile(row, rows, k.sub(row, firstRow), panel, k.sub(panel, firstPanel), columns, from, to);
      };
      if (full)
        k.loop(firstRow, k.min(lastRow, k.index(full)), p.tile.rows, [&](Value row) { tile(row, p.tile.rows); });
      if (p.tailRows())
        k.when(k.equal(lastRow, k.index(p.m)), [&] { tile(k.index(full), p.tailRows()); });
    });
  }

  TileOperands operandsAt(Value row, int64_t rows, Value panel) {
    TileOperands t;
    t.aPointer = f.input(argumentOf(p.a));
    t.aStep = p.aStepK();
    for (int64_t i = 0; i < rows; ++i) {
      Value at = k.add(row, i);
      if (p.aTransposed) {
        t.aRows.push_back(k.add(k.mul(at, p.a.strides[1]), p.a.offset));
      } else {
        Point point{p.a.shape, at, k.index(0), 1, {}};
        t.aRows.push_back(offsetAt(k, p.a, point));
      }
    }
    t.bPointer = f.partial(0);
    t.bBase = k.mul(panel, p.k * p.tile.columns());
    t.bStep = p.tile.columns();
    return t;
  }

  void emitTile(Value row, int64_t rows, Value rowInBlock, Value panel, Value panelInBlock, int64_t columns, Value from,
                Value to) {
    int64_t vectors = ceilDiv(columns, kLanes);
    auto scratchIndex = [&](int64_t i, int64_t j) {
      Value line = k.mul(k.add(rowInBlock, i), scratchPitch());
      return k.add(k.add(line, k.mul(panelInBlock, p.tile.columns())), j * kLanes);
    };
    SmallVector<Value> accumulators(rows * vectors, k.splat(0));
    if (p.splitsK())
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < vectors; ++j)
          accumulators[i * vectors + j] = k.loadVector(k.scratch, scratchIndex(i, j));
    accumulators = multiplyTile(k, operandsAt(row, rows, panel), vectors, from, to, accumulators);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < vectors; ++j) {
        if (throughScratch)
          k.store(accumulators[i * vectors + j], k.scratch, scratchIndex(i, j));
        else
          finishVector(k.add(row, i), k.add(k.mul(panel, p.tile.columns()), j * kLanes),
                       std::min(kLanes, columns - j * kLanes), accumulators[i * vectors + j]);
      }
  }

  void emitEpilogue(Value firstRow, Value lastRow, Value firstPanel, Value lastPanel) {
    forPanels(firstPanel, lastPanel, [&](Value panel, int64_t columns) {
      k.loop(firstRow, lastRow, 1, [&](Value row) {
        k.columns(columns, [&](Value column, int64_t lanes) {
          Value line = k.mul(k.sub(row, firstRow), scratchPitch());
          Value at = k.add(k.add(line, k.mul(k.sub(panel, firstPanel), p.tile.columns())), column);
          finishVector(row, k.add(k.mul(panel, p.tile.columns()), column), lanes, k.loadVector(k.scratch, at));
        });
      });
    });
  }

  void finishVector(Value row, Value column, int64_t lanes, Value product) {
    Point point{shape, row, column, lanes, {}};
    if (p.bias) {
      f.expression.start();
      product = k.addf(product, f.expression.evaluate(p.bias, point));
    }
    f.storeYields(point, {{p.op->getResult(0), product}}, body.yieldsOf(0));
  }

  LaunchFunction &f;
  KernelBuilder &k;
  const KernelBody &body;
  const Product &p;
  bool throughScratch;
  ArrayRef<int64_t> shape;
};

class MatmulEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &target, std::string &why) const override {
    KernelBody body(kernel);
    if (isa_and_nonnull<LinearOp, MatmulOp>(body.anchor) && inputAccess(body.anchor->getOperand(0)) &&
        inputAccess(body.anchor->getOperand(1)) &&
        llvm::all_of(body.yields, [&](Value value) { return canEvaluate(value, body.anchor); }))
      return true;
    why = "expected 'vlp.linear' or 'vlp.matmul' of strided accesses with an elementwise epilogue";
    return false;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &target) const override {
    KernelBody body(kernel);
    Product p(body.anchor, target);
    KernelPlan plan;
    plan.partials.push_back(p.panels() * p.k * p.tile.columns() * 4);
    plan.launches.push_back(makeLaunch(body, "_pack", {}, {0}, /*results=*/false));
    plan.launches[0].tasks = p.panels();
    plan.launches.push_back(makeLaunch(body, "", {0}, {}, /*results=*/true));
    plan.launches[1].tasks = p.rowBlocks() * p.columnBlocks();
    if (throughScratch(body, p))
      plan.launches[1].scratch = kBlockRows * p.panelsPerBlock() * p.tile.columns() * 4;
    plan.inPlace = elementwiseInPlace(body);
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &target, const KernelPlan &plan, unsigned launch,
                     StringRef symbol, ModuleOp module) const override {
    KernelBody body(kernel);
    Product p(body.anchor, target);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    if (launch == 0)
      Packing(f, p).emit(plan.launches[0].tasks);
    else
      Blocks(f, body, p, throughScratch(body, p)).emit();
    f.k.finish();
    return success();
  }

private:
  /// Light epilogues (bias, a residual, a scale) stay in registers; others would multiply the code of 24 vectors.
  static bool throughScratch(const KernelBody &body, const Product &p) {
    if (p.splitsK())
      return true;
    int64_t light = 0;
    for (Operation &op : body.kernel.getBody().front())
      if (op.hasTrait<Elementwise>()) {
        if (!isa<AddOp, SubOp, MulOp, AccumulateOp>(op))
          return true;
        ++light;
      }
    return light > 2;
  }
};

} // namespace

const Emitter &cpu::matmulEmitter() {
  static const MatmulEmitter emitter;
  return emitter;
}
