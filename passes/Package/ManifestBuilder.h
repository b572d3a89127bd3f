// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The messages of a plan module, without sections and code.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "runtime/format/manifest.pb.h"

namespace vlp {

/// Model information and state of `module`; see packageModel. All problems are reported.
llvm::FailureOr<format::Manifest> buildManifest(mlir::ModuleOp module);

/// Kernels and entries of `module`, without target and code. All problems are reported.
llvm::FailureOr<format::Program> buildProgram(mlir::ModuleOp module);

} // namespace vlp
