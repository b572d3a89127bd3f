// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums over dimensions and the global norm. Long sums are cut into chunks, whose number follows from the shape; a
// second launch adds the chunks in order.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CUDA/ColumnSums.h"
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/RowTile.h"
#include "passes/Kernels/Elementwise.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

constexpr int64_t kThreads = 256;

Value zeros(KernelBuilder &k, int64_t width) {
  Type type = width == 1 ? k.f32Type() : Type(VectorType::get({width}, k.f32Type()));
  return arith::ConstantOp::create(k.b, k.b.getZeroAttr(type));
}

/// The sum of a vector's elements, or the scalar.
Value sumElements(KernelBuilder &k, Value vector) {
  auto type = dyn_cast<VectorType>(vector.getType());
  if (!type)
    return vector;
  Value sum = vector::ExtractOp::create(k.b, vector, 0);
  for (int64_t i = 1; i < type.getNumElements(); ++i)
    sum = k.addf(sum, vector::ExtractOp::create(k.b, vector, i));
  return sum;
}

/// Sums of rows: `lanes` threads share one, or a chunk of one.
struct RowSumTile {
  int64_t lanes = 1, threads = kWarp;   // as in RowTile
  int64_t vectors = 1;                  // of a row
  int64_t chunks = 1, chunkVectors = 1; // that a row is cut into, only where a block has it
  bool isBlockWide() const { return lanes > kWarp; }
  int64_t blocks(int64_t rows) const { return isBlockWide() ? rows * chunks : ceilDiv(rows, threads / lanes); }

  static RowSumTile choose(int64_t rows, int64_t vectors) {
    constexpr int64_t kManyBlocks = 512, kLeastVectors = 8; // the latter of a thread
    RowSumTile tile;
    tile.vectors = vectors;
    // A warp adds rows of up to 64 vectors a lane, if there are enough of them to fill the chip.
    bool wantsBlock = vectors > kWarp * (rows >= kManyBlocks ? 64 : 4);
    if (wantsBlock) {
      tile.lanes = tile.threads = kThreads;
      int64_t most = std::max<int64_t>(1, vectors / (kThreads * kLeastVectors));
      tile.chunks = std::clamp<int64_t>(ceilDiv(kManyBlocks, rows), 1, most);
    } else {
      tile.lanes = std::min<int64_t>(kWarp, static_cast<int64_t>(llvm::PowerOf2Ceil(ceilDiv(vectors, 4))));
      tile.threads = kThreads;
      while (tile.threads > kWarp && tile.blocks(rows) < kManyBlocks)
        tile.threads /= 2;
    }
    tile.chunkVectors = ceilDiv(vectors, tile.chunks);
    tile.chunks = ceilDiv(vectors, tile.chunkVectors);
    return tile;
  }
};

/// A reduce_sum seen as out[row, column] = sum over the terms (and over the last dimension, if it is reduced) of the
/// input.
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
    width = rowWidth({op.getInput()}, shape);
    if (keepsLast)
      columnTile = chooseColumnTile(rows, terms, shape.back(), width, /*mayCut=*/true);
    else
      rowTile = RowSumTile::choose(rows, terms * (columnsOf(shape) / width));
  }

  ArrayRef<int64_t> shape;
  SmallVector<int64_t> keptDims, reducedDims; // leading dimensions only
  bool keepsLast = false;
  int64_t rows = 1;  // kept leading elements
  int64_t terms = 1; // leading elements summed into one
  int64_t width = 1;
  ColumnTile columnTile; // where the last dimension is kept
  RowSumTile rowTile;    // where it is summed

  int64_t chunks() const { return keepsLast ? columnTile.chunks : rowTile.chunks; }
  int64_t results() const { return rows * (keepsLast ? columnTile.columns : 1); }
  int64_t blocks() const {
    return keepsLast ? rows * columnTile.columnBlocks() * columnTile.chunks : rowTile.blocks(rows);
  }
  int64_t threads() const { return keepsLast ? columnTile.threads() : rowTile.threads; }
  int64_t sharedBytes() const {
    return keepsLast ? columnTile.sharedBytes() : rowTile.isBlockWide() ? rowTile.threads / kWarp * 4 : 0;
  }
  /// Of the second launch, over the chunks.
  ColumnTile sums() const { return chooseColumnTile(1, chunks(), results(), 1, /*mayCut=*/false); }

  /// The point of the input for result row `row` and term `term`.
  Point pointAt(KernelBuilder &k, Value row, Value term, Value column) const {
    Point point{shape, Value(), column, width, {}};
    if (keptDims.empty()) {
      point.row = term;
    } else if (reducedDims.empty()) {
      point.row = row;
    } else if (keptDims.back() < reducedDims.front()) {
      point.row = k.add(k.mul(row, terms), term);
    } else if (reducedDims.back() < keptDims.front()) {
      point.row = k.add(k.mul(term, rows), row);
    } else {
      point.leading.resize(shape.size() - 1);
      auto split = [&](Value rest, ArrayRef<int64_t> dims) {
        for (int64_t d : llvm::reverse(dims)) {
          point.leading[d] = d == dims.front() ? rest : k.rem(rest, shape[d]);
          rest = k.div(rest, shape[d]);
        }
      };
      split(row, keptDims);
      split(term, reducedDims);
    }
    return point;
  }
};

