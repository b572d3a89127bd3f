// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads of tensor-core operands and products of tiles (PTX ISA, "Matrix fragments for mma.m16n8k16" and "m16n8k8").
#include "passes/CUDA/Fragments.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

void cuda::appendTiles(SmallVectorImpl<Value> &values, const TileGrid &grid) {
  for (const auto &row : grid)
    for (const Tile &tile : row)
      values.append(tile.begin(), tile.end());
}

void cuda::takeTiles(ValueRange &values, TileGrid &grid) {
  for (auto &row : grid)
    for (Tile &tile : row)
      for (Value &value : tile) {
        value = values.front();
        values = values.drop_front();
      }
}

int64_t Fragments::pitchOf(int64_t columns, Type element) {
  int64_t vectors = columns * bytesOf(element) / kVectorBytes;
  return (vectors | 1) * kVectorBytes;
}

SmallVector<ColumnGroup> Fragments::groupsOf(int64_t columns, Type element) {
  SmallVector<ColumnGroup> groups;
  for (int64_t first = 0; first < columns;) {
    int64_t tiles = element.isBF16() ? 2 : columns - first >= 32 ? 4 : columns - first >= 16 ? 2 : 1;
    groups.push_back({first, tiles});
    first += tiles * 8;
  }
  return groups;
}

Fragments::Fragments(KernelBuilder &k, Type element, int64_t pitch) : k(k), element(element), pitch(pitch) {
  Value lane = k.lane(), upper = k.shiftRight(lane, 4);
  // Lane l gives ldmatrix the address of row l % 8 of matrix l / 8. Matrices of 8 x 16 bytes; the left operand's are
  // upper rows, lower rows, then the same 16 bytes further on; the right operand's two halves of the first 8 rows, then
  // of the next 8.
  leftOffset = k.add(k.mul(k.bitAnd(lane, 15), pitch), k.mul(upper, kVectorBytes));
  rightOffset = k.add(k.mul(k.add(k.bitAnd(lane, 7), k.mul(upper, 8)), pitch),
                      k.mul(k.bitAnd(k.shiftRight(lane, 3), 1), kVectorBytes));
  pairRow = k.mul(k.bitAnd(lane, 3), 2 * pitch);
  group = k.shiftRight(lane, 2);
}

Value Fragments::at(Value rows, Value laneOffset, int64_t offset) {
  Type byte = k.b.getI8Type();
  return k.address(k.address(rows, laneOffset, byte), k.index(offset), byte);
}

Operand Fragments::split(ArrayRef<Value> bits) {
  Operand whole, rest;
  for (Value word : bits) {
    Value x = k.bitcast(word, k.f32Type());
    whole.push_back(k.toTF32(x));
    rest.push_back(k.toTF32(k.subf(x, k.bitcast(whole.back(), k.f32Type()))));
  }
  whole.append(rest);
  return whole;
}

Operand Fragments::left(Value rows, int64_t offset) {
  SmallVector<Value> registers = k.loadMatrices(at(rows, leftOffset, offset));
  return isBF16() ? Operand(ArrayRef<Value>(registers)) : split(registers);
}

std::pair<Operand, Operand> Fragments::right(Value rows, int64_t offset) {
  SmallVector<Value> registers = k.loadMatrices(at(rows, rightOffset, offset));
  ArrayRef<Value> all(registers);
  if (isBF16())
    return {Operand(all.take_front(2)), Operand(all.drop_front(2))};
  return {split(all.take_front(2)), split(all.drop_front(2))};
}

SmallVector<Operand> Fragments::columns(Value rows, int64_t offset, const ColumnGroup &g) {
  offset += g.first * bytesOf(element);
  if (isBF16()) {
    SmallVector<Value> registers = k.loadMatrices(at(rows, leftOffset, offset), /*transposed=*/true);
    ArrayRef<Value> all(registers);
    return {Operand(all.take_front(2)), Operand(all.drop_front(2))};
  }
  Value lane = k.add(pairRow, k.mul(group, g.tiles * 4));
  Type type = g.tiles == 1 ? k.i32Type() : Type(VectorType::get({g.tiles}, k.i32Type()));
  Value first = k.rawLoad(at(rows, lane, offset), k.index(0), type, g.tiles * 4);
  Value second = k.rawLoad(at(rows, lane, offset + pitch), k.index(0), type, g.tiles * 4);
  SmallVector<Operand> operands;
  for (int64_t j = 0; j < g.tiles; ++j) {
    auto part = [&](Value vector) {
      return g.tiles == 1 ? vector : vector::ExtractOp::create(k.b, vector, ArrayRef<int64_t>{j}).getResult();
    };
    operands.push_back(split({part(first), part(second)}));
  }
  return operands;
}

Operand Fragments::leftOf(ArrayRef<Tile> tiles, int64_t step) {
  if (!isBF16()) {
    const Tile &t = tiles[step];
    Value order[] = {t[0], t[2], t[1], t[3]};
    return split(order);
  }
  const Tile &low = tiles[2 * step], &high = tiles[2 * step + 1];
  return {k.packBF16(low[0], low[1]), k.packBF16(low[2], low[3]), k.packBF16(high[0], high[1]),
          k.packBF16(high[2], high[3])};
}

void Fragments::multiply(Tile &sum, const Operand &left, const Operand &right) {
  if (isBF16()) {
    sum = Tile(ArrayRef<Value>(k.multiplyBF16(left, right, sum)));
    return;
  }
  ArrayRef<Value> a(left), b(right);
  sum = Tile(ArrayRef<Value>(k.multiplyTF32(a.drop_front(4), b.take_front(2), sum)));
  sum = Tile(ArrayRef<Value>(k.multiplyTF32(a.take_front(4), b.drop_front(2), sum)));
  sum = Tile(ArrayRef<Value>(k.multiplyTF32(a.take_front(4), b.take_front(2), sum)));
}

TileGrid Fragments::zeros(int64_t rows, int64_t columns) {
  return TileGrid(rows, SmallVector<Tile, 8>(columns, zeroTile()));
}

TileGrid Fragments::multiplyRows(Value a, Value b, int64_t rowTiles, int64_t columnTiles, int64_t steps) {
  TileGrid sums = zeros(rowTiles, columnTiles);
  for (int64_t step = 0; step < steps; ++step) {
    SmallVector<Operand> lefts;
    for (int64_t m = 0; m < rowTiles; ++m)
      lefts.push_back(left(a, m * 16 * pitch + step * kStepBytes));
    for (int64_t n = 0; n < columnTiles; n += 2) {
      auto [even, odd] = right(b, n * 8 * pitch + step * kStepBytes);
      for (int64_t m = 0; m < rowTiles; ++m) {
        multiply(sums[m][n], lefts[m], even);
        multiply(sums[m][n + 1], lefts[m], odd);
      }
    }
  }
  return sums;
}

void Fragments::accumulate(TileGrid &sums, const TileGrid &p, Value b, ArrayRef<ColumnGroup> groups) {
  int64_t inner = stepOf(element), steps = static_cast<int64_t>(p[0].size()) * 8 / inner;
  for (int64_t step = 0; step < steps; ++step) {
    SmallVector<Operand> lefts;
    for (const auto &row : p)
      lefts.push_back(leftOf(row, step));
    for (const ColumnGroup &g : groups)
      for (auto [j, operand] : llvm::enumerate(columns(b, step * inner * pitch, g)))
        for (auto [m, row] : llvm::enumerate(sums))
          multiply(row[g.first / 8 + j], lefts[m], operand);
  }
}
