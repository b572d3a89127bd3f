// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interfaces of vlp ops: differentiation, reference execution, cost.
#pragma once

#include "dialect/Interfaces/Evaluation.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/TypeUtilities.h"

namespace vlp {
/// Sum of the sizes of all tensor operands and results of `op`, in bytes.
double getCompulsoryBytes(mlir::Operation *op);
/// Name of the model layer that `location` stands for: its (first) outermost NameLoc, or "" where there is none.
std::string getLayerName(mlir::Location location);
} // namespace vlp

#include "dialect/Interfaces/CostOpInterface.h.inc"
#include "dialect/Interfaces/DifferentiableOpInterface.h.inc"
#include "dialect/Interfaces/ReferenceOpInterface.h.inc"

namespace vlp {
/// Executes `op` in the precision of `evaluation`.
inline llvm::LogicalResult evaluateReference(ReferenceOpInterface op, Evaluation<float> &evaluation) {
  return op.evaluateF32(evaluation);
}
inline llvm::LogicalResult evaluateReference(ReferenceOpInterface op, Evaluation<double> &evaluation) {
  return op.evaluateF64(evaluation);
}
} // namespace vlp
