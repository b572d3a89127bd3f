// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Composition of View ops into strided accesses.
#include "passes/Kernels/Access.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vlp;

static bool isView(Operation *op) { return op && op->hasTrait<View>(); }

bool Access::isContiguous() const {
  int64_t expected = 1;
  for (int64_t d = rank() - 1; d >= 0; --d) {
    if (shape[d] != 1 && strides[d] != expected)
      return false;
    expected *= shape[d];
  }
  return true;
}

SmallVector<int64_t> vlp::getDenseStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t d = static_cast<int64_t>(shape.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

Access vlp::getDenseAccess(Value source) {
  auto shape = cast<RankedTensorType>(source.getType()).getShape();
  return {source, 0, SmallVector<int64_t>(shape), getDenseStrides(shape)};
}

namespace {
/// A run of dimensions that lie in memory as one dimension of `size` elements, `stride` apart.
struct MergedDim {
  int64_t size;
  int64_t stride;
};
} // namespace

/// The fewest dimensions, outermost first, that describe the same element order. Dimensions of one element vanish.
static SmallVector<MergedDim> mergeDims(const Access &access) {
  SmallVector<MergedDim> merged;
  for (auto [size, stride] : llvm::zip_equal(access.shape, access.strides)) {
    if (size == 1)
      continue;
    if (!merged.empty() && merged.back().stride == size * stride)
      merged.back() = {merged.back().size * size, stride};
    else
      merged.push_back({size, stride});
  }
  return merged;
}

/// The strides of `shape` over the elements of `access` in their row-major order; each merged dimension is split from
/// its inner end.
static FailureOr<SmallVector<int64_t>> reshapeStrides(const Access &access, ArrayRef<int64_t> shape) {
  if (llvm::is_contained(shape, 0))
    return getDenseStrides(shape);
  SmallVector<MergedDim> merged = mergeDims(access);
  SmallVector<int64_t> strides(shape.size(), 0);
  for (int64_t d = static_cast<int64_t>(shape.size()) - 1; d >= 0; --d) {
    while (!merged.empty() && merged.back().size == 1)
      merged.pop_back();
    if (shape[d] == 1) {
      // Never used as a step; the dense value keeps equal accesses textually equal.
      strides[d] = d + 1 < static_cast<int64_t>(shape.size()) ? strides[d + 1] * shape[d + 1] : 1;
      continue;
    }
    if (merged.empty() || merged.back().size % shape[d] != 0)
      return failure();
    strides[d] = merged.back().stride;
    merged.back() = {merged.back().size / shape[d], merged.back().stride * shape[d]};
  }
  return strides;
}

static Access transposeAccess(const Access &operand, ArrayRef<int64_t> permutation) {
  Access result{operand.source, operand.offset, {}, {}};
  for (int64_t from : permutation) {
    result.shape.push_back(operand.shape[from]);
    result.strides.push_back(operand.strides[from]);
  }
  return result;
}

static Access sliceAccess(const Access &operand, ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes) {
  Access result = operand;
  for (auto [offset, stride] : llvm::zip_equal(offsets, operand.strides))
    result.offset += offset * stride;
  result.shape.assign(sizes.begin(), sizes.end());
  return result;
}

Access vlp::broadcastAccess(const Access &access, ArrayRef<int64_t> shape) {
  Access result{access.source, access.offset, SmallVector<int64_t>(shape), SmallVector<int64_t>(shape.size(), 0)};
  int64_t lead = static_cast<int64_t>(shape.size()) - access.rank();
  assert(lead >= 0 && "expected a shape of at least the operand's rank");
  for (int64_t d = 0; d < access.rank(); ++d)
    result.strides[lead + d] = access.shape[d] == shape[lead + d] ? access.strides[d] : 0;
  return result;
}

FailureOr<Access> vlp::composeView(const Access &operand, Operation *view) {
  assert(isView(view) && "expected an op with the View trait");
  auto shape = cast<RankedTensorType>(view->getResult(0).getType()).getShape();
  return llvm::TypeSwitch<Operation *, FailureOr<Access>>(view)
      .Case([&](ReshapeOp) -> FailureOr<Access> {
        FailureOr<SmallVector<int64_t>> strides = reshapeStrides(operand, shape);
        if (failed(strides))
          return failure();
        return Access{operand.source, operand.offset, SmallVector<int64_t>(shape), std::move(*strides)};
      })
      .Case([&](TransposeOp op) { return transposeAccess(operand, op.getPermutation()); })
      .Case([&](SliceOp op) { return sliceAccess(operand, op.getOffsets(), op.getSizes()); })
      .Case([&](BroadcastOp) { return broadcastAccess(operand, shape); })
      .Case([&](StopGradientOp) { return operand; })
      .Default([](Operation *) -> FailureOr<Access> { return failure(); });
}

FailureOr<Access> vlp::getAccess(Value value) {
  Operation *producer = value.getDefiningOp();
  if (!isView(producer))
    return getDenseAccess(value);
  FailureOr<Access> operand = getAccess(producer->getOperand(0));
  if (failed(operand))
    return failure();
  return composeView(*operand, producer);
}

Value vlp::getViewSource(Value value) {
  while (isView(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

std::optional<int64_t> vlp::getRowStride(const Access &access) {
  std::optional<int64_t> stride;
  int64_t expected = 0;
  for (int64_t d = access.rank() - 2; d >= 0; --d) {
    if (access.shape[d] == 1)
      continue;
    if (!stride)
      stride = access.strides[d];
    else if (access.strides[d] != expected)
      return std::nullopt;
    expected = access.strides[d] * access.shape[d];
  }
  return stride.value_or(0);
}
