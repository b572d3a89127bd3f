// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Copies to shared memory and fragment loads of a product's operands.
#include "passes/CUDA/MatmulOperand.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Kernels/KernelBody.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

MatmulOperand::MatmulOperand(Access given, bool transposed, Type element) : access(std::move(given)), element(element) {
  if (transposed) {
    std::swap(access.shape[0], access.shape[1]);
    std::swap(access.strides[0], access.strides[1]);
  }
  int64_t sizeK = access.shape.back();
  size = rowsOf(access.shape);
  // Where k has one element its step may be anything; places beyond it, which are not read, must have aligned addresses
  // all the same.
  stepK = sizeK == 1 ? 0 : access.strides.back();
  stepX = getRowStride(access);
  int64_t alongK = stepK == 1 ? vectorWidth(access, element, kVectorBytes) : 0, alongX = 0;
  if (stepX == 1 && size > 1)
    alongX = vectorWidth({access.source, access.offset, {sizeK, size}, {stepK, 1}}, element, kVectorBytes);
  form.alongK = alongK >= alongX;
  form.copyBytes = std::max<int64_t>({alongK, alongX, 1}) * bytesOf(element);
  form.scattered = !stepX;
}

static MatmulOperand makeOperand(Value value, bool transposed) {
  return {*getAccess(value), transposed, cast<RankedTensorType>(value.getType()).getElementType()};
}

static bool isTransposed(Operation *anchor, unsigned operand) {
  auto matmul = dyn_cast<MatmulOp>(anchor);
  return matmul && (operand == 0 ? matmul.getTransposeLhs() : !matmul.getTransposeRhs());
}

MatmulProduct::MatmulProduct(Operation *anchor)
    : op(anchor), a(makeOperand(anchor->getOperand(0), isTransposed(anchor, 0))),
      b(makeOperand(anchor->getOperand(1), isTransposed(anchor, 1))) {
  if (auto linear = dyn_cast<LinearOp>(anchor))
    bias = linear.getBias();
  shape = {a.size, b.size, a.access.shape.back(), bytesOf(a.element), a.form, b.form};
}

int64_t StripMap::at(int64_t slot) const {
  int64_t place = slot % 8, strip = slot / 8;
  place = split ? place % 2 * 4 + place / 2 : place;
  return strip / group * (8 * group) + group * place + strip % group;
}

Value StripMap::at(KernelBuilder &k, Value slot) const {
  if (group == 1)
    return slot;
  Value place = k.rem(slot, 8), strip = k.div(slot, 8);
  if (split)
    place = k.add(k.mul(k.rem(place, 2), 4), k.div(place, 2));
  return k.add(k.add(k.mul(k.div(strip, group), 8 * group), k.mul(place, group)), k.rem(strip, group));
}

OperandTile::OperandTile(KernelBuilder &k, const MatmulOperand &operand, const ProductShape &product,
                         const MatmulTile &tile, Side side, StripMap map, int64_t base)
    : map(map), k(k), operand(operand), product(product), tile(tile), side(side),
      size(side == Side::Rows ? tile.rows : tile.columns),
      warpSize(side == Side::Rows ? tile.warpRows : tile.warpColumns), base(base) {
  // Rows of less than 128 bytes share a line of all banks. ldmatrix reads 16 bytes of eight rows at a time: each row's
  // chunk must lie in other banks. A plain load of f32 reads at places 2a and 2a + 1 (128-bit loads: eight threads at a
  // time) of four rows: two chunks that are neighbours, or with a split map four chunks apart.
  int64_t rowsPerLine = std::max<int64_t>(1, 128 / rowBytes());
  if (byMatrix())
    exchange = {rowsPerLine, std::min<int64_t>(8, rowBytes() / 16), 16};
  else
    exchange = {rowsPerLine, 4 / rowsPerLine, map.split ? 16 : 32};
}

Value OperandTile::swizzle(Value row) {
  return k.mul(k.rem(k.div(row, exchange.divide), exchange.modulo), exchange.scale);
}
int64_t OperandTile::swizzle(int64_t row) const { return row / exchange.divide % exchange.modulo * exchange.scale; }

