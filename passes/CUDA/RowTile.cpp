// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows shared among threads.
#include "passes/CUDA/RowTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Kernels/Elementwise.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

/// Vectors whose loads are under way at once where the row does not stay in registers.
static constexpr int64_t kUnroll = 4;
/// Values that one reduction may carry.
static constexpr int64_t kMaxState = 4;
/// Blocks that fill the larger chips (132 and 142 multiprocessors) about twice.
static constexpr int64_t kManyBlocks = 256;

int64_t RowTile::scratchBytes() const { return isBlockWide() ? 2 * kMaxState * (threads / kWarp) * 4 : 0; }

static int64_t powerOfTwo(int64_t atLeast) {
  return static_cast<int64_t>(llvm::PowerOf2Ceil(std::max<int64_t>(atLeast, 1)));
}

RowTile cuda::chooseRowTile(int64_t rows, int64_t columns, int64_t width, const RowBudget &budget, bool isStrided) {
  RowTile tile;
  tile.rows = rows;
  tile.columns = columns;
  tile.width = width;
  int64_t vectors = ceilDiv(columns, width);
  bool fewRows = rows < kManyBlocks;
  bool fitsWarp = ceilDiv(vectors, kWarp) * width <= budget.warp;
  // A warp alone would take several latencies for a row that a block reads at once.
  bool wantsBlock = fewRows && vectors > 2 * kWarp;
  if ((fitsWarp && !wantsBlock) || (isStrided && rows >= 8 * kManyBlocks)) {
    tile.lanes = std::min(kWarp, powerOfTwo(std::max(ceilDiv(vectors, 4), ceilDiv(columns, budget.shared))));
    tile.threads = 256;
    while (tile.threads > kWarp && !isStrided && tile.blocks() < kManyBlocks)
      tile.threads /= 2;
    tile.resident = fitsWarp;
  } else {
    int64_t wanted = fewRows ? vectors : ceilDiv(columns, 16);
    tile.threads = tile.lanes = std::clamp<int64_t>(powerOfTwo(wanted), 2 * kWarp, budget.threads);
    tile.resident = ceilDiv(vectors, tile.lanes) * width <= budget.block;
  }
  tile.slots = ceilDiv(vectors, tile.lanes);
  return tile;
}

/// Calls `each` for the inputs behind `value`, read at `shape`.
static void forEachAccess(Value value, ArrayRef<int64_t> shape, llvm::function_ref<void(const Access &, Type)> each) {
  Operation *op = value.getDefiningOp();
  if (op && op->hasTrait<Elementwise>()) {
    for (Value operand : op->getOperands())
      forEachAccess(operand, shape, each);
  } else if (std::optional<Access> access = inputAccess(value)) {
    each(broadcastAccess(*access, shape), cast<RankedTensorType>(value.getType()).getElementType());
  }
}

int64_t cuda::rowWidth(ArrayRef<Value> values, ArrayRef<int64_t> shape) {
  int64_t narrowest = 4;
  auto note = [&](Type element) { narrowest = std::min(narrowest, bytesOf(element)); };
  for (Value value : values) {
    if (cast<RankedTensorType>(value.getType()).getShape() == shape)
      note(cast<RankedTensorType>(value.getType()).getElementType());
    forEachAccess(value, shape, [&](const Access &access, Type element) {
      if (access.rank() && access.strides.back() == 1)
        note(element);
    });
  }
  return Expression::widthOf(values, shape, kVectorBytes / narrowest);
}

bool cuda::isStrided(Value value, ArrayRef<int64_t> shape) {
  bool found = false;
  forEachAccess(value, shape, [&](const Access &access, Type) {
    found |= access.rank() && access.shape.back() > 1 && access.strides.back() > 1;
  });
  return found;
}

Point cuda::elementPoint(KernelBuilder &k, ArrayRef<int64_t> shape, Value index) {
  if (shape.empty())
    return {shape, k.index(0), k.index(0), 1, {}};
  if (shape.size() == 1)
    return {shape, k.index(0), index, 1, {}};
  return {shape, k.div(index, shape.back()), k.rem(index, shape.back()), 1, {}};
}

RowThread::RowThread(LaunchFunction &f, const RowTile &tile, ArrayRef<int64_t> shape, int64_t scratch)
    : k(f.k), tile(tile), f(f), shape(shape), scratch(scratch) {
  lane = tile.lanes == k.threads ? k.thread : k.bitAnd(k.thread, tile.lanes - 1);
}

