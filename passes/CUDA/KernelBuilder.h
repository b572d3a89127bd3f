// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A small layer over OpBuilder in which the CUDA emitters write what one thread of a block does: i32 index arithmetic,
// f32 values in registers, global and shared memory through bare pointers, warp shuffles, tensor-core tiles,
// asynchronous copies.
#pragma once

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/Emitter.h"
#include "passes/Kernels/MathBuilder.h"

namespace vlp::cuda {

using mlir::Value;

inline constexpr int64_t kWarp = 32;
/// Bytes of the widest memory access of a thread.
inline constexpr int64_t kVectorBytes = 16;
/// Alignment of the dynamic shared memory's start; ldmatrix and cp.async need 16.
inline constexpr int64_t kSharedAlignment = 128;

/// Bytes of an element in memory: f32 and i32 four, bf16 two.
int64_t bytesOf(mlir::Type element);

class KernelBuilder : public MathBuilder {
public:
  /// Starts the kernel `symbol` at the end of `module`: an llvm.func with nvvm.kernel, one !llvm.ptr<1> a launch
  /// argument (its slots are aligned to 64 bytes), exactly `threads` threads a block. Declares the module's dynamic
  /// shared memory on first use.
  KernelBuilder(mlir::ModuleOp module, llvm::StringRef symbol, mlir::Location loc, unsigned arguments, int64_t threads);
  /// Ends the function.
  void finish();
  /// Keeps the number of threads from the assembler, for blocks of at most 256, which can have whatever registers a
  /// thread may take. Told of it, nvJitLink's assembler (of relocatable code) schedules for all registers that such a
  /// block can have, and spills where half of them would do.
  void hideThreads();

  llvm::SmallVector<Value> pointers; // base pointers (global memory), in the launch's argument order
  Value block, thread;               // i32: blockIdx.x (the task) and threadIdx.x
  int64_t threads;                   // of a block

  Value lane(); // thread % 32
  Value warp(); // thread / 32, equal in a warp

