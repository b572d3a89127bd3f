// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One kernel with its inputs as a model of its own.
#pragma once

#include "tools/vlp-check/Device.h"

namespace vlp::tools {

/// A module whose only entry, `reproducer`, runs `kernel` on `operands` as constants and returns its results.
mlir::OwningOpRef<mlir::ModuleOp> makeReproducer(KernelOp kernel, llvm::ArrayRef<Array<double>> operands);

/// Writes it as text that vlp-check compare takes.
llvm::Error writeReproducer(mlir::ModuleOp reproducer, const std::string &path);

} // namespace vlp::tools
