// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arrays written as text, for tests and messages.
#pragma once

#include "dialect/Interfaces/Evaluation.h"
#include "mlir/IR/MLIRContext.h"
#include <string>

namespace vlp {

/// The array that an MLIR literal such as `dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>` denotes; reports and
/// fails if it is none.
template <typename T>
llvm::FailureOr<Array<T>> parseArray(llvm::StringRef text, mlir::MLIRContext *context);

/// A float array of `shape`; `values` are repeated until it is full.
template <typename T>
Array<T> makeArray(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<T> values);

/// An integer array of `shape`; `values` are repeated until it is full.
template <typename T>
Array<T> makeIntArray(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int32_t> values);

/// "[2, 3] 1 2 3 4 ...": shape and the first `limit` elements.
template <typename T>
std::string toText(const Array<T> &array, size_t limit = 16);

} // namespace vlp
