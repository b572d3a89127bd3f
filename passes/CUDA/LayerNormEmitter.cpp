// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layer normalisation and its gradient: one pass over memory, rows in registers, statistics in f32 by two passes over
// those.
#include "passes/CUDA/ColumnSums.h"
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/RowTile.h"
#include "passes/Kernels/Elementwise.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

bool canEvaluateAll(ValueRange values, Operation *anchor) {
  return llvm::all_of(values, [&](Value value) { return canEvaluate(value, anchor); });
}

/// Whether the results of the anchor but the first are stored as they are, and the first has an epilogue that can be
/// evaluated.
bool hasPlainEpilogue(const KernelBody &body) {
  for (unsigned i = 0; i < body.anchor->getNumResults(); ++i)
    for (unsigned y : body.yieldsOf(i))
      if (i == 0 ? !canEvaluate(body.yields[y], body.anchor) : body.yields[y] != body.anchor->getResult(i))
        return false;
  return true;
}

SmallVector<Value> yieldedValues(const KernelBody &body, unsigned result) {
  return llvm::map_to_vector(body.yieldsOf(result), [&](unsigned i) { return body.yields[i]; });
}

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

class LayerNormEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    if (isa_and_nonnull<LayerNormOp>(body.anchor) && canEvaluateAll(body.anchor->getOperands(), nullptr) &&
        hasPlainEpilogue(body))
      return true;
    why = "expected 'vlp.layer_norm' of strided accesses, with an epilogue on its first result only";
    return false;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    RowTile tile = tileOf(body);
    KernelPlan plan;
    plan.launches.push_back(makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = tile.blocks();
    plan.launches[0].threads = tile.threads;
    plan.launches[0].shared = tile.scratchBytes();
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    auto op = cast<LayerNormOp>(body.anchor);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    KernelBuilder &k = f.k;
    RowTile tile = tileOf(body);
    RowThread row(f, tile, body.shape(op.getResult()));
    using Slot = RowThread::Slot;
    row.start();
    RowThread::Elements x = row.read(op.getInput());
    Value share = k.constant(1.0 / tile.columns);
    Value mean = k.mulf(row.sum([&](Slot slot) { return x.at(slot); }), share), meanVector = row.splat(mean);
    RowThread::Elements centred = row.map([&](Slot slot) { return k.subf(x.at(slot), meanVector); });
    Value squares = row.sum([&](Slot slot) { return k.mulf(centred.at(slot), centred.at(slot)); });
    Value variance = k.mulf(squares, share);
    Value rstd = k.divf(k.constant(1), k.sqrt(k.addf(variance, k.constant(op.getEps().convertToDouble()))));
    Value rstdVector = row.splat(rstd);
    row.store(op.getResult(), body.yieldsOf(0), [&](Slot slot) {
      Value gamma = row.evaluate(op.getGamma(), slot), beta = row.evaluate(op.getBeta(), slot);
      return k.fma(k.mulf(centred.at(slot), rstdVector), gamma, beta);
    });
    row.once([&] {
      for (unsigned i : body.yieldsOf(1))
        k.store(mean, f.result(i), row.row, elementOf(body.yields[i]));
      for (unsigned i : body.yieldsOf(2))
        k.store(rstd, f.result(i), row.row, elementOf(body.yields[i]));
    });
    k.finish();
    return success();
  }

private:
  static RowTile tileOf(const KernelBody &body) {
    auto op = cast<LayerNormOp>(body.anchor);
    auto shape = body.shape(op.getResult());
    SmallVector<Value> values = yieldedValues(body, 0);
    values.append({op.getInput(), op.getGamma(), op.getBeta()});
    // 52 elements are a row of 1664 in a warp; 512 threads may have 128 registers each.
    return chooseRowTile(rowsOf(shape), columnsOf(shape), rowWidth(values, shape),
                         {/*warp=*/56, /*block=*/48, /*threads=*/512}, isStrided(op.getInput(), shape));
  }
};

