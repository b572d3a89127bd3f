// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From buffer assignment and placement to a plan.entry.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Plan/PlanContext.h"

namespace vlp {

/// Plans `entry` and builds its plan.entry at the builder's place. `report`: a remark with arena size, its lower bound,
/// launches and copies.
llvm::LogicalResult buildEntry(mlir::OpBuilder &builder, mlir::func::FuncOp entry, const PlanContext &context,
                               bool report);

} // namespace vlp