void RowThread::start() {
  Value own =
      tile.lanes == k.threads ? k.block : k.add(k.mul(k.block, tile.rowsPerBlock()), k.div(k.thread, tile.lanes));
  moveTo(own, tile.rows % tile.rowsPerBlock() == 0 ? Value() : k.less(own, tile.rows));
}

void RowThread::moveTo(Value to, Value exists) {
  row = exists ? k.min(to, k.index(tile.rows - 1)) : to;
  isRow = exists;
}

Value RowThread::evaluate(Value operand, Value column, int64_t width) {
  Point point{shape, row, column, width, {}};
  f.expression.start();
  return f.expression.evaluate(operand, point);
}

Value RowThread::evaluateScalar(Value operand) {
  Point point = elementPoint(k, cast<RankedTensorType>(operand.getType()).getShape(), row);
  f.expression.start();
  return f.expression.evaluate(operand, point);
}

RowThread::Slot RowThread::slot(int64_t number) {
  return {k.add(k.mul(lane, tile.width), number * tile.step()), number};
}

RowThread::Elements RowThread::read(Value operand) {
  Elements all;
  all.compute = [this, operand](Slot slot) { return evaluate(operand, slot); };
  if (!tile.resident)
    return all;
  for (int64_t i = 0; i < tile.slots; ++i) {
    Slot at = slot(i);
    if (i < wholeSlots()) {
      all.registers.push_back(evaluate(operand, at));
      continue;
    }
    Type element = cast<RankedTensorType>(operand.getType()).getElementType();
    Type held = isa<FloatType>(element) ? k.f32Type() : element;
    Type type = tile.width == 1 ? held : VectorType::get({tile.width}, held);
    all.registers.push_back(k.choose(
        isInside(at), [&] { return SmallVector<Value>{evaluate(operand, at)}; },
        [&] { return SmallVector<Value>{arith::ConstantOp::create(k.b, k.b.getZeroAttr(type))}; })[0]);
  }
  return all;
}

RowThread::Elements RowThread::map(SlotValue compute) {
  Elements all;
  if (tile.resident)
    for (int64_t i = 0; i < tile.slots; ++i)
      all.registers.push_back(compute(slot(i)));
  all.compute = std::move(compute);
  return all;
}

SmallVector<Value> RowThread::fold(ArrayRef<Value> initial, FoldBody body) {
  SmallVector<Value> state(initial);
  auto slotsFrom = [&](Value column, int64_t count) {
    SmallVector<Slot> slots;
    for (int64_t i = 0; i < count; ++i)
      slots.push_back({k.add(column, i * tile.step())});
    return slots;
  };
  if (!tile.resident) {
    Value own = k.mul(lane, tile.width);
    int64_t groups = tile.columns / (kUnroll * tile.step()), done = groups * kUnroll * tile.step();
    state = k.loop(k.index(0), k.index(groups), 1, state, [&](Value group, ValueRange in) {
      return body(slotsFrom(k.add(k.mul(group, kUnroll * tile.step()), own), kUnroll), SmallVector<Value>(in));
    });
    if (done == tile.columns)
      return state;
    return k.loop(k.add(own, done), k.index(tile.columns), tile.step(), state,
                  [&](Value column, ValueRange in) { return body(slotsFrom(column, 1), SmallVector<Value>(in)); });
  }
  SmallVector<Slot> whole;
  for (int64_t i = 0; i < wholeSlots(); ++i)
    whole.push_back(slot(i));
  if (!whole.empty())
    state = body(whole, state);
  if (!tile.isExact()) {
    Slot last = slot(tile.slots - 1);
    state = k.choose(
        isInside(last), [&] { return body(last, state); }, [&] { return state; });
  }
  return state;
}

void RowThread::forEach(llvm::function_ref<void(ArrayRef<Slot>)> body) {
  if (!tile.resident) {
    fold({}, [&](ArrayRef<Slot> slots, ArrayRef<Value>) {
      body(slots);
      return SmallVector<Value>();
    });
    return;
  }
  for (int64_t from = 0; from < wholeSlots(); from += kUnroll) {
    SmallVector<Slot> slots;
    for (int64_t i = from; i < std::min(from + kUnroll, wholeSlots()); ++i)
      slots.push_back(slot(i));
    body(slots);
  }
  if (!tile.isExact()) {
    Slot last = slot(tile.slots - 1);
    k.when(isInside(last), [&] { body(last); });
  }
}