/// The gradient's rows: a block has `blockRows` rows that follow one another and sums dgamma and dbeta over them.
struct GradTile {
  explicit GradTile(const KernelBody &body) {
    auto op = cast<LayerNormGradOp>(body.anchor);
    auto shape = body.shape(op.getInput());
    SmallVector<Value> values = yieldedValues(body, 0);
    values.append({op.getInput(), op.getGamma(), op.getGradient()});
    // An element takes up to six registers: x, dy and gamma as they arrive, xhat, and two sums. Some shapes spill
    // with 24.
    RowBudget budget{/*warp=*/16, /*block=*/16, /*threads=*/256, /*shared=*/16};
    tile = chooseRowTile(rowsOf(shape), columnsOf(shape), rowWidth(values, shape), budget, /*isStrided=*/false);
    if (!tile.isBlockWide())
      tile.threads = std::min(tile.threads, 4 * kWarp);
    int64_t atOnce = tile.rowsPerBlock();
    int64_t mostBlocks = std::max(kMaxBlocks, kMaxThreads / tile.threads);
    blockRows = ceilDiv(std::max<int64_t>(2, ceilDiv(tile.rows, mostBlocks)), atOnce) * atOnce;
    blocks = ceilDiv(tile.rows, blockRows);
    wantsSums = !body.yieldsOf(1).empty() || !body.yieldsOf(2).empty();
  }

  /// Blocks, and so partial sums, at most: three for each of 132 multiprocessors, more where they are small. With the
  /// registers that they take (90 to 190 a thread) all of them run at once on 132, and on 108 those of 64 threads do.
  static constexpr int64_t kMaxBlocks = 384, kMaxThreads = 49152;

  RowTile tile;
  int64_t blockRows, blocks;
  bool wantsSums;

  int64_t warps() const { return tile.threads / kWarp; }
  /// Sums that the warps of a block hand over; the row reductions' scratch where the block has one row at a time.
  int64_t sharedBytes() const {
    bool handsOver = wantsSums && !tile.isBlockWide() && warps() > 1;
    return handsOver ? warps() * tile.columns * 4 : tile.scratchBytes();
  }
  /// dgamma beside dbeta, summed over the blocks.
  ColumnTile sums() const { return chooseColumnTile(1, blocks, 2 * tile.columns, 1, /*mayCut=*/false); }
};

/// What a block does.
class GradBlock {
  using Slot = RowThread::Slot;

public:
  GradBlock(LaunchFunction &f, const KernelBody &body, const GradTile &grad)
      : f(f), k(f.k), body(body), grad(grad), tile(grad.tile), op(cast<LayerNormGradOp>(body.anchor)),
        row(f, tile, body.shape(op.getInput())) {}

  void emit() {
    bool inRegisters = grad.wantsSums && tile.resident;
    if (grad.wantsSums)
      partial = k.address(f.partial(0), k.mul(k.block, 2 * tile.columns), k.f32Type());
    if (grad.wantsSums && !tile.resident)
      row.forEach([&](ArrayRef<Slot> slots) {
        for (Slot slot : slots)
          for (int64_t part : {0, 1})
            storePartial(row.splat(0.0), slot, part);
      });
    // The rows of a warp, or of a block that has one at a time; bounds are equal in a warp, so that its lanes reduce
    // together.
    int64_t together = tile.isBlockWide() ? 1 : kWarp / tile.lanes;
    Value from = k.mul(k.block, grad.blockRows), first = from;
    Value to = k.min(k.add(from, grad.blockRows), k.index(tile.rows));
    if (!tile.isBlockWide())
      first = k.add(from, k.mul(k.warp(), together));
    SmallVector<Value> sums(inRegisters ? 2 * tile.slots : 0, row.splat(0.0));
    sums = k.loop(first, to, tile.rowsPerBlock(), sums, [&](Value base, ValueRange in) {
      Value own = together == 1 ? base : k.add(base, k.div(k.lane(), tile.lanes));
      row.moveTo(own, tile.rows % together == 0 ? Value() : k.less(own, tile.rows));
      SmallVector<Value> next = emitRow(SmallVector<Value>(in));
      if (tile.isBlockWide())
        k.barrier(); // the next row reduces through the same scratch
      return next;
    });
    if (inRegisters)
      storeSums(sums);
  }

private:
  SmallVector<Value> emitRow(SmallVector<Value> sums) {
    Value mean = row.splat(row.evaluateScalar(op.getMean())), rstdScalar = row.evaluateScalar(op.getRstd());
    Value rstd = row.splat(rstdScalar);
    RowThread::Elements x = row.read(op.getInput()), dy = row.read(op.getGradient());
    RowThread::Elements xhat = row.map([&](Slot slot) { return k.mulf(k.subf(x.at(slot), mean), rstd); });
    RowThread::Elements gamma = row.read(op.getGamma());
    RowThread::Elements scaled = row.map([&](Slot slot) { return k.mulf(dy.at(slot), gamma.at(slot)); });
    if (grad.wantsSums)
      sums = accumulate(sums, xhat, dy);
    SmallVector<Value> totals = row.sums(2, [&](Slot slot) {
      return SmallVector<Value>{scaled.at(slot), k.mulf(scaled.at(slot), xhat.at(slot))};
    });
    Value share = k.constant(1.0 / tile.columns);
    Value meanG = row.splat(k.mulf(totals[0], share)), meanGX = row.splat(k.mulf(totals[1], share));
    row.store(op.getInputGradient(), body.yieldsOf(0), [&](Slot slot) {
      Value centred = k.subf(k.subf(scaled.at(slot), meanG), k.mulf(xhat.at(slot), meanGX));
      return k.mulf(rstd, centred);
    });
    return sums;
  }

