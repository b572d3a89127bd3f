// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Everything that a tool of the compiler must make known before it parses or runs anything.
#pragma once

#include "mlir/IR/DialectRegistry.h"

namespace vlp {

/// Adds the dialects that models, plans and emitted kernels consist of.
void registerDialects(mlir::DialectRegistry &registry);

/// Makes the emitters of all targets known to the planner.
void registerTargets();

/// Makes all passes and pipelines known by their command-line names, and the targets.
void registerPasses();

} // namespace vlp