/// The code of a reduce_sum's launches.
class ReduceCode {
public:
  ReduceCode(LaunchFunction &f, const KernelBody &body)
      : f(f), k(f.k), body(body), op(cast<ReduceSumOp>(body.anchor)), r(op) {}

  void emit() { r.keepsLast ? emitColumns() : emitRows(); }

  /// Adds the chunks.
  void emitSums() {
    auto read = [&](Value chunk, Value at) { return k.loadF32(f.partial(0), k.add(k.mul(chunk, r.results()), at)); };
    sumColumns(k, r.sums(), k.block, k.index(0), read, [&](Value at, Value sum) {
      f.storeYields(elementPoint(k, body.shape(op.getResult()), at), {{op.getResult(), sum}}, body.yieldsOf(0));
    });
  }

private:
  Value read(Value row, Value term, Value column) {
    Point point = r.pointAt(k, row, term, column);
    f.expression.start();
    return f.expression.evaluate(op.getInput(), point);
  }

  // Blocks of columns are neighbours in the grid: they read the same rows.
  void emitColumns() {
    const ColumnTile &tile = r.columnTile;
    Value columnBlock = k.rem(k.block, tile.columnBlocks()), rest = k.div(k.block, tile.columnBlocks());
    Value chunk = k.rem(rest, tile.chunks), row = k.div(rest, tile.chunks);
    sumColumns(
        k, tile, columnBlock, chunk, [&](Value term, Value column) { return read(row, term, column); },
        [&](Value column, Value sum) {
          if (tile.chunks > 1) {
            Value line = k.add(k.mul(chunk, r.rows), row);
            k.store(sum, f.partial(0), k.add(k.mul(line, tile.columns), column), k.f32Type(), r.width * 4);
            return;
          }
          f.storeYields({body.shape(op.getResult()), row, column, r.width, {}}, {{op.getResult(), sum}},
                        body.yieldsOf(0));
        });
  }

  void emitRows() {
    const RowSumTile &tile = r.rowTile;
    Value row, isRow, chunk = k.index(0), lane = k.thread;
    if (tile.isBlockWide()) {
      chunk = k.rem(k.block, tile.chunks);
      row = k.div(k.block, tile.chunks);
    } else {
      int64_t atOnce = tile.threads / tile.lanes;
      lane = k.bitAnd(k.thread, tile.lanes - 1);
      row = k.add(k.mul(k.block, atOnce), k.div(k.thread, tile.lanes));
      if (r.rows % atOnce) { // all lanes take part in the sum over lanes: those beyond read the last row
        isRow = k.less(row, r.rows);
        row = k.min(row, k.index(r.rows - 1));
      }
    }
    int64_t vectorsPerTerm = columnsOf(r.shape) / r.width;
    Value from = k.mul(chunk, tile.chunkVectors);
    Value to = k.min(k.add(from, tile.chunkVectors), k.index(tile.vectors));
    Value vector = sumStrided(k, k.add(from, lane), to, tile.lanes, zeros(k, r.width), [&](Value at) {
      Value term = r.terms == 1 ? k.index(0) : k.div(at, vectorsPerTerm);
      Value column = r.terms == 1 ? at : k.rem(at, vectorsPerTerm);
      return read(row, term, k.mul(column, r.width));
    });
    Value sum = sumElements(k, vector);
    sum = tile.isBlockWide() ? k.sumBlock(sum, k.shared(0)) : k.sumLanes(sum, tile.lanes);
    Value isFirst = k.equal(lane, k.index(0));
    k.when(isRow ? k.both(isFirst, isRow) : isFirst, [&] {
      if (tile.chunks > 1)
        k.store(sum, f.partial(0), k.add(k.mul(chunk, r.rows), row), k.f32Type());
      else
        f.storeYields(elementPoint(k, body.shape(op.getResult()), row), {{op.getResult(), sum}}, body.yieldsOf(0));
    });
  }

  LaunchFunction &f;
  KernelBuilder &k;
  const KernelBody &body;
  ReduceSumOp op;
  Reduction r;
};

/// The inputs of a global_norm in launches of many: one a type of elements, as long as the kernel's parameters fit 4
/// KiB. A block has one chunk of one input.
struct NormPlan {
  static constexpr int64_t kChunk = 16384, kMaxPointers = 4096 / 8;

