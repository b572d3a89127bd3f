// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Constraints and executable meaning of kernel regions.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

LogicalResult KernelOp::verify() {
  Block &body = getBody().front();
  if (body.getArgumentTypes() != TypeRange(getInputs().getTypes()))
    return emitOpError() << "expects block arguments of the operands' types " << getInputs().getTypes() << ", got "
                         << body.getArgumentTypes();
  auto yield = dyn_cast_or_null<YieldOp>(body.empty() ? nullptr : &body.back());
  if (!yield)
    return emitOpError() << "expects its body to end in vlp.yield";
  if (TypeRange(yield.getOperandTypes()) != TypeRange(getResultTypes()))
    return emitOpError() << "expects vlp.yield to give the results' types " << getResultTypes() << ", got "
                         << yield.getOperandTypes();
  return success();
}
