// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What planning one entry needs to know of its module.
#pragma once

#include "dialect/Plan/Plan.h"
#include "passes/Kernels/Emitter.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace vlp {

/// A kernel of the plan with what its emitter said; shared by all vlp.kernels of equal structure.
struct PlannedKernel {
  plan::KernelOp op;
  KernelPlan plan;
};

/// Module-level facts, fixed before the first entry is planned.
struct PlanContext {
  /// Slots without value numbers, by symbol.
  llvm::StringMap<plan::SlotAttr> state;
  /// Slots by the value of the constant.
  llvm::DenseMap<mlir::Attribute, plan::SlotAttr> constants;
  /// By vlp.kernel of the entries.
  llvm::DenseMap<mlir::Operation *, const PlannedKernel *> kernels;
};

/// Replaces the state symbols of `module` by plan.state ops with slots and fills `context.state`. Order: parameters
/// with weight decay, other parameters, each kind of moment in the order of its parameters, counters, scalars.
void planState(mlir::ModuleOp module, PlanContext &context);

} // namespace vlp
