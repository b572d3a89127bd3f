// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernel regions taken apart, and the frame of a launch function.
#include "passes/CPU/KernelBody.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cpu;

KernelBody::KernelBody(KernelOp kernel) : kernel(kernel) {
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!op.hasTrait<Elementwise>() && !op.hasTrait<View>() && !isa<ConstantOp>(op) && !anchor)
      anchor = &op;
  yields = llvm::to_vector(kernel.getBody().front().getTerminator()->getOperands());
}

static bool dependsOn(Value value, Value source) {
  if (value == source)
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op == source.getDefiningOp())
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) { return dependsOn(operand, source); });
}

SmallVector<unsigned> KernelBody::yieldsOf(unsigned index) const {
  SmallVector<unsigned> found;
  for (auto [i, value] : llvm::enumerate(yields))
    if (!anchor || dependsOn(value, anchor->getResult(index)))
      found.push_back(i);
  return found;
}

std::optional<Access> cpu::inputAccess(Value value) {
  FailureOr<Access> access = getAccess(value);
  if (failed(access) || !isa<BlockArgument>(access->source))
    return std::nullopt;
  return *access;
}

int64_t cpu::rowsOf(ArrayRef<int64_t> shape) {
  int64_t rows = 1;
  for (int64_t size : shape.drop_back(shape.empty() ? 0 : 1))
    rows *= size;
  return rows;
}
int64_t cpu::columnsOf(ArrayRef<int64_t> shape) { return shape.empty() ? 1 : shape.back(); }
int64_t cpu::ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }
int64_t cpu::rowsPerTask(int64_t columns, int64_t elements) { return std::max<int64_t>(1, elements / std::max<int64_t>(columns, 1)); }

LaunchPlan cpu::makeLaunch(const KernelBody &body, StringRef suffix, ArrayRef<unsigned> partialsRead,
                           ArrayRef<unsigned> partialsWritten, bool results) {
  using Kind = LaunchArgument::Kind;
  LaunchPlan launch;
  launch.suffix = suffix.str();
  for (unsigned i = 0; i < body.numInputs(); ++i)
    launch.arguments.push_back({Kind::Input, i});
  for (unsigned i : partialsRead)
    launch.arguments.push_back({Kind::Partial, i});
  for (unsigned i : partialsWritten)
    launch.arguments.push_back({Kind::Partial, i});
  launch.written = partialsWritten.size();
  if (results) {
    for (unsigned i = 0; i < body.numResults(); ++i)
      launch.arguments.push_back({Kind::Result, i});
    launch.written += body.numResults();
  }
  return launch;
}

SmallVector<std::pair<unsigned, unsigned>> cpu::elementwiseInPlace(const KernelBody &body) {
  SmallVector<std::pair<unsigned, unsigned>> pairs;
  for (auto [i, argument] : llvm::enumerate(body.kernel.getBody().front().getArguments())) {
    bool elementwiseOnly = llvm::all_of(argument.getUsers(), [](Operation *user) {
      return user->hasTrait<Elementwise>() || isa<YieldOp>(user);
    });
    if (!elementwiseOnly)
      continue;
    for (auto [r, value] : llvm::enumerate(body.yields))
      if (value.getType() == argument.getType())
        pairs.push_back({static_cast<unsigned>(r), static_cast<unsigned>(i)});
  }
  return pairs;
}

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
