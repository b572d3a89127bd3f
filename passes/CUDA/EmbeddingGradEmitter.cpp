// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The gradient of an embedding table: rows of the gradient added up by id, without atomics and in an order that the
// shapes fix.
//
// Texts repeat ids: most positions of a padded batch hold one and the same. So a first launch adds up what is equal
// within a slice of positions, and each slice passes on one row for each id it holds. In the second launch a block owns
// a chunk of the table: it picks the rows for the chunk from all slices in order, sorts them by table row in shared
// memory and adds them up. The work is the gradient's size, plus the table's, plus one look at every position for each
// chunk.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/LaunchFunction.h"
#include "passes/Kernels/AccessOffset.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

constexpr int64_t kSlice = 128;   // positions of a slice, and threads of its block
constexpr int64_t kThreads = 256; // of a block that owns a chunk
constexpr int64_t kKeys = 8;      // positions that each of them looks at in one round
constexpr int64_t kRound = kThreads * kKeys;
constexpr int64_t kUnroll = 4; // rows in flight
constexpr int32_t kNone = -1;  // key of a position that passes on no row

/// Partial buffers. Keys: for each position the id whose row it passes on, or kNone; padded to whole rounds. Sums:
/// those rows, in f32. Table: the result in f32, where the result itself could not hold sums between rounds.
enum Partial : unsigned { Keys, Sums, Table };

struct Sizes {
  explicit Sizes(const KernelBody &body) {
    auto op = cast<EmbeddingGradOp>(body.anchor);
    positions = op.getIds().getType().getNumElements();
    rows = op.getResult().getType().getDimSize(0);
    columns = op.getResult().getType().getDimSize(1);
    element = op.getResult().getType().getElementType();
    padded = ceilDiv(positions, kRound) * kRound;
    while (chunk > 8 && ceilDiv(rows, chunk) < 256)
      chunk /= 2;
    while (columns % width != 0)
      width /= 2;
    gradientWidth = vectorWidth(*getAccess(op.getGradient()), op.getGradient().getType().getElementType(), width);
    viaTable = !element.isF32() && positions > kRound;
  }

  int64_t slices() const { return ceilDiv(positions, kSlice); }
  /// Blocks that share the columns of a slice.
  int64_t columnBlocks() const { return ceilDiv(columns, kSlice * gradientWidth); }

  int64_t positions, padded, rows, columns;
  Type element;
  int64_t chunk = 64;
  int64_t width = 4, gradientWidth; // columns that a thread handles at once
  bool viaTable;
};

/// The sum of the lanes of a vector of i32.
Value sumInts(KernelBuilder &k, Value vector, int64_t width) {
  Value sum;
  for (int64_t i = 0; i < width; ++i) {
    Value lane = vector::ExtractOp::create(k.b, vector, i);
    sum = sum ? k.add(sum, lane) : lane;
  }
  return sum;
}

Value loadInt(KernelBuilder &k, Value pointer, Value index) { return k.load(pointer, index, k.i32Type()); }
void storeInt(KernelBuilder &k, Value value, Value pointer, Value index) {
  k.store(value, pointer, index, k.i32Type());
}
Value oneIf(KernelBuilder &k, Value condition) { return k.select(condition, k.index(1), k.index(0)); }

/// Runs `each` for [from, to): kUnroll at a time as long as they last, then one by one. It gets the first index, how
/// many, and the carried values.
SmallVector<Value> loopUnrolled(KernelBuilder &k, Value from, Value to, ValueRange initial,
                                llvm::function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> each) {
  Value middle = k.add(from, k.bitAnd(k.sub(to, from), ~(kUnroll - 1)));
  auto carried = k.loop(from, middle, kUnroll, initial, [&](Value i, ValueRange in) { return each(i, kUnroll, in); });
  return k.loop(middle, to, 1, carried, [&](Value i, ValueRange in) { return each(i, 1, in); });
}

/// The launch over slices.
class SliceSums {
public:
  SliceSums(LaunchFunction &f, const KernelBody &body) : f(f), k(f.k), op(cast<EmbeddingGradOp>(body.anchor)), s(body) {
    ids = k.shared(kIds);
    sortedIds = k.shared(kSortedIds);
    order = k.shared(kOrder);
  }

  static constexpr int64_t kIds = 0, kOrder = kIds + kSlice * 4, kSortedIds = kOrder + kSlice * 4,
                           kShared = kSortedIds + (kSlice + 4) * 4;

