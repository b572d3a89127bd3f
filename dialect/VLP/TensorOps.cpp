// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes, constraints and folds of tensor ops.
#include "dialect/VLP/OpSupport.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace vlp;

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getValue().getShapedType());
  return success();
}

LogicalResult ConstantOp::verify() { return verifyInferred(*this); }

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ReshapeOp::verify() {
  auto from = getInput().getType(), to = getResult().getType();
  if (from.getNumElements() != to.getNumElements())
    return emitOpError() << "expects the result to have the input's " << from.getNumElements() << " elements, got "
                         << to.getNumElements();
  if (from.getElementType() != to.getElementType())
    return emitOpError() << "expects the input's element type " << from.getElementType() << ", got "
                         << to.getElementType();
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto constant = dyn_cast_or_null<DenseElementsAttr>(adaptor.getInput()))
    return constant.reshape(getType());
  auto inner = getInput().getDefiningOp<ReshapeOp>();
  if (!inner)
    return {};
  getInputMutable().set(inner.getInput());
  return getResult();
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  if (static_cast<int64_t>(permutation.size()) != input.getRank() || !isPermutationVector(permutation))
    return constraintError<TransposeOp>(location, "expects a permutation of the input's ", input.getRank(),
                                        " dimensions, got ", shapeText(permutation));
  types.push_back(input.clone(applyPermutation(input.getShape(), permutation)));
  return success();
}

LogicalResult TransposeOp::verify() { return verifyInferred(*this); }

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  ArrayRef<int64_t> permutation = getPermutation();
  if (isIdentityPermutation(permutation))
    return getInput();
  auto inner = getInput().getDefiningOp<TransposeOp>();
  if (!inner)
    return {};
  SmallVector<int64_t> composed = applyPermutation(inner.getPermutation(), permutation);
  setPermutation(composed);
  getInputMutable().set(inner.getInput());
  return getResult();
}

LogicalResult BroadcastOp::verify() {
  auto from = getInput().getType(), to = getResult().getType();
  auto common = broadcastShapes(from.getShape(), to.getShape());
  if (!common || ArrayRef<int64_t>(*common) != to.getShape())
    return emitOpError() << "expects the input's shape " << shapeText(from.getShape())
                         << " to broadcast to the result's, got " << shapeText(to.getShape());
  if (from.getElementType() != to.getElementType())
    return emitOpError() << "expects the input's element type " << from.getElementType() << ", got "
                         << to.getElementType();
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  auto inner = getInput().getDefiningOp<BroadcastOp>();
  if (!inner)
    return {};
  getInputMutable().set(inner.getInput());
  return getResult();
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput());
  ArrayRef<int64_t> offsets = adaptor.getOffsets(), sizes = adaptor.getSizes();
  if (offsets.size() != input.getShape().size() || sizes.size() != offsets.size())
    return constraintError<SliceOp>(location, "expects one offset and one size for each of the ", input.getRank(),
                                    " dimensions, got ", offsets.size(), " and ", sizes.size());
  for (auto [d, offset, size, extent] : llvm::enumerate(offsets, sizes, input.getShape()))
    if (offset < 0 || size < 0 || size > extent || offset > extent - size)
      return constraintError<SliceOp>(location, "expects a box inside the input, got elements ", offset, " to ",
                                      offset + size, " of dimension ", d, ", which has ", extent);
  types.push_back(input.clone(sizes));
  return success();
}

LogicalResult SliceOp::verify() { return verifyInferred(*this); }

OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  auto inner = getInput().getDefiningOp<SliceOp>();
  if (!inner)
    return {};
  SmallVector<int64_t> offsets(getOffsets());
  for (auto [offset, innerOffset] : llvm::zip_equal(offsets, inner.getOffsets()))
    offset += innerOffset;
  setOffsets(offsets);
  getInputMutable().set(inner.getInput());
  return getResult();
}

