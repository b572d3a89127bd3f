// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Declaration and registration of the packaging pass.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace vlp {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Package/Passes.h.inc"

} // namespace vlp
