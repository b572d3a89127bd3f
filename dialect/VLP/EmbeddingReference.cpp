// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of embedding ops.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

/// Fails unless every id is a row of the table.
static LogicalResult checkIds(Operation *op, ArrayRef<int32_t> ids, int64_t rows) {
  for (auto [position, id] : llvm::enumerate(ids))
    if (id < 0 || id >= rows)
      return op->emitOpError() << "expects ids below the table's " << rows << " rows, got " << id << " at position "
                               << position;
  return success();
}

template <typename T>
static LogicalResult evaluate(EmbeddingOp op, Evaluation<T> &e) {
  const Array<T> &table = e.in(0);
  const std::vector<int32_t> &ids = e.in(1).ints;
  if (failed(checkIds(op, ids, table.shape[0])))
    return failure();
  int64_t width = table.shape[1];
  for (size_t i = 0; i < ids.size(); ++i)
    for (int64_t d = 0; d < width; ++d)
      e.out()[i * width + d] = table[ids[i] * width + d];
  return success();
}

template <typename T>
static LogicalResult evaluate(EmbeddingGradOp op, Evaluation<T> &e) {
  const std::vector<int32_t> &ids = e.in(1).ints;
  if (failed(checkIds(op, ids, e.out().shape[0])))
    return failure();
  int64_t width = e.out().shape[1];
  std::vector<double> sums(e.out().size(), 0);
  for (size_t i = 0; i < ids.size(); ++i)
    for (int64_t d = 0; d < width; ++d)
      sums[ids[i] * width + d] += e.in(0)[i * width + d];
  llvm::transform(sums, e.out().values.begin(), [](double sum) { return static_cast<T>(sum); });
  return success();
}

VLP_REFERENCE(EmbeddingOp)
VLP_REFERENCE(EmbeddingGradOp)
