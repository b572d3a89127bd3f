// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shape and type helpers of the constraint checks.
#include "dialect/VLP/OpSupport.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vlp;

std::string vlp::shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(shape, stream);
  stream << "]";
  return text;
}

std::string vlp::typeText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

Type vlp::accumulatorType(Type element) {
  return element.getIntOrFloatBitWidth() < 32 ? Float32Type::get(element.getContext()) : element;
}

RankedTensorType vlp::statisticsType(RankedTensorType like, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, accumulatorType(like.getElementType()));
}

bool vlp::isAccumulatorOf(Type inferred, Type actual) {
  auto tensor = cast<RankedTensorType>(inferred);
  return actual == inferred || actual == statisticsType(tensor, tensor.getShape());
}

std::optional<SmallVector<int64_t>> vlp::broadcastShapes(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs) {
  size_t rank = std::max(lhs.size(), rhs.size());
  SmallVector<int64_t> shape(rank);
  for (size_t fromEnd = 1; fromEnd <= rank; ++fromEnd) {
    int64_t a = fromEnd <= lhs.size() ? lhs[lhs.size() - fromEnd] : 1;
    int64_t b = fromEnd <= rhs.size() ? rhs[rhs.size() - fromEnd] : 1;
    if (a != b && a != 1 && b != 1)
      return std::nullopt;
    shape[rank - fromEnd] = a == 1 ? b : a;
  }
  return shape;
}

bool vlp::haveEqualElementTypes(ArrayRef<Value> values) {
  return llvm::all_of(values, [&](Value value) {
    return !value || tensorType(value).getElementType() == tensorType(values.front()).getElementType();
  });
}

std::string vlp::elementTypesText(ArrayRef<Value> values) {
  SmallVector<std::string> names;
  for (Value value : values)
    if (value)
      names.push_back(typeText(tensorType(value).getElementType()));
  return llvm::join(names, ", ");
}

LogicalResult vlp::verifyResultTypes(Operation *op, ArrayRef<Type> expected) {
  for (auto [i, type, expectedType] : llvm::enumerate(op->getResultTypes(), expected))
    if (type != expectedType)
      return op->emitOpError() << "expects result #" << i << " to be " << expectedType << ", got " << type;
  return success();
}
