// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Declarations and registration of the kernel formation passes.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace vlp {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Kernels/Passes.h.inc"

/// From differentiated entries to named kernels: decompose-patch-embed, cse, form-kernels, deduplicate-kernels.
void buildKernelPipeline(mlir::OpPassManager &manager, const FormKernelsOptions &options = {});

} // namespace vlp
