// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Construction of arith and llvm ops.
#include "passes/Kernels/MathBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace vlp;

Type MathBuilder::typeLike(Value like, Type element) {
  auto vector = dyn_cast<VectorType>(like.getType());
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

Value MathBuilder::constant(double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(static_cast<float>(value)));
}
Value MathBuilder::constantLike(Value like, double value) {
  auto vector = dyn_cast<VectorType>(typeLike(like, f32Type()));
  if (!vector)
    return constant(value);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, static_cast<float>(value)));
}
Value MathBuilder::intLike(Value like, int32_t value) {
  auto vector = dyn_cast<VectorType>(typeLike(like, i32Type()));
  if (!vector)
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, value));
}

Value MathBuilder::addf(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
Value MathBuilder::subf(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
Value MathBuilder::mulf(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
Value MathBuilder::divf(Value x, Value y) {
  auto flags = approximateDivision ? arith::FastMathFlags::afn : arith::FastMathFlags::none;
  return arith::DivFOp::create(b, x, y, arith::FastMathFlagsAttr::get(b.getContext(), flags));
}
Value MathBuilder::fma(Value x, Value y, Value z) { return LLVM::FMAOp::create(b, x, y, z); }
// Ordered comparison and select (vmaxps), with the operands placed so that a NaN in x survives.
Value MathBuilder::maxf(Value x, Value y) {
  return select(arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y), y, x);
}
Value MathBuilder::minf(Value x, Value y) {
  return select(arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, y), y, x);
}
Value MathBuilder::negf(Value x) { return arith::NegFOp::create(b, x); }
Value MathBuilder::sqrt(Value x) { return LLVM::SqrtOp::create(b, x.getType(), x); }
Value MathBuilder::select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