  void emit() {
    slice = k.div(k.block, s.columnBlocks());
    columnBlock = k.rem(k.block, s.columnBlocks());
    first = k.mul(slice, kSlice);
    sort();
    k.barrier();
    Value column = k.mul(k.add(k.mul(columnBlock, kSlice), k.thread), s.gradientWidth);
    k.when(k.less(column, s.columns), [&] { sum(column); });
  }

private:
  /// Orders the slice's positions by id, equal ones by position, and says which are the last of their id.
  void sort() {
    FailureOr<Access> access = getAccess(op.getIds());
    Value position = k.add(first, k.thread), isPosition = k.less(position, s.positions);
    Value own = k.loadIf(isPosition, f.source(*access), emitElementOffset(k, *access, position), k.i32Type());
    own = k.select(isPosition, own, k.index(std::numeric_limits<int32_t>::max())); // behind all others
    storeInt(k, own, ids, k.thread);
    k.barrier();
    constexpr int64_t w = 4;
    Value ownAll = k.splat(own, w), threadAll = k.splat(k.thread, w), ones = k.splat(k.index(1), w),
          zeros = k.splat(k.index(0), w);
    Value lanes = arith::ConstantOp::create(k.b, k.b.getI32VectorAttr({0, 1, 2, 3}));
    auto counts = k.loop(k.index(0), k.index(kSlice), w, {zeros, zeros}, [&](Value i, ValueRange in) {
      Value others = k.load(ids, i, k.i32Type(), w, w * 4), places = k.add(k.splat(i, w), lanes);
      Value isEqual = k.equal(others, ownAll), isEarlier = k.less(places, threadAll);
      Value isBefore = k.either(k.less(others, ownAll), k.both(isEqual, isEarlier));
      Value isLater = k.both(isEqual, k.less(threadAll, places));
      return SmallVector<Value>{k.add(in[0], k.select(isBefore, ones, zeros)),
                                k.add(in[1], k.select(isLater, ones, zeros))};
    });
    Value rank = sumInts(k, counts[0], w), later = sumInts(k, counts[1], w);
    storeInt(k, k.thread, order, rank);
    storeInt(k, own, sortedIds, rank);
    k.when(k.equal(k.thread, k.index(0)), [&] { storeInt(k, k.index(kNone), sortedIds, k.index(kSlice)); });
    Value isFirstBlock = k.equal(columnBlock, k.index(0));
    Value key = k.select(k.equal(later, k.index(0)), own, k.index(kNone));
    k.when(k.both(isPosition, isFirstBlock), [&] { storeInt(k, key, f.partial(Keys), position); });
    Value isLastSlice = k.equal(slice, k.index(s.slices() - 1));
    k.when(k.both(isFirstBlock, isLastSlice), [&] {
      k.loop(k.add(k.index(s.positions), k.thread), k.index(s.padded), kSlice,
             [&](Value i) { storeInt(k, k.index(kNone), f.partial(Keys), i); });
    });
  }

  /// Adds up runs of equal ids; each sum goes to the row of the run's last position.
  void sum(Value column) {
    int64_t w = s.gradientWidth;
    FailureOr<Access> gradient = getAccess(op.getGradient());
    Type element = op.getGradient().getType().getElementType();
    Value zeros = k.splat(k.constant(0), w), count = k.min(k.sub(k.index(s.positions), first), k.index(kSlice));
    loopUnrolled(k, k.index(0), count, zeros, [&](Value i, int64_t n, ValueRange in) {
      SmallVector<Value> positions, rows;
      for (int64_t u = 0; u < n; ++u) {
        positions.push_back(k.add(first, loadInt(k, order, k.add(i, u))));
        Point point{gradient->shape, positions[u], column, w, {}};
        rows.push_back(readStrided(k, f.source(*gradient), *gradient, point, element));
      }
      Value total = in[0];
      for (int64_t u = 0; u < n; ++u) {
        total = k.addf(total, rows[u]);
        Value next = k.add(i, u + 1),
              isLast = k.differ(loadInt(k, sortedIds, k.add(i, u)), loadInt(k, sortedIds, next));
        Value target = k.add(k.mul(positions[u], s.columns), column);
        k.storeIf(isLast, total, f.partial(Sums), target, k.f32Type(), w * 4);
        total = k.select(isLast, zeros, total);
      }
      return SmallVector<Value>{total};
    });
  }

  LaunchFunction &f;
  KernelBuilder &k;
  EmbeddingGradOp op;
  Sizes s;
  Value slice, columnBlock, first; // position of the slice
  Value ids, order, sortedIds;     // shared; order: positions within the slice; sortedIds: one more, which is no id
};

/// The launch over chunks of the table.
class ChunkSums {
public:
  ChunkSums(LaunchFunction &f, const KernelBody &body) : f(f), k(f.k), s(body) {
    list = k.shared(kList);
    sorted = k.shared(kSorted);
    totals = k.shared(kTotals);
    starts = k.shared(kStarts);
    target = s.viaTable ? f.partial(Table) : f.result(0);
    targetElement = s.viaTable ? k.f32Type() : s.element;
  }