LogicalResult PadOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput());
  ArrayRef<int64_t> low = adaptor.getLow(), high = adaptor.getHigh();
  auto isNegative = [](int64_t amount) { return amount < 0; };
  if (low.size() != input.getShape().size() || high.size() != low.size() || llvm::any_of(low, isNegative) ||
      llvm::any_of(high, isNegative))
    return constraintError<PadOp>(location, "expects one low and one high amount, none negative, for each of the ",
                                  input.getRank(), " dimensions, got ", shapeText(low), " and ", shapeText(high));
  SmallVector<int64_t> shape(input.getShape());
  for (auto [extent, before, after] : llvm::zip_equal(shape, low, high))
    extent += before + after;
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult PadOp::verify() { return verifyInferred(*this); }

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  ValueRange inputs = adaptor.getInputs();
  if (inputs.empty())
    return constraintError<ConcatOp>(location, "expects at least one input, got none");
  auto first = tensorType(inputs.front());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= first.getRank())
    return constraintError<ConcatOp>(location, "expects axis to be one of the ", first.getRank(), " dimensions, got ",
                                     axis);
  SmallVector<int64_t> shape(first.getShape());
  for (auto [i, input] : llvm::enumerate(inputs.drop_front())) {
    auto type = tensorType(input);
    SmallVector<int64_t> aligned(type.getShape());
    if (type.getRank() == first.getRank())
      aligned[axis] = first.getDimSize(axis);
    if (first.clone(aligned) != first || type.getElementType() != first.getElementType())
      return constraintError<ConcatOp>(location, "expects input #", i + 1, " to agree with ", first,
                                       " in all but dimension ", axis, ", got ", type);
    shape[axis] += type.getDimSize(axis);
  }
  types.push_back(first.clone(shape));
  return success();
}

LogicalResult ConcatOp::verify() { return verifyInferred(*this); }

LogicalResult GatherRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput());
  if (input.getRank() != 3)
    return constraintError<GatherRowsOp>(location, "expects an input of rank 3, got ", shapeText(input.getShape()));
  auto index = shapeOf(adaptor.getIndex());
  if (index != input.getShape().take_front())
    return constraintError<GatherRowsOp>(location, "expects an index of shape [", input.getDimSize(0), "], got ",
                                         shapeText(index));
  types.push_back(input.clone(ArrayRef<int64_t>{input.getDimSize(0), input.getDimSize(2)}));
  return success();
}

LogicalResult GatherRowsOp::verify() { return verifyInferred(*this); }

LogicalResult ScatterRowsOp::verify() {
  auto input = getInput().getType(), result = getResult().getType();
  auto is = input.getShape(), rs = result.getShape();
  if (is.size() != 2 || rs.size() != 3 || is[0] != rs[0] || is[1] != rs[2] ||
      input.getElementType() != result.getElementType())
    return emitOpError() << "expects an input [B, D] and a result [B, S, D] of one element type, got " << input
                         << " and " << result;
  auto index = getIndex().getType().getShape();
  if (index != is.take_front())
    return emitOpError() << "expects an index of shape [" << is[0] << "], got " << shapeText(index);
  return success();
}

LogicalResult ArgmaxOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto shape = shapeOf(adaptor.getInput());
  if (shape.empty() || shape.back() == 0)
    return constraintError<ArgmaxOp>(location, "expects rank at least 1 and a last dimension that is not empty, got ",
                                     shapeText(shape));
  types.push_back(RankedTensorType::get(shape.drop_back(), IntegerType::get(context, 32)));
  return success();
}

LogicalResult ArgmaxOp::verify() { return verifyInferred(*this); }

/// The rule of add, sub, mul and div.
template <typename OpT>
static LogicalResult inferBroadcasted(std::optional<Location> location, Value lhs, Value rhs,
                                      SmallVectorImpl<Type> &types) {
  auto shape = broadcastShapes(shapeOf(lhs), shapeOf(rhs));
  if (!shape)
    return constraintError<OpT>(location, "expects shapes that broadcast together, got ", shapeText(shapeOf(lhs)),
                                " and ", shapeText(shapeOf(rhs)));
  if (!haveEqualElementTypes({lhs, rhs}))
    return constraintError<OpT>(location, "expects equal element types, got ", elementTypesText({lhs, rhs}));
  types.push_back(tensorType(lhs).clone(*shape));
  return success();
}

LogicalResult AddOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  return inferBroadcasted<AddOp>(location, adaptor.getLhs(), adaptor.getRhs(), types);
}

LogicalResult AddOp::verify() { return verifyInferred(*this); }

LogicalResult SubOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  return inferBroadcasted<SubOp>(location, adaptor.getLhs(), adaptor.getRhs(), types);
}

LogicalResult SubOp::verify() { return verifyInferred(*this); }

