// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Declarations and registration of the planning passes.
#pragma once

#include "dialect/Plan/Plan.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "passes/Kernels/Emitter.h"

namespace vlp {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Plan/Passes.h.inc"

/// Makes the emitters of a target known to vlp-plan under its name, and whether they take bf16 tensors. Call before
/// passes run; a second call replaces.
void registerEmitters(llvm::StringRef target, EmitterLookup lookup, bool takesBF16 = true);

/// The emitters registered for `target`, or null. "generic" is always there: one launch a kernel, in place where
/// elementwise.
EmitterLookup findEmitters(llvm::StringRef target);
bool takesBF16(llvm::StringRef target);

} // namespace vlp
