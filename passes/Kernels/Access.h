// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Access maps: where each element of a viewed tensor lies in the dense tensor behind the views.
#pragma once

#include "dialect/VLP/VLP.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace vlp {

/// Element `i` of a value lies at element `offset + sum_d i[d] strides[d]` of `source`, a dense row-major tensor. A
/// stride of 0 repeats. All figures count elements, not bytes.
struct Access {
  mlir::Value source;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<int64_t> strides;

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  /// Whether the elements are those of a row-major tensor of `shape` that starts at `offset`.
  bool isContiguous() const;
};

/// The row-major strides of a dense tensor of `shape`.
llvm::SmallVector<int64_t> getDenseStrides(llvm::ArrayRef<int64_t> shape);

/// `source` read as it lies.
Access getDenseAccess(mlir::Value source);

/// The access of the result of `view` (an op with the View trait), given its operand's. Fails where the result is no
/// strided access: a reshape that merges dimensions which do not follow one another in memory.
llvm::FailureOr<Access> composeView(const Access &operand, mlir::Operation *view);

/// `access` repeated to `shape` by the trailing-dimension rule of elementwise ops. The shapes must broadcast.
Access broadcastAccess(const Access &access, llvm::ArrayRef<int64_t> shape);

/// The one stride that walks all leading dimensions of `access` in row-major order, if there is one.
std::optional<int64_t> getRowStride(const Access &access);

/// Walks from `value` up through View ops to the first value that is none: a block argument or the result of another
/// op. Inside a kernel formed by `vlp-form-kernels` this never fails.
llvm::FailureOr<Access> getAccess(mlir::Value value);

/// The value that `value` is a view of: `value` itself if its producer is no View op.
mlir::Value getViewSource(mlir::Value value);

} // namespace vlp
