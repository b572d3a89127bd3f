// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Index arithmetic of access maps, for the builders of all targets: they share the names of their operations, not their
// index type.
#pragma once

#include "passes/Kernels/Access.h"

namespace vlp {

/// Splits the flattened `row` into the indices of the leading dimensions, once a point.
template <typename Builder, typename Point>
void fillLeading(Builder &k, Point &point) {
  if (!point.leading.empty() || point.shape.size() < 2)
    return;
  point.leading.resize(point.shape.size() - 1);
  mlir::Value rest = point.row;
  for (int64_t d = static_cast<int64_t>(point.shape.size()) - 2; d > 0; --d) {
    point.leading[d] = k.rem(rest, point.shape[d]);
    rest = k.div(rest, point.shape[d]);
  }
  point.leading[0] = rest;
}

/// Where the element of `access` at `point` lies in its source, in elements. `access` has the space's rank.
template <typename Builder, typename Point>
mlir::Value emitOffset(Builder &k, const Access &access, Point &point) {
  assert(access.shape == point.shape && "expected an access of the iteration space");
  mlir::Value offset = k.index(access.offset);
  if (access.rank() == 0)
    return offset;
  if (access.strides.back() != 0)
    offset = k.add(offset, k.mul(point.column, access.strides.back()));
  std::optional<int64_t> stride = point.row ? getRowStride(access) : std::nullopt;
  if (stride)
    return *stride == 0 ? offset : k.add(offset, k.mul(point.row, *stride));
  fillLeading(k, point);
  for (int64_t d = 0; d + 1 < access.rank(); ++d)
    if (access.strides[d] != 0 && access.shape[d] != 1)
      offset = k.add(offset, k.mul(point.leading[d], access.strides[d]));
  return offset;
}

/// Where element number `position` of `access`, counted row-major, lies in its source, in elements.
template <typename Builder>
mlir::Value emitElementOffset(Builder &k, const Access &access, mlir::Value position) {
  if (access.isContiguous())
    return k.add(position, access.offset);
  mlir::Value offset = k.index(access.offset), rest = position;
  for (int64_t d = access.rank() - 1; d >= 0; --d) {
    mlir::Value index = d > 0 ? k.rem(rest, access.shape[d]) : rest;
    offset = k.add(offset, k.mul(index, access.strides[d]));
    rest = d > 0 ? k.div(rest, access.shape[d]) : rest;
  }
  return offset;
}

} // namespace vlp
