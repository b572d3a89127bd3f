// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The builder that CPU emitters write loop nests in.
#include "passes/CPU/KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

RegisterTile cpu::registerTile(const TargetInfo &target) {
  return target.chip == "x86-64-v4" ? RegisterTile{6, 4} : RegisterTile{6, 1};
}

KernelBuilder::KernelBuilder(ModuleOp module, StringRef symbol, Location loc, unsigned arguments)
    : MathBuilder(loc, module.getContext()) {
  b.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type();
  auto function = func::FuncOp::create(b, symbol, b.getFunctionType({pointer, i64, i64, pointer}, {}));
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  for (unsigned i = 0; i < arguments; ++i) {
    Value slot = LLVM::GEPOp::create(b, pointer, pointer, entry->getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    pointers.push_back(LLVM::LoadOp::create(b, pointer, slot));
  }
  begin = arith::IndexCastOp::create(b, indexType(), entry->getArgument(1));
  end = arith::IndexCastOp::create(b, indexType(), entry->getArgument(2));
  scratch = entry->getArgument(3);
}

void KernelBuilder::finish() { func::ReturnOp::create(b); }

Value KernelBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
Value KernelBuilder::add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
Value KernelBuilder::sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
Value KernelBuilder::mul(Value x, int64_t y) { return y == 1 ? x : b.createOrFold<arith::MulIOp>(x, index(y)); }
Value KernelBuilder::mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
Value KernelBuilder::div(Value x, int64_t y) { return y == 1 ? x : b.createOrFold<arith::DivUIOp>(x, index(y)); }
Value KernelBuilder::rem(Value x, int64_t y) { return y == 1 ? index(0) : b.createOrFold<arith::RemUIOp>(x, index(y)); }
Value KernelBuilder::min(Value x, Value y) { return arith::MinSIOp::create(b, x, y); }
Value KernelBuilder::less(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y); }
Value KernelBuilder::equal(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y); }
Value KernelBuilder::toIndex(Value i32) { return arith::IndexCastOp::create(b, indexType(), i32); }
Value KernelBuilder::toI32(Value index) { return arith::IndexCastOp::create(b, i32Type(), index); }

Value KernelBuilder::splat(double value) {
  return arith::ConstantOp::create(b, DenseElementsAttr::get(vectorOf(f32Type()), static_cast<float>(value)));
}
Value KernelBuilder::splatInt(int32_t value) {
  return arith::ConstantOp::create(b, DenseElementsAttr::get(vectorOf(i32Type()), value));
}
Value KernelBuilder::broadcast(Value scalar) {
  return vector::BroadcastOp::create(b, vectorOf(scalar.getType()), scalar);
}
Value KernelBuilder::shuffle(Value x, Value y, ArrayRef<int64_t> lanes) {
  return vector::ShuffleOp::create(b, x, y, lanes);
}

Value KernelBuilder::sumLanes(Value vector) {
  for (int64_t half = kLanes / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> lanes;
    for (int64_t i = 0; i < kLanes; ++i)
      lanes.push_back((i + half) % kLanes);
    vector = addf(vector, shuffle(vector, vector, lanes));
  }
  return vector::ExtractOp::create(b, vector, 0);
}

Value KernelBuilder::maxLanes(Value vector) {
  for (int64_t half = kLanes / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> lanes;
    for (int64_t i = 0; i < kLanes; ++i)
      lanes.push_back((i + half) % kLanes);
    vector = maxf(vector, shuffle(vector, vector, lanes));
  }
  return vector::ExtractOp::create(b, vector, 0);
}

Value KernelBuilder::mask(int64_t lanes) {
  if (lanes >= kLanes)
    return {};
  SmallVector<bool> bits(kLanes, false);
  std::fill_n(bits.begin(), lanes, true);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(vectorOf(b.getI1Type()), ArrayRef<bool>(bits)));
}

