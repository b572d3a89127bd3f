// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reading and printing of arrays.
#include "dialect/Interpreter/Literals.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vlp;

template <typename T>
FailureOr<Array<T>> vlp::parseArray(StringRef text, MLIRContext *context) {
  auto elements = dyn_cast_or_null<DenseElementsAttr>(parseAttribute(text, context));
  auto type = elements ? dyn_cast<RankedTensorType>(elements.getType()) : nullptr;
  if (!type)
    return emitError(UnknownLoc::get(context)) << "expects a dense tensor literal, got " << text;
  Array<T> array(type);
  if (type.getElementType().isInteger())
    llvm::transform(elements.template getValues<APInt>(), array.ints.begin(),
                    [](const APInt &value) { return static_cast<int32_t>(value.getSExtValue()); });
  else
    llvm::transform(elements.template getValues<APFloat>(), array.values.begin(),
                    [](const APFloat &value) { return static_cast<T>(value.convertToDouble()); });
  return array;
}

static int64_t countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

template <typename T>
Array<T> vlp::makeArray(ArrayRef<int64_t> shape, ArrayRef<T> values) {
  Array<T> array;
  array.shape.assign(shape.begin(), shape.end());
  for (int64_t i = 0, count = countElements(shape); i < count; ++i)
    array.values.push_back(values[i % values.size()]);
  return array;
}

template <typename T>
Array<T> vlp::makeIntArray(ArrayRef<int64_t> shape, ArrayRef<int32_t> values) {
  Array<T> array;
  array.shape.assign(shape.begin(), shape.end());
  for (int64_t i = 0, count = countElements(shape); i < count; ++i)
    array.ints.push_back(values[i % values.size()]);
  return array;
}

template <typename T>
std::string vlp::toText(const Array<T> &array, size_t limit) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "[";
  llvm::interleaveComma(array.shape, stream);
  stream << "]";
  auto print = [&](const auto &elements) {
    for (size_t i = 0; i < elements.size() && i < limit; ++i)
      stream << llvm::format(" %.9g", static_cast<double>(elements[i]));
    if (elements.size() > limit)
      stream << " ...";
  };
  print(array.values);
  print(array.ints);
  return text;
}

#define VLP_INSTANTIATE(T)                                                                                             \
  template FailureOr<Array<T>> vlp::parseArray<T>(StringRef, MLIRContext *);                                           \
  template Array<T> vlp::makeArray<T>(ArrayRef<int64_t>, ArrayRef<T>);                                                 \
  template Array<T> vlp::makeIntArray<T>(ArrayRef<int64_t>, ArrayRef<int32_t>);                                        \
  template std::string vlp::toText<T>(const Array<T> &, size_t);
VLP_INSTANTIATE(float)
VLP_INSTANTIATE(double)
