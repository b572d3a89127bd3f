// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Dense arrays and the operands and results of one op while the reference interpreter executes it.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <vector>

namespace vlp {

/// A dense row-major array. Float tensors live in `values` (T is the precision of the execution), i32 tensors in
/// `ints`.
template <typename T>
struct Array {
  llvm::SmallVector<int64_t> shape;
  std::vector<T> values;
  std::vector<int32_t> ints;

  Array() = default;
  /// Zero-filled, of the shape and element kind of `type`.
  explicit Array(mlir::RankedTensorType type) : shape(type.getShape()) {
    if (type.getElementType().isInteger())
      ints.assign(type.getNumElements(), 0);
    else
      values.assign(type.getNumElements(), T(0));
  }

  bool isInteger() const { return values.empty() && !ints.empty(); }
  int64_t size() const { return static_cast<int64_t>(values.size() + ints.size()); }
  T &operator[](int64_t i) { return values[i]; }
  const T &operator[](int64_t i) const { return values[i]; }
};

/// What an op sees: its operands, and its results, already allocated and zero-filled.
template <typename T>
struct Evaluation {
  llvm::SmallVector<const Array<T> *> operands;
  llvm::SmallVector<Array<T>> results;

  const Array<T> &in(unsigned i) const { return *operands[i]; }
  Array<T> &out(unsigned i = 0) { return results[i]; }
};

} // namespace vlp
