// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Declarations, registration and pipeline of the differentiation passes.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace vlp {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Autodiff/Passes.h.inc"

/// From functions with `vlp.differentiate` to simplified gradients: mark-trainable, autodiff, simplify-gradients, cse.
void buildAutodiffPipeline(mlir::OpPassManager &manager, const MarkTrainableOptions &options = {});

} // namespace vlp
