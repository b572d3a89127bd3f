// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the families share to state their constraints: error messages, shapes as text, type checks against the inferred
// types.
#pragma once

#include "dialect/VLP/VLP.h"
#include <optional>
#include <string>

namespace vlp {

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) { return tensorType(value).getShape(); }

/// "[2, 5, 8]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);
/// "f32".
std::string typeText(mlir::Type type);
/// A tensor of row statistics (mean, log-sum-exp) of `like`: f32 where `like` is narrower, else its own precision.
mlir::RankedTensorType statisticsType(mlir::RankedTensorType like, llvm::ArrayRef<int64_t> shape);
/// The common shape of two operands aligned at their ends, or nothing.
std::optional<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<int64_t> lhs, llvm::ArrayRef<int64_t> rhs);
/// Whether every value has the element type of the first; null values (absent optional operands) are skipped.
bool haveEqualElementTypes(llvm::ArrayRef<mlir::Value> values);
/// f32 where `element` is narrower, else `element`: what sums over it are kept in.
mlir::Type accumulatorType(mlir::Type element);
/// Whether a tensor of `actual` may hold what would be `inferred` without another wish: it is that type, or its
/// accumulators' type.
bool isAccumulatorOf(mlir::Type inferred, mlir::Type actual);
/// "f32, f64": the element types of `values`.
std::string elementTypesText(llvm::ArrayRef<mlir::Value> values);

/// Reports a broken constraint of `OpT`, in the builder and in the verifier alike, and fails.
template <typename OpT, typename... Args>
mlir::LogicalResult constraintError(std::optional<mlir::Location> location, Args &&...args) {
  return mlir::emitOptionalError(location, "'", OpT::getOperationName(), "' op ", std::forward<Args>(args)...);
}

mlir::LogicalResult verifyResultTypes(mlir::Operation *op, llvm::ArrayRef<mlir::Type> expected);

/// The verifier of ops whose result types follow from their operands: one error, of the broken constraint or of the
/// type that differs, instead of the two that InferTypeOpInterface gives.
template <typename OpT>
mlir::LogicalResult verifyInferred(OpT op) {
  llvm::SmallVector<mlir::Type> inferred;
  if (failed(OpT::inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                   op->getDiscardableAttrDictionary(), op->getPropertiesStorage(), op->getRegions(),
                                   inferred)))
    return mlir::failure();
  return verifyResultTypes(op, inferred);
}

/// The same for ops of one result that may keep the precision of its accumulators.
template <typename OpT>
mlir::LogicalResult verifyAccumulated(OpT op) {
  llvm::SmallVector<mlir::Type> inferred;
  if (failed(OpT::inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                   op->getDiscardableAttrDictionary(), op->getPropertiesStorage(), op->getRegions(),
                                   inferred)))
    return mlir::failure();
  return isAccumulatorOf(inferred[0], op.getType()) ? mlir::success() : verifyResultTypes(op, inferred);
}

} // namespace vlp