  /// Adds dy xhat and dy to the sums: in registers, or in the block's partial buffer, where each element belongs to one
  /// thread.
  SmallVector<Value> accumulate(SmallVector<Value> sums, const RowThread::Elements &xhat,
                                const RowThread::Elements &dy) {
    auto terms = [&](Slot slot) {
      std::pair<Value, Value> term = {k.mulf(dy.at(slot), xhat.at(slot)), dy.at(slot)};
      if (!row.isRow)
        return term;
      Value zero = row.splat(0.0);
      return std::pair<Value, Value>{k.select(row.isRow, term.first, zero), k.select(row.isRow, term.second, zero)};
    };
    if (tile.resident) {
      for (int64_t i = 0; i < tile.slots; ++i) {
        auto [product, plain] = terms({Value(), i});
        sums[2 * i] = k.addf(sums[2 * i], product);
        sums[2 * i + 1] = k.addf(sums[2 * i + 1], plain);
      }
      return sums;
    }
    row.forEach([&](ArrayRef<Slot> slots) {
      for (Slot slot : slots) {
        auto [product, plain] = terms(slot);
        storePartial(k.addf(loadPartial(slot, 0), product), slot, 0);
        storePartial(k.addf(loadPartial(slot, 1), plain), slot, 1);
      }
    });
    return sums;
  }

  Value loadPartial(Slot slot, int64_t part) {
    Type type = tile.width == 1 ? k.f32Type() : Type(VectorType::get({tile.width}, k.f32Type()));
    return k.rawLoad(partial, k.add(slot.column, part * tile.columns), type, tile.width * 4);
  }
  void storePartial(Value value, Slot slot, int64_t part) {
    k.rawStore(value, partial, k.add(slot.column, part * tile.columns), tile.width * 4);
  }

  /// The registers of all threads into the partial buffer, over the rows of a warp by shuffles and over the warps
  /// through shared memory.
  void storeSums(ArrayRef<Value> sums) {
    for (int64_t part : {0, 1}) {
      SmallVector<Value> own;
      for (int64_t i = 0; i < tile.slots; ++i)
        own.push_back(tile.isBlockWide() ? sums[2 * i + part] : sumRowsOfWarp(sums[2 * i + part]));
      auto storeOwn = [&](llvm::function_ref<void(Value, Slot)> storeSlot) {
        row.forEach([&](ArrayRef<Slot> slots) {
          for (Slot slot : slots)
            storeSlot(own[slot.number], slot);
        });
      };
      if (tile.isBlockWide() || grad.warps() == 1) {
        auto storeAll = [&] { storeOwn([&](Value value, Slot slot) { storePartial(value, slot, part); }); };
        tile.lanes < kWarp ? k.when(k.less(k.lane(), tile.lanes), storeAll) : storeAll();
        continue;
      }
      Value scratch = k.shared(0), line = k.mul(k.warp(), tile.columns);
      auto handOver = [&] {
        storeOwn([&](Value value, Slot slot) { k.rawStore(value, scratch, k.add(line, slot.column), tile.width * 4); });
      };
      if (part == 1)
        k.barrier(); // dgamma has been read
      tile.lanes < kWarp ? k.when(k.less(k.lane(), tile.lanes), handOver) : handOver();
      k.barrier();
      k.loop(k.thread, k.index(tile.columns), tile.threads, [&](Value column) {
        Value sum = k.loadF32(scratch, column);
        for (int64_t w = 1; w < grad.warps(); ++w)
          sum = k.addf(sum, k.loadF32(scratch, k.add(column, w * tile.columns)));
        k.store(sum, partial, k.add(column, part * tile.columns), k.f32Type());
      });
    }
  }

