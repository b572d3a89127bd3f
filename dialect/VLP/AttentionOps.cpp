// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes, constraints and costs of attention.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

static RankedTensorType lseType(Value query, int64_t heads) {
  auto q = shapeOf(query);
  return statisticsType(tensorType(query), {q[0], heads, q[1]});
}

/// `lse`: the type of [B, H, Sq].
template <typename OpT>
static LogicalResult checkMask(std::optional<Location> location, Value mask, RankedTensorType lse, int64_t keys) {
  SmallVector<int64_t> scores = llvm::to_vector(lse.getShape());
  scores.push_back(keys);
  ArrayRef<int64_t> shape = shapeOf(mask);
  bool fits = shape.size() == 4 && shape[3] == keys && tensorType(mask).getElementType() == lse.getElementType();
  for (auto [extent, full] : llvm::zip(shape, scores))
    fits = fits && (extent == full || extent == 1);
  if (fits)
    return success();
  return constraintError<OpT>(location, "expects a mask of ", lse.getElementType(), " and shape ", shapeText(scores),
                              ", each but the last extent possibly 1, got ", mask.getType());
}

/// The constraints that attention and its gradient share.
template <typename OpT>
static LogicalResult checkAttention(std::optional<Location> location, Value query, Value key, Value value, Value mask,
                                    int64_t heads, bool causal) {
  auto q = shapeOf(query), k = shapeOf(key), v = shapeOf(value);
  if (q.size() != 3 || k.size() != 3 || k != v || q[0] != k[0] || q[2] != k[2])
    return constraintError<OpT>(location, "expects a query [B, Sq, D] and key and value [B, Sk, D], got ", shapeText(q),
                                ", ", shapeText(k), " and ", shapeText(v));
  if (heads < 1 || q[2] % heads)
    return constraintError<OpT>(location, "expects the number of heads to divide D = ", q[2], ", got ", heads);
  if (causal && q[1] != k[1])
    return constraintError<OpT>(location, "expects as many queries as keys with causal, got ", q[1], " and ", k[1]);
  if (!haveEqualElementTypes({query, key, value}))
    return constraintError<OpT>(location, "expects equal element types, got ", elementTypesText({query, key, value}));
  return mask ? checkMask<OpT>(location, mask, lseType(query, heads), k[1]) : success();
}

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  Value query = adaptor.getQuery();
  if (failed(checkAttention<AttentionOp>(location, query, adaptor.getKey(), adaptor.getValue(), adaptor.getMask(),
                                         adaptor.getHeads(), adaptor.getCausal())))
    return failure();
  types.append({query.getType(), lseType(query, adaptor.getHeads())});
  return success();
}

LogicalResult AttentionOp::verify() { return verifyInferred(*this); }

/// The dense rectangle of one product over all heads: 2 B heads Sq Sk d, and heads d = D.
static double productFlops(RankedTensorType query, RankedTensorType key) {
  return 2.0 * query.getNumElements() * key.getDimSize(1);
}

double AttentionOp::getFlops() { return 2 * productFlops(getQuery().getType(), getKey().getType()); }

LogicalResult AttentionGradOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  Value query = adaptor.getQuery(), key = adaptor.getKey();
  if (failed(checkAttention<AttentionGradOp>(location, query, key, adaptor.getValue(), adaptor.getMask(),
                                             adaptor.getHeads(), adaptor.getCausal())))
    return failure();
  for (auto [name, value] : {std::pair("output", adaptor.getOutput()), std::pair("gradient", adaptor.getGradient())})
    if (value.getType() != query.getType())
      return constraintError<AttentionGradOp>(location, "expects the ", name, " to have the query's type ",
                                              query.getType(), ", got ", value.getType());
  auto lse = lseType(query, adaptor.getHeads());
  if (adaptor.getLse().getType() != lse)
    return constraintError<AttentionGradOp>(location, "expects an lse of type ", lse, ", got ",
                                            adaptor.getLse().getType());
  types.append({query.getType(), key.getType(), adaptor.getValue().getType()});
  if (adaptor.getMask()) {
    SmallVector<int64_t> scores = llvm::to_vector(lse.getShape());
    scores.push_back(shapeOf(key)[1]);
    types.push_back(lse.clone(scores));
  }
  return success();
}

LogicalResult AttentionGradOp::verify() { return verifyInferred(*this); }

double AttentionGradOp::getFlops() { return 5 * productFlops(getQuery().getType(), getKey().getType()); }