SmallVector<Value> RowThread::combine(SmallVector<Value> state, Merge merge) {
  auto butterfly = [&](int64_t width) {
    for (int64_t distance = 1; distance < width; distance *= 2) {
      SmallVector<Value> other;
      for (Value value : state)
        other.push_back(k.shuffleXor(value, distance));
      state = merge(state, other);
    }
  };
  butterfly(std::min(tile.lanes, kWarp));
  if (!tile.isBlockWide())
    return state;
  assert(static_cast<int64_t>(state.size()) <= kMaxState && "expected a state that fits the scratch");
  int64_t warps = tile.threads / kWarp;
  // Two halves take turns, so one barrier is enough: whoever writes a half again has passed the barrier of the other
  // one, which nobody reaches before having read the first.
  auto part = [&](size_t i) {
    return k.shared(scratch + ((odd ? kMaxState : 0) + static_cast<int64_t>(i)) * warps * 4);
  };
  k.when(k.equal(k.lane(), k.index(0)), [&] {
    for (auto [i, value] : llvm::enumerate(state))
      k.rawStore(value, part(i), k.warp(), 4);
  });
  k.barrier();
  Value from = k.bitAnd(k.thread, warps - 1); // every group of `warps` lanes holds all of them
  for (auto [i, value] : llvm::enumerate(state))
    value = k.rawLoad(part(i), from, value.getType(), 4);
  odd = !odd;
  butterfly(warps);
  return state;
}

SmallVector<Value> RowThread::elements(Value vector) {
  auto type = dyn_cast<VectorType>(vector.getType());
  if (!type)
    return {vector};
  SmallVector<Value> parts;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    parts.push_back(vector::ExtractOp::create(k.b, vector, i));
  return parts;
}

Value RowThread::splat(Value scalar) {
  if (tile.width == 1)
    return scalar;
  return vector::BroadcastOp::create(k.b, VectorType::get({tile.width}, scalar.getType()), scalar);
}

SmallVector<Value> RowThread::sumVectors(ArrayRef<Value> vectors) {
  SmallVector<Value> own;
  for (Value vector : vectors) {
    SmallVector<Value> parts = elements(vector);
    for (size_t count = parts.size(); count > 1; count /= 2)
      for (size_t i = 0; i < count / 2; ++i)
        parts[i] = k.addf(parts[2 * i], parts[2 * i + 1]);
    own.push_back(parts[0]);
  }
  return combine(own, [&](ArrayRef<Value> a, ArrayRef<Value> c) {
    SmallVector<Value> merged;
    for (auto [x, y] : llvm::zip_equal(a, c))
      merged.push_back(k.addf(x, y));
    return merged;
  });
}

SmallVector<Value> RowThread::sums(unsigned count, llvm::function_ref<SmallVector<Value>(Slot)> terms) {
  SmallVector<Value> zeros(count, splat(0.0));
  return sumVectors(fold(zeros, [&](ArrayRef<Slot> slots, ArrayRef<Value> in) {
    SmallVector<Value> state(in);
    for (Slot slot : slots)
      for (auto [sum, term] : llvm::zip_equal(state, terms(slot)))
        sum = k.addf(sum, term);
    return state;
  }));
}

Value RowThread::sum(llvm::function_ref<Value(Slot)> term) {
  return sums(1, [&](Slot slot) { return SmallVector<Value>{term(slot)}; })[0];
}

void RowThread::storeSlots(Value result, ArrayRef<unsigned> yields, const SlotValue &value, ArrayRef<Slot> slots) {
  SmallVector<Point> points;
  SmallVector<SmallVector<Value>> values;
  for (Slot slot : slots) {
    Value known = value(slot);
    points.push_back({shape, row, slot.column, tile.width, {}});
    values.push_back(f.evaluateYields(points.back(), {{result, known}}, yields));
  }
  auto storeAll = [&] {
    for (auto [point, each] : llvm::zip_equal(points, values))
      f.storeValues(point, each, yields);
  };
  isRow ? k.when(isRow, storeAll) : storeAll();
}

void RowThread::store(Value result, ArrayRef<unsigned> yields, SlotValue value) {
  if (!yields.empty())
    forEach([&](ArrayRef<Slot> slots) { storeSlots(result, yields, value, slots); });
}

void RowThread::once(llvm::function_ref<void()> body) {
  Value isFirst = tile.lanes == 1 ? Value() : k.equal(lane, k.index(0));
  Value condition = isFirst && isRow ? k.both(isFirst, isRow) : isFirst ? isFirst : isRow;
  condition ? k.when(condition, body) : body();
}

void RowThread::storeScalar(Value result, ArrayRef<unsigned> yields, Value scalar) {
  if (!yields.empty())
    f.storeYields(elementPoint(k, cast<RankedTensorType>(result.getType()).getShape(), row), {{result, scalar}},
                  yields);
}
