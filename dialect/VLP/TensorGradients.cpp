// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rules of tensor ops.
#include "dialect/VLP/GradientUtils.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace vlp;
using Gradients = FailureOr<SmallVector<Value>>;

/// The gradients of a unary op: one value if it is needed.
template <typename Build>
static Gradients unary(Operation *op, OpBuilder &outer, ArrayRef<bool> needed, Build build) {
  SmallVector<Value> gradients(op->getNumOperands());
  ImplicitLocOpBuilder builder(op->getLoc(), outer);
  if (needed[0])
    gradients[0] = build(builder);
  return gradients;
}

Gradients ReshapeOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed,
               [&](ImplicitLocOpBuilder &builder) { return reshapeTo(builder, cotangents[0], shapeOf(getInput())); });
}

Gradients TransposeOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return TransposeOp::create(builder, cotangents[0], invertPermutationVector(getPermutation()));
  });
}

Gradients BroadcastOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed,
               [&](ImplicitLocOpBuilder &builder) { return sumToType(builder, cotangents[0], getInput().getType()); });
}

Gradients SliceOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    SmallVector<int64_t> high;
    for (auto [extent, offset, size] : llvm::zip_equal(shapeOf(getInput()), getOffsets(), getSizes()))
      high.push_back(extent - offset - size);
    return PadOp::create(builder, cotangents[0], getOffsets(), high);
  });
}

Gradients PadOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return SliceOp::create(builder, cotangents[0], getLow(), shapeOf(getInput()));
  });
}

Gradients ConcatOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients;
  SmallVector<int64_t> offsets(tensorType(getResult()).getRank(), 0);
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    gradients.push_back(needed[i] ? SliceOp::create(builder, cotangents[0], offsets, shapeOf(input)).getResult()
                                  : Value());
    offsets[getAxis()] += shapeOf(input)[getAxis()];
  }
  return gradients;
}

Gradients GatherRowsOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return ScatterRowsOp::create(builder, getInput().getType(), cotangents[0], getIndex());
  });
}

Gradients ScatterRowsOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return GatherRowsOp::create(builder, cotangents[0], getIndex());
  });
}

Gradients AddOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(2);
  for (auto [i, operand] : llvm::enumerate(getOperands()))
    if (needed[i])
      gradients[i] = sumToType(builder, cotangents[0], tensorType(operand));
  return gradients;
}

Gradients SubOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(2);
  if (needed[0])
    gradients[0] = sumToType(builder, cotangents[0], getLhs().getType());
  if (needed[1])
    gradients[1] = NegOp::create(builder, sumToType(builder, cotangents[0], getRhs().getType()));
  return gradients;
}

Gradients MulOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(2);
  for (unsigned i : {0, 1}) {
    if (!needed[i])
      continue;
    Value product = MulOp::create(builder, cotangents[0], getOperand(1 - i));
    gradients[i] = sumToType(builder, product, tensorType(getOperand(i)));
  }
  return gradients;
}

// With y = l / r: dl = dy / r, dr = -(dy / r) y.
Gradients DivOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(2);
  if (!needed[0] && !needed[1])
    return gradients;
  Value quotient = DivOp::create(builder, cotangents[0], getRhs());
  if (needed[0])
    gradients[0] = sumToType(builder, quotient, getLhs().getType());
  if (needed[1]) {
    Value product = MulOp::create(builder, quotient, getResult());
    gradients[1] = NegOp::create(builder, sumToType(builder, product, getRhs().getType()));
  }
  return gradients;
}

Gradients NegOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed,
               [&](ImplicitLocOpBuilder &builder) -> Value { return NegOp::create(builder, cotangents[0]); });
}

Gradients ExpOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return MulOp::create(builder, cotangents[0], getResult());
  });
}

Gradients LogOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return DivOp::create(builder, cotangents[0], getInput());
  });
}

// dx = dy (1 - y^2).
Gradients TanhOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    Value square = MulOp::create(builder, getResult(), getResult());
    Value slope = SubOp::create(builder, makeScalar(builder, square, 1), square);
    return MulOp::create(builder, cotangents[0], slope);
  });
}

// dx = dy y (1 - y).
Gradients SigmoidOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    Value complement = SubOp::create(builder, makeScalar(builder, getResult(), 1), getResult());
    Value slope = MulOp::create(builder, getResult(), complement);
    return MulOp::create(builder, cotangents[0], slope);
  });
}

Gradients GeluOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return GeluGradOp::create(builder, getInput(), cotangents[0]);
  });
}

Gradients QuickGeluOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return QuickGeluGradOp::create(builder, getInput(), cotangents[0]);
  });
}

Gradients CastOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    return CastOp::create(builder, getInput().getType(), cotangents[0]);
  });
}

Gradients SelectOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  ImplicitLocOpBuilder builder(getLoc(), outer);
  SmallVector<Value> gradients(3);
  if (!needed[1] && !needed[2])
    return gradients;
  Value zero = makeSplat(builder, tensorType(cotangents[0]), 0);
  if (needed[1])
    gradients[1] = SelectOp::create(builder, getCondition(), cotangents[0], zero);
  if (needed[2])
    gradients[2] = SelectOp::create(builder, getCondition(), zero, cotangents[0]);
  return gradients;
}

Gradients ReduceSumOp::buildVJP(OpBuilder &outer, ValueRange cotangents, ArrayRef<bool> needed) {
  return unary(*this, outer, needed, [&](ImplicitLocOpBuilder &builder) -> Value {
    SmallVector<int64_t> kept(shapeOf(getInput()));
    for (int64_t axis : getAxes())
      kept[axis] = 1;
    Value aligned = reshapeTo(builder, cotangents[0], kept);
    if (aligned.getType() == getInput().getType())
      return aligned;
    return BroadcastOp::create(builder, getInput().getType(), aligned);
  });
}

Gradients AccumulateOp::buildVJP(OpBuilder &, ValueRange cotangents, ArrayRef<bool> needed) {
  SmallVector<Value> gradients;
  for (bool isNeeded : needed)
    gradients.push_back(isNeeded ? cotangents[0] : Value());
  return gradients;
}