  /// The sum over the rows that a warp has at a time: lanes at the same place in their rows.
  Value sumRowsOfWarp(Value vector) {
    if (tile.lanes >= kWarp)
      return vector;
    SmallVector<Value> parts = row.elements(vector);
    for (Value &part : parts)
      for (int64_t distance = tile.lanes; distance < kWarp; distance *= 2)
        part = k.addf(part, k.shuffleXor(part, distance));
    return tile.width == 1 ? parts[0] : vector::FromElementsOp::create(k.b, vector.getType(), parts).getResult();
  }

  LaunchFunction &f;
  KernelBuilder &k;
  const KernelBody &body;
  const GradTile &grad;
  const RowTile &tile;
  LayerNormGradOp op;
  RowThread row;
  Value partial; // this block's: dgamma, then dbeta
};

/// One sweep writes dx and sums dgamma and dbeta of a block of rows; a second launch adds the blocks in order.
class LayerNormGradEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    if (isa_and_nonnull<LayerNormGradOp>(body.anchor) && canEvaluateAll(body.anchor->getOperands(), nullptr) &&
        hasPlainEpilogue(body))
      return true;
    why = "expected 'vlp.layer_norm_grad' of strided accesses, with an epilogue on the input's gradient only";
    return false;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    GradTile grad(body);
    KernelPlan plan;
    SmallVector<unsigned> partials;
    if (grad.wantsSums) {
      plan.partials.push_back(grad.blocks * 2 * grad.tile.columns * 4);
      partials.push_back(0);
    }
    // Both launches name all results: the first writes the input's gradient, the second the two sums.
    plan.launches.push_back(makeLaunch(body, "", {}, partials, /*results=*/true));
    plan.launches[0].tasks = grad.blocks;
    plan.launches[0].threads = grad.tile.threads;
    plan.launches[0].shared = grad.sharedBytes();
    if (!grad.wantsSums)
      return plan;
    ColumnTile sums = grad.sums();
    plan.launches.push_back(makeLaunch(body, "_sum", partials, {}, /*results=*/true));
    plan.launches[1].tasks = sums.columnBlocks();
    plan.launches[1].threads = sums.threads();
    plan.launches[1].shared = sums.sharedBytes();
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    GradTile grad(body);
    if (launch == 0)
      GradBlock(f, body, grad).emit();
    else
      emitSums(f, body, grad);
    f.k.finish();
    return success();
  }

private:
  static void emitSums(LaunchFunction &f, const KernelBody &body, const GradTile &grad) {
    KernelBuilder &k = f.k;
    int64_t columns = grad.tile.columns;
    auto read = [&](Value block, Value column) {
      return k.loadF32(f.partial(0), k.add(k.mul(block, 2 * columns), column));
    };
    sumColumns(k, grad.sums(), k.block, k.index(0), read, [&](Value column, Value sum) {
      auto storeAt = [&](unsigned result, Value at) {
        for (unsigned i : body.yieldsOf(result))
          k.store(sum, f.result(i), at, elementOf(body.yields[i]));
      };
      k.when(k.less(column, columns), [&] { storeAt(1, column); });
      k.when(k.less(k.index(columns - 1), column), [&] { storeAt(2, k.add(column, -columns)); });
    });
  }
};

} // namespace

const Emitter &cuda::layerNormEmitter() {
  static const LayerNormEmitter emitter;
  return emitter;
}
const Emitter &cuda::layerNormGradEmitter() {
  static const LayerNormGradEmitter emitter;
  return emitter;
}
