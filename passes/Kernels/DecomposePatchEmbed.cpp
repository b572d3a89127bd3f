// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-decompose-patch-embed.
#include "passes/Kernels/Passes.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_DECOMPOSEPATCHEMBED
#include "passes/Kernels/Passes.h.inc"
} // namespace vlp

static void decompose(PatchEmbedOp op) {
  OpBuilder builder(op);
  auto weightType = cast<RankedTensorType>(op.getWeight().getType());
  auto resultType = cast<RankedTensorType>(op.getType());
  ArrayRef<int64_t> shape = weightType.getShape(); // [D, C, P, P]
  int64_t columns = shape[1] * shape[2] * shape[3];
  auto rowsType =
      RankedTensorType::get({resultType.getDimSize(0), resultType.getDimSize(1), columns}, weightType.getElementType());
  auto flatType = RankedTensorType::get({shape[0], columns}, weightType.getElementType());
  Value rows = PatchifyOp::create(builder, op.getLoc(), rowsType, op.getImage(), builder.getI64IntegerAttr(shape[3]));
  Value weight = ReshapeOp::create(builder, op.getLoc(), flatType, op.getWeight());
  Value result = LinearOp::create(builder, op.getLoc(), resultType, rows, weight, op.getBias());
  op.getResult().replaceAllUsesWith(result);
  op.erase();
}

namespace {
struct DecomposePatchEmbedPass : vlp::impl::DecomposePatchEmbedBase<DecomposePatchEmbedPass> {
  void runOnOperation() override { getOperation().walk(decompose); }
};
} // namespace
