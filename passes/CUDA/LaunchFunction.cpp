// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The frame of a kernel: pointers by role, stores of results, loops over elements.
#include "passes/CUDA/LaunchFunction.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

static SmallVector<Value> inputPointers(const KernelBuilder &k, const LaunchPlan &launch, unsigned inputs) {
  SmallVector<Value> pointers(inputs);
  for (auto [i, argument] : llvm::enumerate(launch.arguments))
    if (argument.kind == LaunchArgument::Kind::Input)
      pointers[argument.index] = k.pointers[i];
  return pointers;
}

LaunchFunction::LaunchFunction(const KernelBody &body, const LaunchPlan &launch, StringRef symbol, ModuleOp module)
    : k(module, symbol, body.kernel.getLoc(), launch.arguments.size(), launch.threads),
      expression(k, body.kernel, inputPointers(k, launch, body.numInputs())), body(body), launch(launch) {}

Value LaunchFunction::find(LaunchArgument::Kind kind, unsigned index) const {
  for (auto [i, argument] : llvm::enumerate(launch.arguments))
    if (argument.kind == kind && argument.index == index)
      return k.pointers[i];
  llvm_unreachable("launch without this argument");
}
Value LaunchFunction::input(unsigned index) const { return find(LaunchArgument::Kind::Input, index); }
Value LaunchFunction::result(unsigned index) const { return find(LaunchArgument::Kind::Result, index); }
Value LaunchFunction::partial(unsigned index) const { return find(LaunchArgument::Kind::Partial, index); }
Value LaunchFunction::source(const Access &access) const {
  return input(cast<BlockArgument>(access.source).getArgNumber());
}

Value cuda::denseOffset(KernelBuilder &k, Point &point) {
  Access dense{Value(), 0, SmallVector<int64_t>(point.shape), getDenseStrides(point.shape)};
  return offsetAt(k, dense, point);
}

SmallVector<Value> LaunchFunction::evaluateYields(Point &point, ArrayRef<std::pair<Value, Value>> known,
                                                  ArrayRef<unsigned> yields) {
  expression.start(known);
  SmallVector<Value> values;
  for (unsigned i : yields)
    values.push_back(expression.evaluate(body.yields[i], point));
  return values;
}

void LaunchFunction::storeValues(Point &point, ArrayRef<Value> values, ArrayRef<unsigned> yields) {
  Value offset = denseOffset(k, point);
  for (auto [i, value] : llvm::zip_equal(yields, values)) {
    Type element = cast<RankedTensorType>(body.yields[i].getType()).getElementType();
    k.store(value, result(i), offset, element, point.width * bytesOf(element));
  }
}

void LaunchFunction::storeYields(Point point, ArrayRef<std::pair<Value, Value>> known, ArrayRef<unsigned> yields) {
  SmallVector<Value> values = evaluateYields(point, known, yields);
  storeValues(point, values, yields);
}

void LaunchFunction::storeAllYields(Point point, ArrayRef<std::pair<Value, Value>> known) {
  storeYields(std::move(point), known, llvm::to_vector(llvm::seq<unsigned>(0, body.numResults())));
}

int64_t cuda::widestStore(ArrayRef<Value> values) {
  int64_t bytes = 1;
  for (Value value : values)
    bytes = std::max(bytes, bytesOf(cast<RankedTensorType>(value.getType()).getElementType()));
  return kVectorBytes / bytes;
}

int64_t cuda::elementBlocks(ArrayRef<int64_t> shape, int64_t width, int64_t repeats) {
  return ceilDiv(ShapedType::getNumElements(shape), kElementThreads * width * repeats);
}

void LaunchFunction::forElements(ArrayRef<int64_t> shape, int64_t width, int64_t repeats,
                                 llvm::function_ref<void(Point)> each) {
  int64_t total = ShapedType::getNumElements(shape) / width, columns = columnsOf(shape) / width;
  for (int64_t r = 0; r < repeats; ++r) {
    Value at = k.add(k.mul(k.add(k.mul(k.block, repeats), r), k.threads), k.thread);
    auto body = [&] { each({shape, k.div(at, columns), k.mul(k.rem(at, columns), width), width, {}}); };
    if (total % (k.threads * repeats) == 0)
      body();
    else
      k.when(k.less(at, total), body);
  }
}
