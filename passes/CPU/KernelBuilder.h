// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A small layer over OpBuilder in which the CPU emitters write loop nests: index and f32 arithmetic, 16-lane vectors,
// loads and stores through base pointers, counted loops.
#pragma once

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/Emitter.h"
#include "passes/Kernels/MathBuilder.h"

namespace vlp::cpu {

using mlir::Value;

/// Lanes of every vector: one zmm register, or two ymm registers where the chip has no AVX-512.
inline constexpr int64_t kLanes = 16;

/// Rows and 16-lane columns of the register tile of matrix products: 6x64 leaves 24 accumulators in 32 zmm registers,
/// 6x16 twelve in 16 ymm registers.
struct RegisterTile {
  int64_t rows;
  int64_t vectors;
  int64_t columns() const { return vectors * kLanes; }
};
RegisterTile registerTile(const TargetInfo &target);

class KernelBuilder : public MathBuilder {
public:
  /// Starts the function `symbol` at the end of `module` with the kernel ABI's signature (runtime/format/KernelABI.h).
  KernelBuilder(mlir::ModuleOp module, llvm::StringRef symbol, mlir::Location loc, unsigned arguments);
  /// Ends the function.
  void finish();

  llvm::SmallVector<Value> pointers; // base pointers, in the launch's argument order
  Value begin, end, scratch;         // task range (index) and private scratch (pointer)

  mlir::Type indexType() { return b.getIndexType(); }
  mlir::VectorType vectorOf(mlir::Type element) { return mlir::VectorType::get({kLanes}, element); }

  // Index arithmetic.
  Value index(int64_t value);
  Value add(Value x, Value y);
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, index(y)); }
  Value sub(Value x, Value y);
  Value mul(Value x, int64_t y);
  Value mul(Value x, Value y);
  Value div(Value x, int64_t y);
  Value rem(Value x, int64_t y);
  Value min(Value x, Value y);
  Value less(Value x, Value y);
  Value equal(Value x, Value y);
  Value toIndex(Value i32);
  Value toI32(Value index);

  // Vectors.
  Value splat(double value);     // vector of f32
  Value splatInt(int32_t value); // vector of i32
  Value broadcast(Value scalar); // to a vector
  /// Sum or maximum of all lanes, by a fixed tree.
  Value sumLanes(Value vector);
  Value maxLanes(Value vector);

  /// A mask of the first `lanes` lanes; null for all of them.
  Value mask(int64_t lanes);
  /// `vector` with `fill` in the lanes from `lanes` on.
  Value keep(Value vector, int64_t lanes, Value fill);
  /// 0, 1, ..., 15 as i32.
  Value iota();
  /// Transposes sixteen 16-lane vectors in place.
  void transpose(llvm::MutableArrayRef<Value> rows);

  // Memory. Indices count elements of four bytes.
  Value address(Value pointer, Value index);
  Value load(Value pointer, Value index, mlir::Type type);
  Value loadF32(Value pointer, Value index) { return load(pointer, index, f32Type()); }
  Value loadI32(Value pointer, Value index) { return load(pointer, index, i32Type()); }
  /// `lanes` consecutive elements; the other lanes are zero and not touched.
  Value loadVector(Value pointer, Value index, int64_t lanes = kLanes, mlir::Type element = {});
  void store(Value value, Value pointer, Value index, int64_t lanes = kLanes);
  /// A part of the scratch memory, `offset` floats from its start.
  Value scratchAt(int64_t offset);

  // Control.
  using Body = llvm::function_ref<void(Value)>;
  using CarriedBody = llvm::function_ref<llvm::SmallVector<Value>(Value, mlir::ValueRange)>;
  void loop(Value from, Value to, int64_t step, Body body);
  void loop(int64_t from, int64_t to, int64_t step, Body body) { loop(index(from), index(to), step, body); }
  llvm::SmallVector<Value> loop(Value from, Value to, int64_t step, mlir::ValueRange initial, CarriedBody body);
  void when(Value condition, llvm::function_ref<void()> body);
  /// Runs `body(column, lanes)` over 0..columns in vectors, the tail with fewer lanes.
  void columns(int64_t columns, llvm::function_ref<void(Value, int64_t)> body);
  /// The same with a carried vector.
  Value columns(int64_t columns, Value initial, llvm::function_ref<Value(Value, int64_t, Value)> body);

private:
  mlir::Value shuffle(Value x, Value y, llvm::ArrayRef<int64_t> lanes);
};

} // namespace vlp::cpu
