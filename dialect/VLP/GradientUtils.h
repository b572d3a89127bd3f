// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the gradient rules share: sums over broadcast dimensions, constants, flattened rows, refusal of statistics
// results.
#pragma once

#include "dialect/VLP/OpSupport.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vlp {

/// The gradient of an operand of type `type` that was broadcast to `gradient`'s shape: summed over the repeats.
mlir::Value sumToType(mlir::ImplicitLocOpBuilder &builder, mlir::Value gradient, mlir::RankedTensorType type);
/// A splat of float type `type`.
mlir::Value makeSplat(mlir::ImplicitLocOpBuilder &builder, mlir::RankedTensorType type, double value);
/// A splat of rank 0 and `like`'s element type, to broadcast against it.
mlir::Value makeScalar(mlir::ImplicitLocOpBuilder &builder, mlir::Value like, double value);
/// `value` under `shape`; `value` itself if that is its shape.
mlir::Value reshapeTo(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, llvm::ArrayRef<int64_t> shape);
/// `[..., D]` as the matrix `[rows, D]`.
mlir::Value flattenRows(mlir::ImplicitLocOpBuilder &builder, mlir::Value value);
/// `value` in the element type of `like`; `value` itself if that is its own.
mlir::Value castLike(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value like);
/// Sum over all dimensions but the last.
mlir::Value sumRows(mlir::ImplicitLocOpBuilder &builder, mlir::Value value);

/// Fails, with one error a result, if the loss depends on a result after the first: these are statistics kept for the
/// backward.
mlir::LogicalResult rejectStatistics(mlir::Operation *op, mlir::ValueRange cotangents);

} // namespace vlp
