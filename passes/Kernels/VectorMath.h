// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Polynomial exp, log, erf, tanh, sigmoid and cosine on f32 vectors (or scalars): no calls, no tables, the same on
// every target. The bounds below are those of the series; EmitterTest checks the rounded functions to 4e-7, also at
// infinities, NaN, zeros, subnormals and overflow.
#pragma once

#include "passes/Kernels/MathBuilder.h"

namespace vlp::math {

/// e^x, relative error below 2e-7; 0 below -103.97, infinity above 88.72, NaN stays.
mlir::Value exp(MathBuilder &k, mlir::Value x);
/// ln x for x > 0, relative error below 2e-7 (absolute near 1); -infinity at 0, NaN below.
mlir::Value log(MathBuilder &k, mlir::Value x);
/// erf x, absolute error below 2e-7 (Abramowitz and Stegun 7.1.26 has 1.5e-7 before rounding; see the source for the
/// form used).
mlir::Value erf(MathBuilder &k, mlir::Value x);
/// tanh x, absolute error below 2e-7.
mlir::Value tanh(MathBuilder &k, mlir::Value x);
/// 1 / (1 + e^-x).
mlir::Value sigmoid(MathBuilder &k, mlir::Value x);
/// cos(pi u) for u in [0, 1], absolute error below 2e-7.
mlir::Value cosPi(MathBuilder &k, mlir::Value u);
/// x/2 (1 + erf(x / sqrt 2)) and its derivative times dy.
mlir::Value gelu(MathBuilder &k, mlir::Value x);
mlir::Value geluGrad(MathBuilder &k, mlir::Value x, mlir::Value dy);

} // namespace vlp::math