  static constexpr int64_t kWarps = kThreads / kWarp;
  static constexpr int64_t kList = 0, kSorted = kList + kRound * 4, kTotals = kSorted + kRound * 4,
                           kStarts = kTotals + kWarps * 4;
  static int64_t sharedBytes(const Sizes &s) { return kStarts + (s.chunk + 1) * 4; }

  void emit() {
    firstRow = k.mul(k.block, s.chunk);
    Value length = collect(k.index(0));
    k.barrier();
    sortList(length);
    k.barrier();
    sum(k.index(0), /*isFirst=*/true); // writes every row
    k.loop(kRound, s.padded, kRound, [&](Value base) {
      Value length = collect(base);
      k.barrier();
      k.when(k.less(k.index(0), length), [&] {
        sortList(length);
        k.barrier();
        sum(base, /*isFirst=*/false); // and the others those that get more
      });
    });
  }

private:
  // An entry of the list: the row within the chunk and the position within the round.
  Value entryOf(Value row, Value place) { return k.add(k.mul(row, kRound), place); }
  Value rowOf(Value entry) { return k.div(entry, kRound); }
  Value placeOf(Value entry) { return k.rem(entry, kRound); }

  /// Lists the round's rows for this chunk in order of position; gives their number.
  Value collect(Value base) {
    Value place = k.mul(k.thread, kKeys), count = k.index(0);
    SmallVector<Value> rows, isHere, offsets;
    for (int64_t half = 0; half < kKeys; half += 4) {
      Value keys = k.load(f.partial(Keys), k.add(k.add(base, place), half), k.i32Type(), 4, 16);
      for (int64_t i = 0; i < 4; ++i) {
        rows.push_back(k.sub(vector::ExtractOp::create(k.b, keys, i), firstRow));
        isHere.push_back(k.below(rows.back(), s.chunk)); // never kNone
        offsets.push_back(count);
        count = k.add(count, oneIf(k, isHere.back()));
      }
    }
    Value before = scanWarp(count); // of the warp's earlier lanes and this one
    k.when(k.equal(k.lane(), k.index(kWarp - 1)), [&] { storeInt(k, before, totals, k.warp()); });
    k.barrier();
    Value offset = k.sub(before, count), length = k.index(0);
    for (int64_t w = 0; w < kWarps; ++w) {
      Value total = loadInt(k, totals, k.index(w));
      offset = k.add(offset, k.select(k.less(k.index(w), k.warp()), total, k.index(0)));
      length = k.add(length, total);
    }
    for (int64_t i = 0; i < kKeys; ++i)
      k.when(isHere[i], [&] { storeInt(k, entryOf(rows[i], k.add(place, i)), list, k.add(offset, offsets[i])); });
    return length;
  }

  /// Sums over the lanes up to each.
  Value scanWarp(Value x) {
    for (int64_t distance = 1; distance < kWarp; distance *= 2) {
      Value other = k.shuffle(x, k.bitAnd(k.sub(k.lane(), k.index(distance)), kWarp - 1));
      x = k.add(x, k.select(k.less(k.lane(), distance), k.index(0), other));
    }
    return x;
  }

  /// A stable counting sort by row; thread r places the entries of row r.
  void sortList(Value length) {
    k.when(k.less(k.thread, s.chunk), [&] {
      auto counts = k.loop(k.index(0), length, 1, k.index(0), [&](Value i, ValueRange in) {
        return SmallVector<Value>{k.add(in[0], oneIf(k, k.less(rowOf(loadInt(k, list, i)), k.thread)))};
      });
      storeInt(k, counts[0], starts, k.thread);
      k.when(k.equal(k.thread, k.index(0)), [&] { storeInt(k, length, starts, k.index(s.chunk)); });
      k.loop(k.index(0), length, 1, counts[0], [&](Value i, ValueRange in) {
        Value entry = loadInt(k, list, i), isOwn = k.equal(rowOf(entry), k.thread);
        k.when(isOwn, [&] { storeInt(k, placeOf(entry), sorted, in[0]); });
        return SmallVector<Value>{k.add(in[0], oneIf(k, isOwn))};
      });
    });
  }

