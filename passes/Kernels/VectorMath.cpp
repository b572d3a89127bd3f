// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Transcendental functions as polynomials. Everything works on f32 scalars and on vectors of them.
#include "passes/Kernels/VectorMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vlp;

namespace {

// Constants and integer views in the shape (scalar or vector) of a given value.
struct Shaped {
  MathBuilder &k;
  Value like;

  Value f(double value) { return k.constantLike(like, value); }
  Value i(int32_t value) { return k.intLike(like, value); }
  Type intType() { return k.typeLike(like, k.i32Type()); }
  Type floatType() { return k.typeLike(like, k.f32Type()); }
  Value bits(Value x) { return arith::BitcastOp::create(k.b, intType(), x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(k.b, floatType(), x); }
  Value addi(Value x, Value y) { return arith::AddIOp::create(k.b, x, y); }
  Value subi(Value x, Value y) { return arith::SubIOp::create(k.b, x, y); }
  Value shl(Value x, int32_t n) { return arith::ShLIOp::create(k.b, x, i(n)); }
  Value sra(Value x, int32_t n) { return arith::ShRSIOp::create(k.b, x, i(n)); }
  Value andi(Value x, Value y) { return arith::AndIOp::create(k.b, x, y); }
  Value ori(Value x, Value y) { return arith::OrIOp::create(k.b, x, y); }
  Value lessf(Value x, Value y) { return arith::CmpFOp::create(k.b, arith::CmpFPredicate::OLT, x, y); }
  Value equalf(Value x, Value y) { return arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, x, y); }
  Value abs(Value x) { return fromBits(andi(bits(x), i(0x7fffffff))); }
  Value polynomial(Value x, ArrayRef<double> highestFirst) {
    Value y = f(highestFirst[0]);
    for (double c : highestFirst.drop_front())
      y = k.fma(y, x, f(c));
    return y;
  }
};

} // namespace

// Cody-Waite reduction by ln 2, Taylor to degree 7 on |r| <= ln 2 / 2 (remainder 5e-9), and 2^n as the product of two
// halves, so that neither the largest finite results nor subnormal ones need a case of their own. Rounding by the 1.5
// 2^23 trick keeps NaN away from float-to-int conversions, whose result would be poison.
Value math::exp(MathBuilder &k, Value x) {
  Shaped s{k, x};
  Value bounded = k.minf(k.maxf(x, s.f(-104.0)), s.f(89.0));
  Value magic = s.f(12582912.0);
  Value shifted = k.fma(bounded, s.f(1.4426950408889634), magic);
  Value n = k.subf(shifted, magic);
  Value r = k.fma(n, s.f(-0.693359375), bounded);
  r = k.fma(n, s.f(2.12194440054690583e-4), r);
  Value p = s.polynomial(r, {1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0});
  Value exponent = s.subi(s.bits(shifted), s.bits(magic));
  Value half = s.sra(exponent, 1);
  Value rest = s.subi(exponent, half);
  Value scale1 = s.fromBits(s.shl(s.addi(half, s.i(127)), 23));
  Value scale2 = s.fromBits(s.shl(s.addi(rest, s.i(127)), 23));
  return k.mulf(k.mulf(p, scale1), scale2);
}

// x = 2^e m with m in [sqrt 1/2, sqrt 2); ln m = 2 atanh((m - 1) / (m + 1)), series to s^9 (remainder 1e-9).
Value math::log(MathBuilder &k, Value x) {
  Shaped s{k, x};
  Value tiny = s.lessf(x, s.f(1.17549435e-38));
  Value scaled = k.select(tiny, k.mulf(x, s.f(8388608.0)), x);
  Value bits = s.bits(scaled);
  Value e = s.sra(s.subi(bits, s.i(0x3f3504f3)), 23);
  Value m = s.fromBits(s.subi(bits, s.shl(e, 23)));
  Value f = k.subf(m, s.f(1.0));
  Value q = k.divf(f, k.addf(f, s.f(2.0)));
  Value z = k.mulf(q, q);
  Value series = k.mulf(k.mulf(q, s.f(2.0)), s.polynomial(z, {1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0}));
  Value exponent = arith::SIToFPOp::create(k.b, s.floatType(), e);
  exponent = k.select(tiny, k.subf(exponent, s.f(23.0)), exponent);
  Value y = k.fma(exponent, s.f(0.693359375), k.fma(exponent, s.f(-2.12194440054690583e-4), series));
  Value infinity = s.f(std::numeric_limits<double>::infinity());
  y = k.select(s.equalf(x, infinity), infinity, y);
  y = k.select(s.equalf(x, s.f(0.0)), k.negf(infinity), y);
  Value invalid = arith::CmpFOp::create(k.b, arith::CmpFPredicate::ULT, x, s.f(0.0));
  return k.select(invalid, s.f(std::numeric_limits<double>::quiet_NaN()), y);
}

// Abramowitz and Stegun 7.1.26: 1 - erf |x| = p(t) e^(-x^2), t = 1 / (1 + 0.3275911 |x|). `gaussian` is e^(-x^2), which
// GELU's derivative needs too.
static Value erfFrom(MathBuilder &k, Value x, Value gaussian) {
  Shaped s{k, x};
  Value t = k.divf(s.f(1.0), k.fma(s.abs(x), s.f(0.3275911), s.f(1.0)));
  Value p = k.mulf(t, s.polynomial(t, {1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592}));
  Value magnitude = k.fma(k.negf(p), gaussian, s.f(1.0));
  Value sign = s.andi(s.bits(x), s.i(INT32_MIN));
  return s.fromBits(s.ori(s.bits(magnitude), sign));
}

Value math::erf(MathBuilder &k, Value x) { return erfFrom(k, x, exp(k, k.negf(k.mulf(x, x)))); }

Value math::tanh(MathBuilder &k, Value x) {
  Shaped s{k, x};
  Value t = exp(k, k.mulf(s.abs(x), s.f(-2.0)));
  Value magnitude = k.divf(k.subf(s.f(1.0), t), k.addf(s.f(1.0), t));
  return s.fromBits(s.ori(s.bits(magnitude), s.andi(s.bits(x), s.i(INT32_MIN))));
}

Value math::sigmoid(MathBuilder &k, Value x) {
  Shaped s{k, x};
  return k.divf(s.f(1.0), k.addf(s.f(1.0), exp(k, k.negf(x))));
}

// sin(pi (1/2 - u)), Taylor to degree 11 on |a| <= pi / 2 (remainder 6e-8).
Value math::cosPi(MathBuilder &k, Value u) {
  Shaped s{k, u};
  Value a = k.mulf(k.subf(s.f(0.5), u), s.f(3.14159265358979324));
  Value z = k.mulf(a, a);
  return k.mulf(a, s.polynomial(z, {-1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0}));
}

Value math::gelu(MathBuilder &k, Value x) {
  Shaped s{k, x};
  Value half = k.mulf(x, s.f(0.5));
  return k.fma(half, erf(k, k.mulf(x, s.f(0.70710678118654752))), half);
}

Value math::geluGrad(MathBuilder &k, Value x, Value dy) {
  Shaped s{k, x};
  Value gaussian = exp(k, k.mulf(k.mulf(x, x), s.f(-0.5)));
  Value distribution = k.fma(erfFrom(k, k.mulf(x, s.f(0.70710678118654752)), gaussian), s.f(0.5), s.f(0.5));
  Value density = k.mulf(gaussian, s.f(0.39894228040143268));
  return k.mulf(dy, k.fma(x, density, distribution));
}