Value KernelBuilder::keep(Value vector, int64_t lanes, Value fill) {
  Value bits = mask(lanes);
  return bits ? select(bits, vector, fill) : vector;
}

Value KernelBuilder::iota() {
  SmallVector<int32_t> values;
  for (int32_t i = 0; i < kLanes; ++i)
    values.push_back(i);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(vectorOf(i32Type()), ArrayRef<int32_t>(values)));
}

// Four butterfly stages: stage s swaps the off-diagonal s x s blocks of each 2s x 2s block.
void KernelBuilder::transpose(MutableArrayRef<Value> rows) {
  assert(rows.size() == size_t(kLanes));
  for (int64_t s = 1; s < kLanes; s *= 2) {
    SmallVector<int64_t> upper, lower;
    for (int64_t c = 0; c < kLanes; ++c) {
      upper.push_back(c & s ? kLanes + c - s : c);
      lower.push_back(c & s ? kLanes + c : c + s);
    }
    for (int64_t r = 0; r < kLanes; ++r) {
      if (r & s)
        continue;
      Value x = rows[r], y = rows[r | s];
      rows[r] = shuffle(x, y, upper);
      rows[r | s] = shuffle(x, y, lower);
    }
  }
}

Value KernelBuilder::address(Value pointer, Value index) {
  Value i64 = arith::IndexCastOp::create(b, b.getI64Type(), index);
  return LLVM::GEPOp::create(b, pointer.getType(), f32Type(), pointer, ArrayRef<LLVM::GEPArg>{i64});
}

Value KernelBuilder::load(Value pointer, Value index, Type type) {
  return LLVM::LoadOp::create(b, type, address(pointer, index), /*alignment=*/4);
}

Value KernelBuilder::loadVector(Value pointer, Value index, int64_t lanes, Type element) {
  VectorType type = vectorOf(element ? element : f32Type());
  Value where = address(pointer, index);
  if (Value bits = mask(lanes)) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    return LLVM::MaskedLoadOp::create(b, type, where, bits, zero, /*alignment=*/4);
  }
  return LLVM::LoadOp::create(b, type, where, /*alignment=*/4);
}

void KernelBuilder::store(Value value, Value pointer, Value index, int64_t lanes) {
  Value where = address(pointer, index);
  Value bits = isa<VectorType>(value.getType()) ? mask(lanes) : Value();
  if (bits)
    LLVM::MaskedStoreOp::create(b, value, where, bits, /*alignment=*/4);
  else
    LLVM::StoreOp::create(b, value, where, /*alignment=*/4);
}

Value KernelBuilder::scratchAt(int64_t offset) { return offset ? address(scratch, index(offset)) : scratch; }

void KernelBuilder::loop(Value from, Value to, int64_t step, Body body) {
  auto loop = scf::ForOp::create(b, from, to, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> KernelBuilder::loop(Value from, Value to, int64_t step, ValueRange initial, CarriedBody body) {
  auto loop = scf::ForOp::create(b, from, to, index(step), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

void KernelBuilder::columns(int64_t columns, llvm::function_ref<void(Value, int64_t)> body) {
  int64_t full = columns / kLanes * kLanes;
  if (full == kLanes)
    body(index(0), kLanes);
  else if (full)
    loop(0, full, kLanes, [&](Value column) { body(column, kLanes); });
  if (full < columns)
    body(index(full), columns - full);
}

Value KernelBuilder::columns(int64_t columns, Value initial, llvm::function_ref<Value(Value, int64_t, Value)> body) {
  int64_t full = columns / kLanes * kLanes;
  Value carried = initial;
  if (full == kLanes)
    carried = body(index(0), kLanes, carried);
  else if (full)
    carried = loop(index(0), index(full), kLanes, carried, [&](Value column, ValueRange values) {
      return SmallVector<Value>{body(column, kLanes, values[0])};
    })[0];
  return full < columns ? body(index(full), columns - full, carried) : carried;
}
