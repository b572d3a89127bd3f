// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes and constraints of embedding ops.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto table = tensorType(adaptor.getTable());
  if (table.getRank() != 2)
    return constraintError<EmbeddingOp>(location, "expects a table [V, D], got ", shapeText(table.getShape()));
  SmallVector<int64_t> shape(shapeOf(adaptor.getIds()));
  shape.push_back(table.getDimSize(1));
  types.push_back(table.clone(shape));
  return success();
}

LogicalResult EmbeddingOp::verify() { return verifyInferred(*this); }

LogicalResult EmbeddingGradOp::verify() {
  auto table = getResult().getType();
  if (table.getRank() != 2)
    return emitOpError() << "expects a result [V, D], got " << shapeText(table.getShape());
  SmallVector<int64_t> shape(getIds().getType().getShape());
  shape.push_back(table.getDimSize(1));
  if (getGradient().getType() != table.clone(shape))
    return emitOpError() << "expects a gradient of type " << table.clone(shape) << ", got " << getGradient().getType();
  return success();
}
