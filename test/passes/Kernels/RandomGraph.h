// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random modules with one entry: a straight line of vlp ops on small tensors, reads and writes of state.
#pragma once

#include "dialect/Interpreter/Interpreter.h"
#include "mlir/IR/OwningOpRef.h"
#include <random>

namespace vlp::test {

/// A module with the entry @main that depends on `seed` alone: about `ops` ops of many kinds, inputs, parameters that
/// are read and (some) written, returned values that include views, inputs, constants and state. With `withProducts` a
/// third of them are linear, attention, and gradients marked as of the backward part.
mlir::OwningOpRef<mlir::ModuleOp> makeRandomModule(mlir::MLIRContext &context, unsigned seed, int ops,
                                                   bool withProducts = false);

/// Values for the arguments of `entry`: floats in [-1, 1], integers 0.
std::vector<Array<float>> drawInputs(mlir::func::FuncOp entry, unsigned seed);
/// Values for all parameters and variables of `module`, drawn where the initialiser is random.
State<float> drawState(mlir::ModuleOp module, unsigned seed);

/// Whether the arrays have equal shapes and equal bits.
bool haveEqualBits(const Array<float> &a, const Array<float> &b);

} // namespace vlp::test
