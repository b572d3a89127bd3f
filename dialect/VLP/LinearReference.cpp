// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of matrix products.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

/// A [rows, columns] matrix in double, transposed if asked.
template <typename T>
static std::vector<double> widened(const std::vector<T> &matrix, int64_t rows, int64_t columns, bool transpose) {
  std::vector<double> result(matrix.begin(), matrix.end());
  for (int64_t r = 0; r < rows && transpose; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result[c * rows + r] = matrix[r * columns + c];
  return result;
}

/// out[m, n] = sum_k lhs[m, k] rhs[k, n] + bias[n], each sum in double. The inner loop runs along rows of rhs, four at
/// a time: whole models are executed through it.
template <typename T>
static void multiply(const double *lhs, const double *rhs, const T *bias, T *out, int64_t m, int64_t k, int64_t n) {
  std::vector<double> sums(n);
  for (int64_t i = 0; i < m; ++i, lhs += k) {
    std::fill(sums.begin(), sums.end(), 0.0);
    int64_t l = 0;
    for (; l + 4 <= k; l += 4) {
      const double *row = rhs + l * n;
      for (int64_t j = 0; j < n; ++j)
        sums[j] +=
            lhs[l] * row[j] + lhs[l + 1] * row[n + j] + lhs[l + 2] * row[2 * n + j] + lhs[l + 3] * row[3 * n + j];
    }
    for (; l < k; ++l)
      for (int64_t j = 0; j < n; ++j)
        sums[j] += lhs[l] * rhs[l * n + j];
    for (int64_t j = 0; j < n; ++j)
      out[i * n + j] = static_cast<T>(bias ? sums[j] + bias[j] : sums[j]);
  }
}

template <typename T>
static LogicalResult evaluate(LinearOp op, Evaluation<T> &e) {
  int64_t n = e.in(1).shape[0], k = e.in(1).shape[1], m = n ? e.out().size() / n : 0;
  std::vector<double> input = widened(e.in(0).values, m, k, false), weight = widened(e.in(1).values, n, k, true);
  multiply(input.data(), weight.data(), op.getBias() ? e.in(2).values.data() : nullptr, e.out().values.data(), m, k, n);
  return success();
}

template <typename T>
static LogicalResult evaluate(MatmulOp op, Evaluation<T> &e) {
  const Array<T> &lhs = e.in(0), &rhs = e.in(1);
  int64_t rows = lhs.shape.back() ? lhs.size() / lhs.shape.back() : 0;
  std::vector<double> left = widened(lhs.values, rows, lhs.shape.back(), op.getTransposeLhs());
  std::vector<double> right = widened(rhs.values, rhs.shape[0], rhs.shape[1], op.getTransposeRhs());
  int64_t k = rhs.shape[op.getTransposeRhs() ? 1 : 0], n = e.out().shape.back(), m = n ? e.out().size() / n : 0;
  multiply<T>(left.data(), right.data(), nullptr, e.out().values.data(), m, k, n);
  return success();
}

/// Calls `visit(imageOffset, rowsOffset)` for each element of an image [B, C, H, W] and its place in its rows of
/// patches.
template <typename Visitor>
static void forEachPatchElement(ArrayRef<int64_t> image, int64_t patch, Visitor visit) {
  int64_t channels = image[1], height = image[2], width = image[3], gridWidth = width / patch,
          gridHeight = height / patch;
  int64_t offset = 0;
  for (int64_t b = 0; b < image[0]; ++b)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x, ++offset) {
          int64_t row = (b * gridHeight + y / patch) * gridWidth + x / patch;
          visit(offset, ((row * channels + c) * patch + y % patch) * patch + x % patch);
        }
}

template <typename T>
static LogicalResult evaluate(PatchifyOp op, Evaluation<T> &e) {
  forEachPatchElement(e.in(0).shape, op.getPatch(),
                      [&](int64_t image, int64_t rows) { e.out()[rows] = e.in(0)[image]; });
  return success();
}

template <typename T>
static LogicalResult evaluate(UnpatchifyOp op, Evaluation<T> &e) {
  forEachPatchElement(e.out().shape, op.getPatch(),
                      [&](int64_t image, int64_t rows) { e.out()[image] = e.in(0)[rows]; });
  return success();
}

template <typename T>
static LogicalResult evaluate(PatchEmbedOp op, Evaluation<T> &e) {
  const Array<T> &image = e.in(0), &weight = e.in(1);
  int64_t n = weight.shape[0], k = weight.shape[1] * weight.shape[2] * weight.shape[3], m = n ? e.out().size() / n : 0;
  std::vector<double> rows(image.values.size()), right = widened(weight.values, n, k, true);
  forEachPatchElement(image.shape, weight.shape[2], [&](int64_t from, int64_t to) { rows[to] = image[from]; });
  multiply(rows.data(), right.data(), op.getBias() ? e.in(2).values.data() : nullptr, e.out().values.data(), m, k, n);
  return success();
}

VLP_REFERENCE(LinearOp)
VLP_REFERENCE(MatmulOp)
VLP_REFERENCE(PatchifyOp)
VLP_REFERENCE(UnpatchifyOp)
VLP_REFERENCE(PatchEmbedOp)
