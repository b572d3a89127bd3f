// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a harness makes of a case first: its kernel, inputs and what the interpreter says of them; and how results are
// judged.
#pragma once

#include "dialect/Interfaces/Evaluation.h"
#include "dialect/VLP/VLP.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "test/passes/Kernels/KernelCase.h"

namespace vlp::test {

/// A case's module and kernel, its inputs (those in bf16 are rounded) and the interpreter's results in f64 mode.
struct PreparedCase {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  KernelOp kernel;
  std::vector<Array<double>> inputs, expected;
};

/// Parses the case, draws its inputs and interprets it. A failure fails the current test and leaves `kernel` null.
PreparedCase prepare(const KernelCase &c, mlir::MLIRContext &context);

/// The bytes of `array` as a dense tensor of `type`, and back.
std::vector<char> toMemory(const Array<double> &array, mlir::RankedTensorType type);
Array<double> fromMemory(const char *bytes, mlir::RankedTensorType type);

/// Fails the current test where result number `index` is out of tolerance.
void compare(const Array<double> &expected, const Array<double> &got, mlir::RankedTensorType type, const KernelCase &c,
             unsigned index);

} // namespace vlp::test