  // Index arithmetic, on i32. No tensor has 2^31 elements or more.
  Value index(int64_t value);
  Value add(Value x, Value y);
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, index(y)); }
  Value sub(Value x, Value y);
  Value mul(Value x, int64_t y);
  Value mul(Value x, Value y);
  Value div(Value x, int64_t y); // unsigned
  Value rem(Value x, int64_t y); // unsigned
  Value min(Value x, Value y);
  Value max(Value x, Value y);
  Value bitAnd(Value x, int64_t y);
  Value bitXor(Value x, Value y);
  Value shiftRight(Value x, int64_t y);
  Value less(Value x, Value y); // signed
  Value less(Value x, int64_t y) { return less(x, index(y)); }
  Value below(Value x, int64_t y); // unsigned: 0 <= x < y
  Value equal(Value x, Value y);
  Value differ(Value x, Value y);
  Value both(Value x, Value y); // i1 and
  Value either(Value x, Value y);

  // Memory. Indices count elements of the element type. `alignment` in bytes is what the caller can prove, at least the
  // element's size. A width above 1 reads or writes a vector, as one access where the alignment allows. Values in
  // registers are f32 (bf16 in memory is extended and rounded) or i32; rawLoad and rawStore leave them as they are.
  Value address(Value pointer, Value index, mlir::Type element);
  Value load(Value pointer, Value index, mlir::Type element, int64_t width = 1, int64_t alignment = 0);
  void store(Value value, Value pointer, Value index, mlir::Type element, int64_t alignment = 0);
  Value rawLoad(Value pointer, Value index, mlir::Type type, int64_t alignment);
  void rawStore(Value value, Value pointer, Value index, int64_t alignment);
  Value loadF32(Value pointer, Value index) { return load(pointer, index, f32Type()); }
  Value loadI32(Value pointer, Value index) { return load(pointer, index, i32Type()); }
  /// The same, but zero where `condition` does not hold: nothing is read then.
  Value loadIf(Value condition, Value pointer, Value index, mlir::Type element, int64_t width = 1,
               int64_t alignment = 0);
  void storeIf(Value condition, Value value, Value pointer, Value index, mlir::Type element, int64_t alignment = 0);

  /// 2^x by the special function unit: relative error below 2^-22, subnormal results are zero.
  Value exp2(Value x);
  /// The larger one, in one instruction; the other one where one is NaN.
  Value maxNumber(Value x, Value y);

  /// A pointer into dynamic shared memory, `offset` bytes from its start (a multiple of the access sizes used on it).
  Value shared(int64_t offset);

  // Asynchronous copies from global to shared memory: `bytes` is 4, 8 or 16 and both addresses are aligned to it. Where
  // `condition` does not hold, zeros are written and nothing is read.
  void copyAsync(Value sharedPointer, Value globalPointer, int64_t bytes, Value condition = {});
  void commitCopies();
  void
  waitCopies(int64_t groupsLeft); // until at most that many groups of this thread are under way; follow with a barrier
  void barrier();                 // all threads of the block
  void warpBarrier();

  // Warp exchange; all 32 lanes take part.
  Value shuffleXor(Value x, int64_t mask);
  Value shuffle(Value x, Value lane);
  /// Sum or maximum over groups of `width` (a power of two) neighbouring lanes, in every lane, by a fixed tree.
  Value sumLanes(Value x, int64_t width = kWarp);
  Value maxLanes(Value x, int64_t width = kWarp);
  /// Sum or maximum over the block, in every thread; uses `scratch` (shared, 4 bytes a warp) between two barriers.
  /// Fixed order.
  Value sumBlock(Value x, Value scratch);
  Value maxBlock(Value x, Value scratch);

  // Tensor cores (PTX ISA, "Matrix multiply-accumulate instructions"). Registers are i32 (two bf16, or the bits of one
  // tf32) and f32.
  /// Four 8x8 b16 matrices; lane l gives the address of row l % 8 of matrix l / 8. Four i32.
  llvm::SmallVector<Value> loadMatrices(Value sharedPointer, bool transposed = false);
  /// D (four f32) = A (four i32) B (two i32) + C: m16n8k16, bf16.
  llvm::SmallVector<Value> multiplyBF16(llvm::ArrayRef<Value> a, llvm::ArrayRef<Value> b, llvm::ArrayRef<Value> c);
  /// D (four f32) = A (four i32) B (two i32) + C: m16n8k8, tf32.
  llvm::SmallVector<Value> multiplyTF32(llvm::ArrayRef<Value> a, llvm::ArrayRef<Value> b, llvm::ArrayRef<Value> c);
  /// x rounded to tf32 (nearest, ties away), as bits.
  Value toTF32(Value x);
  Value bitcast(Value x, mlir::Type type);
  /// Two f32 rounded to bf16, in one i32; `low` in the lower half.
  Value packBF16(Value low, Value high);
  /// An f32 rounded to `element` (f32: as it is), back in f32.
  Value roundTo(mlir::Type element, Value x);

  /// `value` in each of `width` registers: a scalar for width 1, else a vector.
  Value splat(Value value, int64_t width);

  // Control. Loops over i32; the back end never unrolls them (an emitter that wants that repeats the body itself).
  using Body = llvm::function_ref<void(Value)>;
  using CarriedBody = llvm::function_ref<llvm::SmallVector<Value>(Value, mlir::ValueRange)>;
  void loop(Value from, Value to, int64_t step, Body body);
  void loop(int64_t from, int64_t to, int64_t step, Body body) { loop(index(from), index(to), step, body); }
  llvm::SmallVector<Value> loop(Value from, Value to, int64_t step, mlir::ValueRange initial, CarriedBody body);
  void when(Value condition, llvm::function_ref<void()> body);
  /// One of two values, the branches run only where they apply.
  llvm::SmallVector<Value> choose(Value condition, llvm::function_ref<llvm::SmallVector<Value>()> yes,
                                  llvm::function_ref<llvm::SmallVector<Value>()> no);
  /// The values of case number `index`, below `cases`, by a jump.
  llvm::SmallVector<Value> chooseCase(Value index, int64_t cases,
                                      llvm::function_ref<llvm::SmallVector<Value>(int64_t)> values);

private:
  /// A call of an LLVM intrinsic.
  Value call(llvm::StringRef name, mlir::Type result, mlir::ValueRange operands);
  llvm::SmallVector<Value> unpack(Value aggregate, unsigned count);
  Value reduceLanes(Value x, int64_t width, llvm::function_ref<Value(Value, Value)> combine);
  Value reduceBlock(Value x, Value scratch, double neutral, llvm::function_ref<Value(Value, Value)> combine);

  mlir::ModuleOp module;
};

} // namespace vlp::cuda
