// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes and constraints of optimizer ops.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

LogicalResult GlobalNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  if (adaptor.getInputs().empty())
    return constraintError<GlobalNormOp>(location, "expects at least one input, got none");
  types.push_back(statisticsType(tensorType(adaptor.getInputs().front()), {}));
  return success();
}

LogicalResult GlobalNormOp::verify() { return verifyInferred(*this); }

LogicalResult AllFiniteOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  if (adaptor.getInputs().empty())
    return constraintError<AllFiniteOp>(location, "expects at least one input, got none");
  types.push_back(RankedTensorType::get({}, IntegerType::get(context, 32)));
  return success();
}

LogicalResult AllFiniteOp::verify() { return verifyInferred(*this); }

LogicalResult WarmupCosineOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getPeak().getType());
  return success();
}

LogicalResult WarmupCosineOp::verify() { return verifyInferred(*this); }

LogicalResult AdamWOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  Type type = adaptor.getParameter().getType();
  for (auto [name, value] :
       {std::pair("gradient", adaptor.getGradient()), std::pair("first moment", adaptor.getFirstMoment()),
        std::pair("second moment", adaptor.getSecondMoment())})
    if (value.getType() != type)
      return constraintError<AdamWOp>(location, "expects the ", name, " to have the parameter's type ", type, ", got ",
                                      value.getType());
  types.append({type, type, type});
  return success();
}

LogicalResult AdamWOp::verify() { return verifyInferred(*this); }

LogicalResult ClampOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getInput().getType());
  return success();
}

LogicalResult ClampOp::verify() { return verifyInferred(*this); }
