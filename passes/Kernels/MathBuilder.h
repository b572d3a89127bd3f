// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Float arithmetic on scalars and vectors alike: what the elementwise code of every target is written with.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vlp {

class MathBuilder {
public:
  using Value = mlir::Value;
  MathBuilder(mlir::Location loc, mlir::MLIRContext *context) : b(loc, context) {}

  mlir::ImplicitLocOpBuilder b;

  mlir::Type f32Type() { return b.getF32Type(); }
  mlir::Type i32Type() { return b.getI32Type(); }
  /// `element`, or the vector of `element` with the shape of `like`.
  static mlir::Type typeLike(Value like, mlir::Type element);

  Value constant(double value);                 // f32
  Value constantLike(Value like, double value); // f32 in the shape of `like`
  Value intLike(Value like, int32_t value);     // i32 in the shape of `like`

  Value addf(Value x, Value y);
  Value subf(Value x, Value y);
  Value mulf(Value x, Value y);
  Value divf(Value x, Value y);
  /// Lets divf be two units in the last place off, for divisors of 2^-126 to 2^126. On a GPU, the exact one is a branch
  /// and a call.
  bool approximateDivision = false;
  Value fma(Value x, Value y, Value z); // x y + z, rounded once
  Value maxf(Value x, Value y);         // x if x is NaN
  Value minf(Value x, Value y);         // x if x is NaN
  Value negf(Value x);
  Value sqrt(Value x);
  Value select(Value condition, Value x, Value y);
};

} // namespace vlp
