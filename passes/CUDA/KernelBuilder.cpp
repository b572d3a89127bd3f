// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The builder that CUDA emitters write kernels in.
#include "passes/CUDA/KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/CUDA/Chip.h"
#include "passes/CUDA/CompileCUDA.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

int64_t cuda::bytesOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }

static constexpr StringLiteral kSharedSymbol = "smem";

KernelBuilder::KernelBuilder(ModuleOp module, StringRef symbol, Location loc, unsigned arguments, int64_t threads)
    : MathBuilder(loc, module.getContext()), threads(threads), module(module) {
  b.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext(), /*addressSpace=*/1);
  SmallVector<Type> types(arguments, pointer);
  auto function =
      LLVM::LLVMFuncOp::create(b, symbol, LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), types));
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(), b.getDenseI32ArrayAttr({static_cast<int32_t>(threads)}));
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  pointers.assign(entry->args_begin(), entry->args_end());
  block = call("llvm.nvvm.read.ptx.sreg.ctaid.x", i32Type(), {});
  thread = call("llvm.nvvm.read.ptx.sreg.tid.x", i32Type(), {});
}

void KernelBuilder::finish() { LLVM::ReturnOp::create(b, ValueRange()); }

void KernelBuilder::hideThreads() {
  assert(threads * kRegistersPerThread <= kRegistersPerMultiprocessor && "expected a block of at most 256 threads");
  auto function = b.getInsertionBlock()->getParent()->getParentOfType<LLVM::LLVMFuncOp>();
  function.setPassthroughAttr(b.getStrArrayAttr({kHideThreads}));
}

Value KernelBuilder::call(StringRef name, Type result, ValueRange operands) {
  if (!result) {
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr(name), operands);
    return {};
  }
  return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name), operands).getResult(0);
}

SmallVector<Value> KernelBuilder::unpack(Value aggregate, unsigned count) {
  SmallVector<Value> parts;
  for (unsigned i = 0; i < count; ++i)
    parts.push_back(LLVM::ExtractValueOp::create(b, aggregate, ArrayRef<int64_t>{i}));
  return parts;
}

Value KernelBuilder::lane() { return bitAnd(thread, kWarp - 1); }
Value KernelBuilder::warp() { return shiftRight(thread, 5); }

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}
Value KernelBuilder::add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
Value KernelBuilder::sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
Value KernelBuilder::mul(Value x, int64_t y) { return y == 1 ? x : b.createOrFold<arith::MulIOp>(x, index(y)); }
Value KernelBuilder::mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
Value KernelBuilder::div(Value x, int64_t y) { return y == 1 ? x : b.createOrFold<arith::DivUIOp>(x, index(y)); }
Value KernelBuilder::rem(Value x, int64_t y) { return y == 1 ? index(0) : b.createOrFold<arith::RemUIOp>(x, index(y)); }
Value KernelBuilder::min(Value x, Value y) { return arith::MinSIOp::create(b, x, y); }
Value KernelBuilder::max(Value x, Value y) { return arith::MaxSIOp::create(b, x, y); }
Value KernelBuilder::bitAnd(Value x, int64_t y) { return b.createOrFold<arith::AndIOp>(x, index(y)); }
Value KernelBuilder::bitXor(Value x, Value y) { return b.createOrFold<arith::XOrIOp>(x, y); }
Value KernelBuilder::shiftRight(Value x, int64_t y) { return b.createOrFold<arith::ShRUIOp>(x, index(y)); }
Value KernelBuilder::less(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y); }
Value KernelBuilder::below(Value x, int64_t y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, index(y));
}
Value KernelBuilder::equal(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y); }
Value KernelBuilder::differ(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x, y); }
Value KernelBuilder::both(Value x, Value y) { return x ? y ? arith::AndIOp::create(b, x, y).getResult() : x : y; }
Value KernelBuilder::either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }

Value KernelBuilder::address(Value pointer, Value index, Type element) {
  return LLVM::GEPOp::create(b, pointer.getType(), element, pointer, ArrayRef<LLVM::GEPArg>{index});
}

static Type memoryType(Type element, int64_t width) {
  return width == 1 ? element : Type(VectorType::get({width}, element));
}

Value KernelBuilder::rawLoad(Value pointer, Value index, Type type, int64_t alignment) {
  return LLVM::LoadOp::create(b, type, address(pointer, index, getElementTypeOrSelf(type)), alignment);
}

void KernelBuilder::rawStore(Value value, Value pointer, Value index, int64_t alignment) {
  LLVM::StoreOp::create(b, value, address(pointer, index, getElementTypeOrSelf(value.getType())), alignment);
}

Value KernelBuilder::load(Value pointer, Value index, Type element, int64_t width, int64_t alignment) {
  alignment = std::max(alignment, bytesOf(element));
  assert(width * bytesOf(element) <= kVectorBytes && "expected an access of at most 16 bytes");
  Value raw = rawLoad(pointer, index, memoryType(element, width), alignment);
  return element.isBF16() ? arith::ExtFOp::create(b, memoryType(f32Type(), width), raw).getResult() : raw;
}

