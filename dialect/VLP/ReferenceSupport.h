// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the reference implementations share. Each op has one template `evaluate(Op, Evaluation<T> &)`, instantiated for
// float and double by VLP_REFERENCE. Elementwise work rounds to T; sums over many elements run in double and are
// rounded once, so that the f32 mode errs less than any kernel it judges.
#pragma once

#include "dialect/VLP/OpSupport.h"
#include <cmath>

#define VLP_REFERENCE(OP)                                                                                              \
  llvm::LogicalResult vlp::OP::evaluateF32(::vlp::Evaluation<float> &evaluation) {                                     \
    return evaluate(*this, evaluation);                                                                                \
  }                                                                                                                    \
  llvm::LogicalResult vlp::OP::evaluateF64(::vlp::Evaluation<double> &evaluation) {                                    \
    return evaluate(*this, evaluation);                                                                                \
  }

namespace vlp {

/// x to the nearest bf16, ties to even; NaN and infinities stay.
inline float roundToBF16(float x) {
  if (x == 0 || !std::isfinite(x))
    return x;
  // Eight significant bits, fewer for subnormals.
  int unit = std::max(std::ilogb(x), -126) - 7;
  double rounded = std::ldexp(std::nearbyint(std::ldexp(double(x), -unit)), unit);
  return std::abs(rounded) > 3.3895313892515355e38 ? std::copysign(INFINITY, x) : static_cast<float>(rounded);
}

/// What memory makes of the results of `op` in f32 mode: values of bf16 tensors are rounded. In f64 mode nothing is: it
/// says what the model means, and differences of its values are gradients.
template <typename T>
void roundToResultTypes(mlir::Operation *op, Evaluation<T> &evaluation) {
  if (!std::is_same_v<T, float>)
    return;
  for (auto [type, array] : llvm::zip_equal(op->getResultTypes(), evaluation.results))
    if (llvm::cast<mlir::RankedTensorType>(type).getElementType().isBF16())
      for (T &value : array.values)
        value = roundToBF16(value);
}

/// Row-major strides of a shape.
inline llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

/// Strides with which an array of shape `from` is read at positions of `to`, to which it broadcasts: 0 where it
/// repeats.
inline llvm::SmallVector<int64_t> broadcastStrides(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to) {
  llvm::SmallVector<int64_t> strides(to.size(), 0), own = stridesOf(from);
  for (size_t d = 0; d < from.size(); ++d)
    if (from[d] != 1)
      strides[to.size() - from.size() + d] = own[d];
  return strides;
}

/// Calls `visit(position, offset)` for each row-major position of `shape`, where `offset` = start + index . strides.
template <typename Visitor>
void forEachStrided(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides, int64_t start, Visitor visit) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  int64_t offset = start;
  for (int64_t position = 0; position < count; ++position) {
    visit(position, offset);
    for (size_t d = shape.size(); d-- > 0;) {
      offset += strides[d];
      if (++index[d] < shape[d])
        break;
      offset -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

/// Rows and columns of an array whose last dimension is a row.
template <typename T>
std::pair<int64_t, int64_t> rowsOf(const Array<T> &array) {
  int64_t columns = array.shape.back();
  return {columns ? array.size() / columns : 0, columns};
}

/// Log-sum-exp of `count` elements, without overflow; -inf if there are none.
template <typename T>
double logSumExp(const T *x, int64_t count) {
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0; i < count; ++i)
    max = x[i] > max ? x[i] : max;
  if (std::isinf(max) && max < 0)
    max = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += std::exp(static_cast<double>(x[i]) - max);
  return max + std::log(sum);
}

} // namespace vlp