  struct Launch {
    SmallVector<unsigned> inputs; // operand numbers of the op
    SmallVector<int64_t> starts;  // the first block of each
    int64_t blocks = 0;
  };
  SmallVector<Launch> launches;

  explicit NormPlan(GlobalNormOp op) {
    for (int64_t bytes : {4, 2}) {
      Launch *launch = nullptr;
      for (auto [i, input] : llvm::enumerate(op.getInputs())) {
        auto type = cast<RankedTensorType>(input.getType());
        if (bytesOf(type.getElementType()) != bytes)
          continue;
        if (!launch || launch->inputs.size() + 1 == kMaxPointers)
          launch = &launches.emplace_back();
        launch->inputs.push_back(i);
        launch->starts.push_back(launch->blocks);
        launch->blocks += ceilDiv(type.getNumElements(), kChunk);
      }
    }
  }
};

/// The code of a global_norm's launches: squares of all chunks, then their sum.
class NormCode {
public:
  NormCode(LaunchFunction &f, const KernelBody &body)
      : f(f), k(f.k), body(body), op(cast<GlobalNormOp>(body.anchor)), norm(op) {}

  static KernelPlan plan(const KernelBody &body) {
    auto op = cast<GlobalNormOp>(body.anchor);
    using Kind = LaunchArgument::Kind;
    KernelPlan plan;
    LaunchPlan last;
    for (auto [number, launch] : llvm::enumerate(NormPlan(op).launches)) {
      LaunchPlan squares;
      squares.suffix = "_squares" + std::to_string(number);
      for (unsigned i : launch.inputs)
        squares.arguments.push_back(
            {Kind::Input, cast<BlockArgument>(getViewSource(op.getInputs()[i])).getArgNumber()});
      LaunchArgument partial = {Kind::Partial, static_cast<unsigned>(number)};
      squares.arguments.push_back(partial);
      squares.tasks = launch.blocks;
      squares.threads = kThreads;
      squares.shared = kThreads / kWarp * 4;
      plan.partials.push_back(launch.blocks * 4);
      plan.launches.push_back(squares);
      last.arguments.push_back(partial);
    }
    for (unsigned input : epilogueInputs(body))
      last.arguments.push_back({Kind::Input, input});
    for (unsigned i = 0; i < body.numResults(); ++i)
      last.arguments.push_back({Kind::Result, i});
    last.suffix = "_norm";
    last.written = body.numResults();
    last.threads = kThreads;
    last.shared = kThreads / kWarp * 4;
    plan.launches.push_back(last);
    return plan;
  }

  void emit(unsigned launch) { launch < norm.launches.size() ? emitSquares(norm.launches[launch]) : emitNorm(); }

  /// All elements of an input, in any order: a norm does not mind a reshape.
  static bool isWholeTensor(Value input) {
    FailureOr<Access> access = getAccess(input);
    return succeeded(access) && isa<BlockArgument>(access->source) && access->isContiguous() &&
           elements(access->source) == elements(input);
  }

private:
  static int64_t elements(Value input) { return cast<RankedTensorType>(input.getType()).getNumElements(); }

  /// Inputs that the yields read besides the norm.
  static SmallVector<unsigned> epilogueInputs(const KernelBody &body) {
    llvm::SmallSetVector<Value, 8> seen(body.yields.begin(), body.yields.end());
    SmallVector<unsigned> inputs;
    for (size_t i = 0; i < seen.size(); ++i) {
      Value value = seen[i];
      if (auto argument = dyn_cast<BlockArgument>(value))
        inputs.push_back(argument.getArgNumber());
      else if (value.getDefiningOp() != body.anchor)
        seen.insert(value.getDefiningOp()->operand_begin(), value.getDefiningOp()->operand_end());
    }
    llvm::sort(inputs);
    return inputs;
  }

  /// The number of the input that this block belongs to, by counting the first blocks that it has reached: of groups of
  /// inputs, then of those in its group. LLVM merges the levels of a search tree, and the thresholds of the lower ones
  /// fill the registers.
  Value findInput(const NormPlan::Launch &launch) {
    int64_t count = launch.inputs.size(), size = 1;
    while (size * size < count)
      ++size;
    auto countReached = [&](int64_t first, int64_t last, int64_t step) {
      Value reached = k.index(0);
      for (int64_t i = first; i < last; i += step)
        reached = k.add(reached, k.select(k.less(k.block, launch.starts[i]), k.index(0), k.index(1)));
      return reached;
    };
    return k.chooseCase(countReached(size, count, size), ceilDiv(count, size), [&](int64_t group) {
      int64_t first = group * size;
      return SmallVector<Value>{k.add(countReached(first + 1, std::min(first + size, count), 1), first)};
    })[0];
  }