void KernelBuilder::store(Value value, Value pointer, Value index, Type element, int64_t alignment) {
  alignment = std::max(alignment, bytesOf(element));
  if (element.isBF16())
    value = arith::TruncFOp::create(b, typeLike(value, element), value);
  rawStore(value, pointer, index, alignment);
}

Value KernelBuilder::loadIf(Value condition, Value pointer, Value index, Type element, int64_t width,
                            int64_t alignment) {
  if (!condition)
    return load(pointer, index, element, width, alignment);
  return choose(
      condition, [&] { return SmallVector<Value>{load(pointer, index, element, width, alignment)}; },
      [&] {
        Type type = memoryType(element.isBF16() ? f32Type() : element, width);
        return SmallVector<Value>{arith::ConstantOp::create(b, b.getZeroAttr(type))};
      })[0];
}

void KernelBuilder::storeIf(Value condition, Value value, Value pointer, Value index, Type element, int64_t alignment) {
  if (condition)
    when(condition, [&] { store(value, pointer, index, element, alignment); });
  else
    store(value, pointer, index, element, alignment);
}

Value KernelBuilder::exp2(Value x) { return call("llvm.nvvm.ex2.approx.ftz.f32", f32Type(), x); }
Value KernelBuilder::maxNumber(Value x, Value y) { return arith::MaxNumFOp::create(b, x, y); }

Value KernelBuilder::shared(int64_t offset) {
  if (!module.lookupSymbol(kSharedSymbol)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    // External and without a size: the launch says how much. An internal global would become a static array of one
    // byte.
    LLVM::GlobalOp::create(b, LLVM::LLVMArrayType::get(b.getI8Type(), 0), /*isConstant=*/false, LLVM::Linkage::External,
                           kSharedSymbol, Attribute(), kSharedAlignment, /*addrSpace=*/3);
  }
  Type pointer = LLVM::LLVMPointerType::get(b.getContext(), 3);
  Value start = LLVM::AddressOfOp::create(b, pointer, kSharedSymbol);
  return offset ? LLVM::GEPOp::create(b, pointer, b.getI8Type(), start, ArrayRef<LLVM::GEPArg>{int32_t(offset)})
                      .getResult()
                : start;
}

void KernelBuilder::copyAsync(Value sharedPointer, Value globalPointer, int64_t bytes, Value condition) {
  // .cg keeps streamed data out of L1; it exists for 16 bytes only.
  std::string name =
      std::string("llvm.nvvm.cp.async.") + (bytes == 16 ? "cg" : "ca") + ".shared.global." + std::to_string(bytes);
  SmallVector<Value> operands = {sharedPointer, globalPointer};
  if (condition) {
    name += ".s";
    operands.push_back(select(condition, index(bytes), index(0)));
  }
  call(name, {}, operands);
}
void KernelBuilder::commitCopies() { call("llvm.nvvm.cp.async.commit.group", {}, {}); }
void KernelBuilder::waitCopies(int64_t groupsLeft) { call("llvm.nvvm.cp.async.wait.group", {}, index(groupsLeft)); }
void KernelBuilder::barrier() { call("llvm.nvvm.barrier.cta.sync.aligned.all", {}, index(0)); }
void KernelBuilder::warpBarrier() { call("llvm.nvvm.bar.warp.sync", {}, index(-1)); }

Value KernelBuilder::shuffleXor(Value x, int64_t mask) {
  std::string name = std::string("llvm.nvvm.shfl.sync.bfly.") + (x.getType().isF32() ? "f32" : "i32");
  return call(name, x.getType(), {index(-1), x, index(mask), index(31)});
}
Value KernelBuilder::shuffle(Value x, Value lane) {
  std::string name = std::string("llvm.nvvm.shfl.sync.idx.") + (x.getType().isF32() ? "f32" : "i32");
  return call(name, x.getType(), {index(-1), x, lane, index(31)});
}

Value KernelBuilder::reduceLanes(Value x, int64_t width, llvm::function_ref<Value(Value, Value)> combine) {
  // A butterfly: every lane adds the same pairs, in an order that is equal up to commutation, so all get the same bits.
  for (int64_t distance = 1; distance < width; distance *= 2)
    x = combine(x, shuffleXor(x, distance));
  return x;
}
Value KernelBuilder::sumLanes(Value x, int64_t width) {
  return reduceLanes(x, width, [&](Value a, Value c) { return addf(a, c); });
}
Value KernelBuilder::maxLanes(Value x, int64_t width) {
  return reduceLanes(x, width, [&](Value a, Value c) { return maxf(a, c); });
}