Value OperandTile::at(Value stage, Value lanePart, int64_t row, int64_t byte) {
  constexpr int64_t kChunks = 0x70; // the bits of a byte offset that swizzling changes
  int64_t exchanged = swizzle(row) ^ (byte & kChunks);
  if (exchanged)
    lanePart = k.bitXor(lanePart, k.index(exchanged));
  Type i8 = k.b.getI8Type();
  Value place = k.address(k.shared(0), k.add(stage, lanePart), i8);
  return k.address(place, k.index(base + row * rowBytes() + (byte & ~kChunks)), i8);
}

std::pair<int64_t, int64_t> OperandTile::place(int64_t i) const {
  int64_t perRow = rowBytes() / operand.form.copyBytes, chunk = i * tile.threads();
  return {chunk / perRow, chunk % perRow * operand.form.copyBytes};
}

int64_t OperandTile::placeX(int64_t i) const {
  auto [row, byte] = place(i);
  return operand.form.alongK ? map.at(row) : byte / product.elementBytes;
}
int64_t OperandTile::placeK(int64_t i) const {
  auto [row, byte] = place(i);
  return operand.form.alongK ? byte / product.elementBytes : row;
}

void OperandTile::locate(Value start, Value firstX, Value firstK) {
  pointer = start;
  int64_t perRow = rowBytes() / operand.form.copyBytes;
  Value row = k.div(k.thread, perRow), byte = k.mul(k.rem(k.thread, perRow), operand.form.copyBytes);
  copyPlace = k.add(k.mul(row, rowBytes()), k.bitXor(byte, swizzle(row)));
  Value along = k.div(byte, product.elementBytes);
  copyX = k.add(firstX, operand.form.alongK ? map.at(k, row) : along);
  copyK = operand.form.alongK ? along : row;
  int64_t copies = tile.copies(product, operand.form, size);
  auto rowOffset = [&](Value x) {
    Point point{operand.access.shape, x, k.index(0), 1, {}};
    return offsetAt(k, operand.access, point);
  };
  Value first = rowOffset(copyX);
  if (!operand.stepX)
    for (int64_t i = 0; i < copies; ++i)
      rowOffsets.push_back(k.sub(rowOffset(k.add(copyX, placeX(i))), first));
  origin = k.address(pointer, k.add(first, k.mul(k.add(firstK, copyK), operand.stepK)), operand.element);
}

Value OperandTile::advance(Value from, int64_t tiles) {
  return tiles ? k.address(from, k.index(tiles * tile.depth * operand.stepK), operand.element) : from;
}

SmallVector<Value> OperandTile::validCopies(Value firstK, Value endK) {
  constexpr int64_t kNever = std::numeric_limits<int32_t>::max(); // no size is as large
  bool wholeK = product.k % tile.depth == 0, wholeX = operand.size % size == 0;
  int64_t copies = tile.copies(product, operand.form, size);
  auto varies = [&](int64_t (OperandTile::*place)(int64_t) const) {
    return llvm::any_of(llvm::seq<int64_t>(0, copies), [&](int64_t i) { return (this->*place)(i) != 0; });
  };
  // Negative, by more than what is to be added, where k exists.
  Value place = k.sub(wholeK ? firstK : k.add(firstK, copyK), endK);
  auto kExists = [&](Value from, int64_t i) { return k.less(from, wholeK ? 0 : -placeK(i)); };
  auto xExists = [&](Value from, int64_t i) { return k.less(from, operand.size - placeX(i)); };
  // Threads that fill whole rows have all their copies at the same k, or at the same x: that condition goes into the
  // other one's index.
  bool sameK = wholeK || !varies(&OperandTile::placeK), sameX = !varies(&OperandTile::placeX);
  Value x = !wholeX && sameK ? k.select(kExists(place, 0), copyX, k.index(kNever)) : copyX;
  if (!wholeX && !sameK && sameX)
    place = k.select(xExists(copyX, 0), place, k.index(kNever));
  SmallVector<Value> valid;
  for (int64_t i = 0; i < copies; ++i)
    valid.push_back(wholeX  ? kExists(place, i)
                    : sameK ? xExists(x, i)
                    : sameX ? kExists(place, i)
                            : k.both(kExists(place, i), xExists(copyX, i)));
  return valid;
}

