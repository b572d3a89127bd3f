// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The arithmetic of elementwise ops, on registers: shared by the expression evaluators of all targets.
#pragma once

#include "passes/Kernels/KernelBody.h"
#include "passes/Kernels/MathBuilder.h"

namespace vlp {

/// The value of elementwise `op`, given its operands: scalars or vectors of one shape, f32 or i32. Registers hold bf16
/// values as f32; a result that the op gives in bf16 is rounded to one.
mlir::Value emitElementwise(MathBuilder &k, mlir::Operation *op, llvm::ArrayRef<mlir::Value> operands);

/// Elements number `element` (i32) of a random_uniform, given its operands in the same shape.
mlir::Value emitUniform(MathBuilder &k, RandomUniformOp op, mlir::Value seed, mlir::Value step, mlir::Value element);

/// Whether a kernel around `anchor` (null: none) can compute `value` element by element: an argument, a view of one, a
/// constant, a result of the anchor, an elementwise op of such, or a repetition of one; for Emitter::supports.
bool canEvaluate(mlir::Value value, mlir::Operation *anchor);

/// Whether the region has no anchor and results of one shape, each of which canEvaluate; `why` gets the reason where it
/// is not so.
bool isElementwiseRegion(const KernelBody &body, std::string &why);

} // namespace vlp