Value KernelBuilder::reduceBlock(Value x, Value scratch, double neutral,
                                 llvm::function_ref<Value(Value, Value)> combine) {
  x = reduceLanes(x, kWarp, combine);
  int64_t warps = threads / kWarp;
  if (warps == 1)
    return x;
  barrier(); // the scratch may still be read from the last time
  when(equal(lane(), index(0)), [&] { store(x, scratch, warp(), f32Type()); });
  barrier();
  Value own = choose(
      less(lane(), warps), [&] { return SmallVector<Value>{loadF32(scratch, lane())}; },
      [&] { return SmallVector<Value>{constant(neutral)}; })[0];
  return reduceLanes(own, kWarp, combine);
}
Value KernelBuilder::sumBlock(Value x, Value scratch) {
  return reduceBlock(x, scratch, 0, [&](Value a, Value c) { return addf(a, c); });
}
Value KernelBuilder::maxBlock(Value x, Value scratch) {
  return reduceBlock(x, scratch, -std::numeric_limits<double>::infinity(),
                     [&](Value a, Value c) { return maxf(a, c); });
}

SmallVector<Value> KernelBuilder::loadMatrices(Value sharedPointer, bool transposed) {
  std::string name = std::string("llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.") + (transposed ? "trans." : "") + "b16.p3";
  SmallVector<Type> types(4, i32Type());
  return unpack(call(name, LLVM::LLVMStructType::getLiteral(b.getContext(), types), sharedPointer), 4);
}

static SmallVector<Value> concat(ArrayRef<Value> a, ArrayRef<Value> b, ArrayRef<Value> c) {
  SmallVector<Value> all(a);
  all.append(b.begin(), b.end());
  all.append(c.begin(), c.end());
  return all;
}

SmallVector<Value> KernelBuilder::multiplyBF16(ArrayRef<Value> a, ArrayRef<Value> c2, ArrayRef<Value> c) {
  Type type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, f32Type()));
  return unpack(call("llvm.nvvm.mma.m16n8k16.row.col.bf16", type, concat(a, c2, c)), 4);
}
SmallVector<Value> KernelBuilder::multiplyTF32(ArrayRef<Value> a, ArrayRef<Value> c2, ArrayRef<Value> c) {
  Type type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, f32Type()));
  return unpack(call("llvm.nvvm.mma.m16n8k8.row.col.tf32", type, concat(a, c2, c)), 4);
}
Value KernelBuilder::toTF32(Value x) { return call("llvm.nvvm.f2tf32.rna", i32Type(), x); }
Value KernelBuilder::bitcast(Value x, Type type) { return arith::BitcastOp::create(b, type, x); }
Value KernelBuilder::roundTo(Type element, Value x) {
  if (element.isF32())
    return x;
  Value rounded = arith::TruncFOp::create(b, typeLike(x, element), x);
  return arith::ExtFOp::create(b, x.getType(), rounded);
}
Value KernelBuilder::packBF16(Value low, Value high) {
  VectorType pair = VectorType::get({2}, f32Type());
  Value both = vector::FromElementsOp::create(b, pair, ValueRange{low, high});
  Value rounded = arith::TruncFOp::create(b, VectorType::get({2}, b.getBF16Type()), both);
  return LLVM::BitcastOp::create(b, i32Type(), rounded);
}

Value KernelBuilder::splat(Value value, int64_t width) {
  return width == 1 ? value
                    : vector::BroadcastOp::create(b, VectorType::get({width}, value.getType()), value).getResult();
}

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
  if (!initial.empty()) // without values the loop is built with its end
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

SmallVector<Value> KernelBuilder::choose(Value condition, llvm::function_ref<SmallVector<Value>()> yes,
                                         llvm::function_ref<SmallVector<Value>()> no) {
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  Region thenRegion, elseRegion; // the types are known once one branch is built
  b.createBlock(&thenRegion);
  SmallVector<Value> values = yes();
  scf::YieldOp::create(b, values);
  b.createBlock(&elseRegion);
  scf::YieldOp::create(b, no());
  b.restoreInsertionPoint(here);
  auto branch = scf::IfOp::create(b, TypeRange(ValueRange(values)), condition);
  branch.getThenRegion().takeBody(thenRegion);
  branch.getElseRegion().takeBody(elseRegion);
  return SmallVector<Value>(branch.getResults());
}

SmallVector<Value> KernelBuilder::chooseCase(Value index, int64_t cases,
                                             llvm::function_ref<SmallVector<Value>(int64_t)> values) {
  OpBuilder::InsertPoint here = b.saveInsertionPoint();
  std::vector<Region> regions(cases); // the types are known once one is built
  SmallVector<Type> types;
  for (int64_t i = 0; i < cases; ++i) {
    b.createBlock(&regions[i]);
    SmallVector<Value> own = values(i);
    types = llvm::to_vector(TypeRange(ValueRange(own)));
    scf::YieldOp::create(b, own);
  }
  b.restoreInsertionPoint(here);
  // The last case is the default.
  auto branch = scf::IndexSwitchOp::create(b, types, arith::IndexCastUIOp::create(b, b.getIndexType(), index),
                                           llvm::to_vector(llvm::seq<int64_t>(0, cases - 1)), cases - 1);
  for (int64_t i = 0; i + 1 < cases; ++i)
    branch.getCaseRegions()[i].takeBody(regions[i]);
  branch.getDefaultRegion().takeBody(regions.back());
  return SmallVector<Value>(branch.getResults());
}