LogicalResult MulOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  return inferBroadcasted<MulOp>(location, adaptor.getLhs(), adaptor.getRhs(), types);
}

LogicalResult MulOp::verify() { return verifyInferred(*this); }

LogicalResult DivOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  return inferBroadcasted<DivOp>(location, adaptor.getLhs(), adaptor.getRhs(), types);
}

LogicalResult DivOp::verify() { return verifyInferred(*this); }

/// Flags in the common shape of two operands.
template <typename OpT>
static LogicalResult inferComparison(std::optional<Location> location, Value lhs, Value rhs,
                                     SmallVectorImpl<Type> &types) {
  if (failed(inferBroadcasted<OpT>(location, lhs, rhs, types)))
    return failure();
  types.back() = cast<RankedTensorType>(types.back()).clone(IntegerType::get(lhs.getContext(), 32));
  return success();
}

LogicalResult EqualOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  return inferComparison<EqualOp>(location, adaptor.getLhs(), adaptor.getRhs(), types);
}

LogicalResult EqualOp::verify() { return verifyInferred(*this); }

LogicalResult LessOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  return inferComparison<LessOp>(location, adaptor.getLhs(), adaptor.getRhs(), types);
}

LogicalResult LessOp::verify() { return verifyInferred(*this); }

LogicalResult CastOp::verify() {
  auto from = getInput().getType(), to = getResult().getType();
  if (from.getShape() != to.getShape())
    return emitOpError() << "expects a result of the input's shape " << shapeText(from.getShape()) << ", got "
                         << shapeText(to.getShape());
  return success();
}

LogicalResult SelectOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  if (adaptor.getLhs().getType() != adaptor.getRhs().getType())
    return constraintError<SelectOp>(location, "expects both alternatives to have one type, got ",
                                     adaptor.getLhs().getType(), " and ", adaptor.getRhs().getType());
  auto condition = shapeOf(adaptor.getCondition()), shape = shapeOf(adaptor.getLhs());
  auto common = broadcastShapes(condition, shape);
  if (!common || ArrayRef<int64_t>(*common) != shape)
    return constraintError<SelectOp>(location, "expects a condition whose shape broadcasts to ", shapeText(shape),
                                     ", got ", shapeText(condition));
  types.push_back(adaptor.getLhs().getType());
  return success();
}

LogicalResult SelectOp::verify() { return verifyInferred(*this); }

LogicalResult ReduceSumOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput());
  ArrayRef<int64_t> axes = adaptor.getAxes();
  bool increasing = llvm::is_sorted(axes, std::less_equal<int64_t>());
  if (!increasing || (!axes.empty() && (axes.front() < 0 || axes.back() >= input.getRank())))
    return constraintError<ReduceSumOp>(location, "expects distinct dimensions of ", shapeText(input.getShape()),
                                        " in increasing order, got ", shapeText(axes));
  SmallVector<int64_t> shape;
  for (int64_t d = 0; d < input.getRank(); ++d)
    if (!llvm::is_contained(axes, d))
      shape.push_back(input.getDimSize(d));
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult ReduceSumOp::verify() { return verifyInferred(*this); }

LogicalResult AccumulateOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  ValueRange inputs = adaptor.getInputs();
  if (inputs.empty())
    return constraintError<AccumulateOp>(location, "expects at least one input, got none");
  for (auto [i, input] : llvm::enumerate(inputs))
    if (input.getType() != inputs.front().getType())
      return constraintError<AccumulateOp>(location, "expects all inputs to be ", inputs.front().getType(), ", got ",
                                           input.getType(), " for input #", i);
  types.push_back(inputs.front().getType());
  return success();
}

LogicalResult AccumulateOp::verify() { return verifyInferred(*this); }

OpFoldResult AccumulateOp::fold(FoldAdaptor) {
  if (getInputs().size() == 1)
    return getInputs().front();
  // ((a + b) + c) is the sum of a, b, c in order; narrower types would lose a rounding.
  auto inner = getInputs().front().getDefiningOp<AccumulateOp>();
  if (!inner || !inner->hasOneUse() || getType().getElementTypeBitWidth() < 32)
    return {};
  SmallVector<Value> inputs(inner.getInputs());
  llvm::append_range(inputs, getInputs().drop_front());
  getInputsMutable().assign(inputs);
  return getResult();
}
