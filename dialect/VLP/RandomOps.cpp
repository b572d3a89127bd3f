// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Constraints of random ops.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

LogicalResult RandomUniformOp::verify() {
  RankedTensorType type = getType();
  if (!type.getElementType().isF32() || type.getNumElements() > INT32_MAX)
    return emitOpError() << "expects an f32 result of at most " << INT32_MAX << " elements, got " << type;
  if (getStream() > UINT32_MAX)
    return emitOpError() << "expects a stream from 0 to " << UINT32_MAX << ", got " << getStreamAttr().getInt();
  return success();
}