void OperandTile::copy(Value from, Value stage, Value firstK, Value endK, int64_t part, int64_t parts) {
  SmallVector<Value> valid = validCopies(firstK, endK);
  int64_t copies = valid.size();
  for (int64_t i = copies * part / parts; i < copies * (part + 1) / parts; ++i) {
    auto [row, byte] = place(i);
    Value source = operand.stepX ? from : k.address(from, rowOffsets[i], operand.element);
    int64_t distance = placeK(i) * operand.stepK + (operand.stepX ? placeX(i) * *operand.stepX : 0);
    if (distance)
      source = k.address(source, k.index(distance), operand.element);
    copyOne(source, at(stage, copyPlace, row, byte), valid[i]);
  }
}

void OperandTile::copyOne(Value from, Value to, Value valid) {
  if (operand.form.copyBytes >= 4) {
    k.copyAsync(to, from, operand.form.copyBytes, valid);
    return;
  }
  // No asynchronous copy has two bytes. The store is seen by others after the barrier that precedes the tile's use.
  Type i16 = k.b.getI16Type();
  Value zero = k.index(0);
  Value element = k.rawLoad(k.select(valid, from, pointer), zero, i16, 2); // where it is not valid, any element will do
  Value none = arith::ConstantOp::create(k.b, k.b.getI16IntegerAttr(0));
  k.rawStore(k.select(valid, element, none), to, zero, 2);
}

void OperandTile::locateFragments(Value warp) {
  Value lane = k.lane(), row, byte;
  Value first = k.mul(warp, warpSize);
  if (byMatrix()) {
    // Lane l gives the address of row l % 8 of matrix l / 8: two halves of k of two strips, in the order of the
    // instruction's registers, which are neighbours then.
    Value place = k.rem(lane, 8), fast = k.rem(k.div(lane, 8), 2), slow = k.div(lane, 16);
    Value half = side == Side::Rows ? slow : fast, strip = k.mul(side == Side::Rows ? fast : slow, 8);
    row = operand.form.alongK ? k.add(first, k.add(strip, place)) : k.add(k.mul(half, 8), place);
    byte = operand.form.alongK ? k.mul(half, 16) : k.mul(k.add(first, strip), product.elementBytes);
  } else {
    row = k.rem(lane, 4);
    byte = k.mul(k.add(first, map.at(k, k.div(lane, 4))), product.elementBytes);
  }
  fragmentPlace = k.add(k.mul(row, rowBytes()), k.bitXor(byte, swizzle(row)));
}

SmallVector<Value> OperandTile::fragments(Value stage, int64_t step) {
  int64_t strips = warpSize / 8;
  SmallVector<Value> registers(2 * strips);
  if (byMatrix()) {
    for (int64_t s = 0; s < strips; s += 2) {
      Value from = operand.form.alongK ? at(stage, fragmentPlace, 8 * s, step * 32)
                                       : at(stage, fragmentPlace, step * product.stepK(), s * 8 * product.elementBytes);
      llvm::copy(k.loadMatrices(from, /*transposed=*/!operand.form.alongK), registers.begin() + 2 * s);
    }
    return registers;
  }
  Type type = map.group == 1 ? k.i32Type() : Type(VectorType::get({map.group}, k.i32Type()));
  auto number = [&](int64_t strip, int64_t half) {
    return side == Side::Rows ? strip / 2 * 4 + 2 * half + strip % 2 : 2 * strip + half;
  };
  for (int64_t s = 0; s < strips; s += map.group)
    for (int64_t half : {0, 1}) {
      Value from = at(stage, fragmentPlace, step * product.stepK() + 4 * half, 8 * s * product.elementBytes);
      Value loaded = k.rawLoad(from, k.index(0), type, 4 * map.group);
      for (int64_t j = 0; j < map.group; ++j)
        registers[number(s + j, half)] =
            map.group == 1 ? loaded : vector::ExtractOp::create(k.b, loaded, ArrayRef<int64_t>{j}).getResult();
    }
  return registers;
}
