// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The frame of a launch function: pointers by role, stores of results, loops over rows.
#include "passes/CPU/LaunchFunction.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

static SmallVector<Value> inputPointers(const KernelBuilder &k, const LaunchPlan &launch, unsigned inputs) {
  SmallVector<Value> pointers(inputs);
  for (auto [i, argument] : llvm::enumerate(launch.arguments))
    if (argument.kind == LaunchArgument::Kind::Input)
      pointers[argument.index] = k.pointers[i];
  return pointers;
}

LaunchFunction::LaunchFunction(const KernelBody &body, const LaunchPlan &launch, StringRef symbol, ModuleOp module)
    : k(module, symbol, body.kernel.getLoc(), launch.arguments.size()),
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

Value cpu::denseOffset(KernelBuilder &k, Point &point) {
  Access dense{Value(), 0, SmallVector<int64_t>(point.shape), getDenseStrides(point.shape)};
  return offsetAt(k, dense, point);
}

void LaunchFunction::storeYields(Point point, ArrayRef<std::pair<Value, Value>> known, ArrayRef<unsigned> yields) {
  expression.start(known);
  SmallVector<Value> values;
  for (unsigned i : yields)
    values.push_back(expression.evaluate(body.yields[i], point));
  Value offset = denseOffset(k, point);
  for (auto [i, value] : llvm::zip_equal(yields, values))
    k.store(value, result(i), offset, point.lanes);
}

void LaunchFunction::forRows(int64_t rows, int64_t rowsPerTask, llvm::function_ref<void(Value)> each) {
  Value from = k.mul(k.begin, rowsPerTask);
  Value to = k.min(k.mul(k.end, rowsPerTask), k.index(rows));
  k.loop(from, to, 1, each);
}
