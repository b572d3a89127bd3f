// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes, constraints and costs of matrix products.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

/// The operands of a product have one element type; a bias, which is added to the accumulators, may have theirs.
template <typename OpT>
static LogicalResult checkElementTypes(std::optional<Location> location, Value lhs, Value rhs, Value bias = {}) {
  if (!haveEqualElementTypes({lhs, rhs}))
    return constraintError<OpT>(location, "expects equal element types, got ", elementTypesText({lhs, rhs}));
  Type element = tensorType(lhs).getElementType(), accumulator = accumulatorType(element);
  if (!bias || llvm::is_contained({element, accumulator}, tensorType(bias).getElementType()))
    return success();
  return constraintError<OpT>(location, "expects a bias of ", typeText(element),
                              element == accumulator ? "" : " or " + typeText(accumulator), ", got ",
                              elementTypesText({bias}));
}

LogicalResult LinearOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput()), weight = tensorType(adaptor.getWeight());
  if (weight.getRank() != 2 || input.getRank() < 1)
    return constraintError<LinearOp>(location, "expects a weight of rank 2 and an input of rank at least 1, got ",
                                     shapeText(weight.getShape()), " and ", shapeText(input.getShape()));
  int64_t n = weight.getDimSize(0), k = weight.getDimSize(1);
  if (input.getShape().back() != k)
    return constraintError<LinearOp>(location, "expects the input's last dimension to be the weight's second (", k,
                                     "), got ", input.getShape().back());
  Value bias = adaptor.getBias();
  if (bias && shapeOf(bias) != ArrayRef<int64_t>{n})
    return constraintError<LinearOp>(location, "expects a bias of shape [", n, "], got ", shapeText(shapeOf(bias)));
  if (failed(checkElementTypes<LinearOp>(location, adaptor.getInput(), adaptor.getWeight(), bias)))
    return failure();
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = n;
  types.push_back(input.clone(shape));
  return success();
}

bool LinearOp::isCompatibleReturnTypes(TypeRange inferred, TypeRange actual) {
  return actual.size() == 1 && isAccumulatorOf(inferred[0], actual[0]);
}

LogicalResult LinearOp::verify() { return verifyAccumulated(*this); }

double LinearOp::getFlops() {
  return 2.0 * getResult().getType().getNumElements() * getWeight().getType().getDimSize(1);
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto lhs = tensorType(adaptor.getLhs()), rhs = tensorType(adaptor.getRhs());
  int64_t rank = lhs.getRank();
  if (rhs.getRank() != 2 || rank < 2)
    return constraintError<MatmulOp>(location, "expects an rhs of rank 2 and an lhs of rank at least 2, got ",
                                     shapeText(rhs.getShape()), " and ", shapeText(lhs.getShape()));
  bool transposeLhs = adaptor.getTransposeLhs(), transposeRhs = adaptor.getTransposeRhs();
  int64_t lhsDepth = lhs.getDimSize(transposeLhs ? rank - 2 : rank - 1),
          rhsDepth = rhs.getDimSize(transposeRhs ? 1 : 0);
  if (lhsDepth != rhsDepth)
    return constraintError<MatmulOp>(location, "expects the contracted dimensions to agree, got ", lhsDepth,
                                     " in the lhs and ", rhsDepth, " in the rhs");
  if (transposeLhs && rank != 2)
    return constraintError<MatmulOp>(location, "expects an lhs of rank 2 with transpose_lhs, got ",
                                     shapeText(lhs.getShape()));
  if (failed(checkElementTypes<MatmulOp>(location, adaptor.getLhs(), adaptor.getRhs())))
    return failure();
  SmallVector<int64_t> shape(lhs.getShape());
  if (transposeLhs)
    shape.front() = lhs.getDimSize(1);
  shape.back() = rhs.getDimSize(transposeRhs ? 0 : 1);
  types.push_back(lhs.clone(shape));
  return success();
}

bool MatmulOp::isCompatibleReturnTypes(TypeRange inferred, TypeRange actual) {
  return actual.size() == 1 && isAccumulatorOf(inferred[0], actual[0]);
}

LogicalResult MatmulOp::verify() { return verifyAccumulated(*this); }

double MatmulOp::getFlops() {
  int64_t depth = getRhs().getType().getDimSize(getTransposeRhs() ? 1 : 0);
  return 2.0 * getResult().getType().getNumElements() * depth;
}

LogicalResult PatchEmbedOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto image = tensorType(adaptor.getImage()), weight = tensorType(adaptor.getWeight());
  auto is = image.getShape(), ws = weight.getShape();
  if (is.size() != 4 || ws.size() != 4 || is[1] != ws[1] || ws[2] != ws[3] || ws[2] < 1)
    return constraintError<PatchEmbedOp>(location, "expects an image [B, C, H, W] and a weight [D, C, P, P], got ",
                                         shapeText(is), " and ", shapeText(ws));
  int64_t patch = ws[2];
  if (is[2] % patch || is[3] % patch)
    return constraintError<PatchEmbedOp>(location,
                                         "expects the image's height and width to be multiples of the patch size ",
                                         patch, ", got ", is[2], " x ", is[3]);
  Value bias = adaptor.getBias();
  if (bias && shapeOf(bias) != ArrayRef<int64_t>{ws[0]})
    return constraintError<PatchEmbedOp>(location, "expects a bias of shape [", ws[0], "], got ",
                                         shapeText(shapeOf(bias)));
  if (failed(checkElementTypes<PatchEmbedOp>(location, adaptor.getImage(), adaptor.getWeight(), bias)))
    return failure();
  types.push_back(image.clone(ArrayRef<int64_t>{is[0], (is[2] / patch) * (is[3] / patch), ws[0]}));
  return success();
}

bool PatchEmbedOp::isCompatibleReturnTypes(TypeRange inferred, TypeRange actual) {
  return actual.size() == 1 && isAccumulatorOf(inferred[0], actual[0]);
}

LogicalResult PatchEmbedOp::verify() { return verifyAccumulated(*this); }

double PatchEmbedOp::getFlops() {
  auto ws = getWeight().getType().getShape();
  return 2.0 * getResult().getType().getNumElements() * (ws[1] * ws[2] * ws[3]);
}

LogicalResult PatchifyOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  auto image = tensorType(adaptor.getImage());
  auto is = image.getShape();
  if (is.size() != 4)
    return constraintError<PatchifyOp>(location, "expects an image [B, C, H, W], got ", shapeText(is));
  int64_t patch = adaptor.getPatch();
  if (patch < 1 || is[2] % patch || is[3] % patch)
    return constraintError<PatchifyOp>(location,
                                       "expects the image's height and width to be multiples of the patch size ", patch,
                                       ", got ", is[2], " x ", is[3]);
  types.push_back(image.clone(ArrayRef<int64_t>{is[0], (is[2] / patch) * (is[3] / patch), is[1] * patch * patch}));
  return success();
}

LogicalResult PatchifyOp::verify() { return verifyInferred(*this); }

LogicalResult UnpatchifyOp::verify() {
  auto rows = getRows().getType(), image = getResult().getType();
  auto is = image.getShape();
  int64_t patch = getPatch();
  if (is.size() != 4 || patch < 1 || is[2] % patch || is[3] % patch)
    return emitOpError() << "expects a result [B, C, H, W] with height and width that are multiples of the patch size "
                         << patch << ", got " << shapeText(is);
  SmallVector<int64_t> expected{is[0], (is[2] / patch) * (is[3] / patch), is[1] * patch * patch};
  if (rows != image.clone(expected))
    return emitOpError() << "expects rows of type " << image.clone(expected) << ", got " << rows;
  return success();
}
