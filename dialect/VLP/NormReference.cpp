// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of normalisation ops.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

template <typename T>
static LogicalResult evaluate(LayerNormOp op, Evaluation<T> &e) {
  auto [rows, columns] = rowsOf(e.in(0));
  double eps = op.getEps().convertToDouble();
  for (int64_t r = 0; r < rows; ++r) {
    const T *x = &e.in(0)[r * columns];
    double sum = 0, squares = 0;
    for (int64_t c = 0; c < columns; ++c)
      sum += x[c];
    double mean = sum / columns;
    for (int64_t c = 0; c < columns; ++c)
      squares += (x[c] - mean) * (x[c] - mean);
    double rstd = 1 / std::sqrt(squares / columns + eps);
    for (int64_t c = 0; c < columns; ++c)
      e.out()[r * columns + c] = static_cast<T>((x[c] - mean) * rstd) * e.in(1)[c] + e.in(2)[c];
    e.out(1)[r] = static_cast<T>(mean);
    e.out(2)[r] = static_cast<T>(rstd);
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(LayerNormGradOp, Evaluation<T> &e) {
  auto [rows, columns] = rowsOf(e.in(0));
  std::vector<double> gammaSums(columns, 0), betaSums(columns, 0);
  for (int64_t r = 0; r < rows; ++r) {
    const T *x = &e.in(0)[r * columns], *dy = &e.in(4)[r * columns];
    double mean = e.in(2)[r], rstd = e.in(3)[r], sum = 0, product = 0;
    for (int64_t c = 0; c < columns; ++c) {
      double normalized = (x[c] - mean) * rstd, g = static_cast<double>(dy[c]) * e.in(1)[c];
      sum += g;
      product += g * normalized;
      gammaSums[c] += dy[c] * normalized;
      betaSums[c] += dy[c];
    }
    for (int64_t c = 0; c < columns; ++c) {
      double normalized = (x[c] - mean) * rstd, g = static_cast<double>(dy[c]) * e.in(1)[c];
      e.out()[r * columns + c] = static_cast<T>(rstd * (g - sum / columns - normalized * product / columns));
    }
  }
  for (int64_t c = 0; c < columns; ++c) {
    e.out(1)[c] = static_cast<T>(gammaSums[c]);
    e.out(2)[c] = static_cast<T>(betaSums[c]);
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(L2NormalizeOp op, Evaluation<T> &e) {
  auto [rows, columns] = rowsOf(e.in(0));
  double eps = op.getEps().convertToDouble();
  for (int64_t r = 0; r < rows; ++r) {
    const T *x = &e.in(0)[r * columns];
    double squares = 0;
    for (int64_t c = 0; c < columns; ++c)
      squares += static_cast<double>(x[c]) * x[c];
    double norm = std::sqrt(squares), divisor = norm < eps ? eps : norm;
    for (int64_t c = 0; c < columns; ++c)
      e.out()[r * columns + c] = static_cast<T>(x[c] / divisor);
    e.out(1)[r] = static_cast<T>(norm);
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(L2NormalizeGradOp op, Evaluation<T> &e) {
  auto [rows, columns] = rowsOf(e.in(0));
  double eps = op.getEps().convertToDouble();
  for (int64_t r = 0; r < rows; ++r) {
    const T *y = &e.in(0)[r * columns], *dy = &e.in(2)[r * columns];
    double norm = e.in(1)[r], product = 0;
    for (int64_t c = 0; c < columns; ++c)
      product += static_cast<double>(dy[c]) * y[c];
    for (int64_t c = 0; c < columns; ++c)
      e.out()[r * columns + c] = static_cast<T>(norm <= eps && eps > 0 ? dy[c] / eps : (dy[c] - y[c] * product) / norm);
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(SoftmaxOp, Evaluation<T> &e) {
  auto [rows, columns] = rowsOf(e.in(0));
  for (int64_t r = 0; r < rows; ++r) {
    const T *x = &e.in(0)[r * columns];
    double max = x[0], sum = 0;
    for (int64_t c = 1; c < columns; ++c)
      max = x[c] > max ? x[c] : max;
    for (int64_t c = 0; c < columns; ++c)
      sum += std::exp(x[c] - max);
    for (int64_t c = 0; c < columns; ++c)
      e.out()[r * columns + c] = static_cast<T>(std::exp(x[c] - max) / sum);
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(SoftmaxGradOp, Evaluation<T> &e) {
  auto [rows, columns] = rowsOf(e.in(0));
  for (int64_t r = 0; r < rows; ++r) {
    const T *y = &e.in(0)[r * columns], *dy = &e.in(1)[r * columns];
    double product = 0;
    for (int64_t c = 0; c < columns; ++c)
      product += static_cast<double>(dy[c]) * y[c];
    for (int64_t c = 0; c < columns; ++c)
      e.out()[r * columns + c] = static_cast<T>(y[c] * (dy[c] - product));
  }
  return success();
}

VLP_REFERENCE(LayerNormOp)
VLP_REFERENCE(LayerNormGradOp)
VLP_REFERENCE(L2NormalizeOp)
VLP_REFERENCE(L2NormalizeGradOp)
VLP_REFERENCE(SoftmaxOp)
VLP_REFERENCE(SoftmaxGradOp)