  /// Groups of threads take turns at the rows; a thread owns the same columns of all of its rows in every round.
  void sum(Value base, bool isFirst) {
    int64_t vectors = s.columns / s.width;
    int64_t group = std::min<int64_t>(kThreads, llvm::PowerOf2Ceil(vectors));
    k.loop(k.div(k.thread, group), k.index(s.chunk), kThreads / group, [&](Value row) {
      Value from = loadInt(k, starts, row), to = loadInt(k, starts, k.add(row, 1));
      Value isNeeded = isFirst ? Value() : k.less(from, to);
      k.when(k.both(k.less(k.add(firstRow, row), s.rows), isNeeded), [&] {
        k.loop(k.rem(k.thread, group), k.index(vectors), group,
               [&](Value vector) { sumRow(base, isFirst, row, k.mul(vector, s.width), from, to); });
      });
    });
  }

  void sumRow(Value base, bool isFirst, Value row, Value column, Value from, Value to) {
    int64_t w = s.width;
    Value at = k.add(k.mul(k.add(firstRow, row), s.columns), column);
    int64_t alignment = w * bytesOf(targetElement);
    Value start = isFirst ? k.splat(k.constant(0), w) : k.load(target, at, targetElement, w, alignment);
    auto total = loopUnrolled(k, from, to, start, [&](Value i, int64_t n, ValueRange in) {
      SmallVector<Value> addends;
      for (int64_t u = 0; u < n; ++u) {
        Value position = k.add(base, loadInt(k, sorted, k.add(i, u)));
        addends.push_back(k.load(f.partial(Sums), k.add(k.mul(position, s.columns), column), k.f32Type(), w, w * 4));
      }
      Value sum = in[0];
      for (Value addend : addends)
        sum = k.addf(sum, addend);
      return SmallVector<Value>{sum};
    });
    k.store(total[0], target, at, targetElement, alignment);
  }

  LaunchFunction &f;
  KernelBuilder &k;
  Sizes s;
  Value firstRow, target;
  Type targetElement;
  Value list, sorted, totals, starts; // shared
};

class EmbeddingGradEmitter : public Emitter {
public:
  bool supports(KernelOp kernel, const TargetInfo &, std::string &why) const override {
    KernelBody body(kernel);
    auto op = dyn_cast_or_null<EmbeddingGradOp>(body.anchor);
    bool fits = op && body.numResults() == 1 && body.yields[0] == op.getResult();
    if (fits) {
      std::optional<Access> gradient = inputAccess(op.getGradient()), ids = inputAccess(op.getIds());
      fits = gradient && ids;
    }
    if (!fits)
      why = "expected 'vlp.embedding_grad' alone, of strided accesses";
    return fits;
  }

  KernelPlan plan(KernelOp kernel, const TargetInfo &) const override {
    KernelBody body(kernel);
    Sizes s(body);
    KernelPlan plan;
    plan.partials = {s.padded * 4, s.positions * s.columns * 4};
    plan.launches.push_back(makeLaunch(body, "_slices", {}, {Keys, Sums}, /*results=*/false));
    plan.launches[0].tasks = s.slices() * s.columnBlocks();
    plan.launches[0].threads = kSlice;
    plan.launches[0].shared = SliceSums::kShared;
    if (s.viaTable)
      plan.partials.push_back(s.rows * s.columns * 4);
    plan.launches.push_back(makeLaunch(body, "_chunks", {Keys, Sums},
                                       s.viaTable ? ArrayRef<unsigned>(Table) : ArrayRef<unsigned>(),
                                       /*results=*/!s.viaTable));
    plan.launches[1].tasks = ceilDiv(s.rows, s.chunk);
    plan.launches[1].threads = kThreads;
    plan.launches[1].shared = ChunkSums::sharedBytes(s);
    if (s.viaTable) {
      plan.launches.push_back(makeLaunch(body, "_round", {Table}, {}, /*results=*/true));
      plan.launches[2].tasks = elementBlocks(body.shape(body.yields[0]), s.width, 1);
      plan.launches[2].threads = kElementThreads;
    }
    return plan;
  }

  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    KernelBody body(kernel);
    LaunchFunction f(body, plan.launches[launch], symbol, module);
    if (launch == 0)
      SliceSums(f, body).emit();
    else if (launch == 1)
      ChunkSums(f, body).emit();
    else
      emitRounding(f, body);
    f.k.finish();
    return success();
  }

private:
  static void emitRounding(LaunchFunction &f, const KernelBody &body) {
    Sizes s(body);
    f.forElements(body.shape(body.yields[0]), s.width, 1, [&](Point point) {
      Value at = denseOffset(f.k, point), sum = f.k.load(f.partial(Table), at, f.k.f32Type(), s.width, s.width * 4);
      f.k.store(sum, f.result(0), at, s.element, s.width * bytesOf(s.element));
    });
  }
};

} // namespace

const Emitter &cuda::embeddingGradEmitter() {
  static const EmbeddingGradEmitter emitter;
  return emitter;
}