  /// Its pointer, first block and elements: by a jump, since a choice among hundreds of pointers would keep them all in
  /// registers.
  SmallVector<Value> chooseInput(const NormPlan::Launch &launch) {
    int64_t count = launch.inputs.size();
    auto parts = [&](int64_t i) {
      return SmallVector<Value>{k.pointers[i], k.index(launch.starts[i]),
                                k.index(elements(op.getInputs()[launch.inputs[i]]))};
    };
    return count == 1 ? parts(0) : k.chooseCase(findInput(launch), count, parts);
  }

  void emitSquares(const NormPlan::Launch &launch) {
    Type element = cast<RankedTensorType>(op.getInputs()[launch.inputs[0]].getType()).getElementType();
    int64_t width = kVectorBytes / bytesOf(element);
    SmallVector<Value> input = chooseInput(launch);
    Value source = input[0], total = input[2];
    Value from = k.mul(k.sub(k.block, input[1]), NormPlan::kChunk);
    Value to = k.min(k.add(from, NormPlan::kChunk), total), whole = k.bitAnd(to, -width);
    auto square = [&](Value x) { return k.mulf(x, x); };
    Value sum = sumStrided(k, k.add(from, k.mul(k.thread, width)), whole, k.threads * width, zeros(k, width),
                           [&](Value at) { return square(k.load(source, at, element, width, kVectorBytes)); });
    Value tail = k.add(whole, k.thread); // fewer than a vector's elements, at the end of the input
    Value own = k.addf(sumElements(k, sum), square(k.loadIf(k.less(tail, to), source, tail, element)));
    own = k.sumBlock(own, k.shared(0));
    k.when(k.equal(k.thread, k.index(0)), [&] { k.store(own, k.pointers.back(), k.block, k.f32Type()); });
  }

  void emitNorm() {
    Value sum = k.constant(0);
    for (auto [number, launch] : llvm::enumerate(norm.launches)) {
      Value partial = f.partial(number);
      sum = sumStrided(k, k.thread, k.index(launch.blocks), k.threads, sum,
                       [&](Value at) { return k.loadF32(partial, at); });
    }
    sum = k.sumBlock(sum, k.shared(0));
    k.when(k.equal(k.thread, k.index(0)), [&] {
      Point point{body.shape(op.getResult()), k.index(0), k.index(0), 1, {}};
      f.storeYields(point, {{op.getResult(), k.sqrt(sum)}}, body.yieldsOf(0));
    });
  }

  LaunchFunction &f;
  KernelBuilder &k;
  const KernelBody &body;
  GlobalNormOp op;
  NormPlan norm;
};

class ReduceEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto canEvaluateIt = [&](Value value) { return canEvaluate(value, body.anchor); };
    if (auto op = dyn_cast_or_null<ReduceSumOp>(body.anchor))
      if (canEvaluate(op.getInput(), nullptr) && llvm::all_of(body.yields, canEvaluateIt))
        return true;
    if (auto op = dyn_cast_or_null<GlobalNormOp>(body.anchor))
      if (llvm::all_of(op.getInputs(), NormCode::isWholeTensor) && llvm::all_of(body.yields, canEvaluateIt))
        return true;
    why = "expected 'vlp.reduce_sum' of elementwise ops on strided accesses, or 'vlp.global_norm' of dense tensors";
    return false;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    if (isa<GlobalNormOp>(body.anchor))
      return NormCode::plan(body);
    Reduction r(cast<ReduceSumOp>(body.anchor));
    KernelPlan plan;
    bool isCut = r.chunks() > 1;
    plan.launches.push_back(isCut ? makeLaunch(body, "", {}, {0}, /*results=*/false)
                                  : makeLaunch(body, "", {}, {}, /*results=*/true));
    plan.launches[0].tasks = r.blocks();
    plan.launches[0].threads = r.threads();
    plan.launches[0].shared = r.sharedBytes();
    if (!isCut)
      return plan;
    plan.partials.push_back(r.chunks() * r.results() * 4);
    ColumnTile sums = r.sums();
    plan.launches.push_back(makeLaunch(body, "_sum", {0}, {}, /*results=*/true));
    plan.launches[1].tasks = sums.columnBlocks();
    plan.launches[1].threads = sums.threads();
    plan.launches[1].shared = sums.sharedBytes();
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    if (isa<GlobalNormOp>(body.anchor))
      NormCode(f, body).emit(launch);
    else if (launch == 0)
      ReduceCode(f, body).emit();
    else
      ReduceCode(f, body).emitSums();
    f.k.finish();
    return success();
  }
};

} // namespace

const Emitter &cuda::reduceEmitter() {
  static const ReduceEmitter emitter;
  return emitter;
}
