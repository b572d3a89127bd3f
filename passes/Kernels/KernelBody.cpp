// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernel regions taken apart.
#include "passes/Kernels/KernelBody.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace vlp;

KernelBody::KernelBody(KernelOp kernel) : kernel(kernel) {
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!op.hasTrait<Elementwise>() && !op.hasTrait<View>() && !isa<ConstantOp>(op) && !anchor)
      anchor = &op;
  yields = llvm::to_vector(kernel.getBody().front().getTerminator()->getOperands());
}

bool vlp::dependsOn(Value value, Value source) {
  if (value == source)
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op == source.getDefiningOp())
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) { return dependsOn(operand, source); });
}

SmallVector<unsigned> KernelBody::yieldsOf(unsigned index) const {
  if (anchor)
    return yieldsFrom(anchor->getResult(index));
  return llvm::to_vector(llvm::seq<unsigned>(0, yields.size()));
}

SmallVector<unsigned> KernelBody::yieldsFrom(Value source) const {
  SmallVector<unsigned> found;
  for (auto [i, value] : llvm::enumerate(yields))
    if (dependsOn(value, source))
      found.push_back(i);
  return found;
}

std::optional<Access> vlp::inputAccess(Value value) {
  FailureOr<Access> access = getAccess(value);
  if (failed(access) || !isa<BlockArgument>(access->source))
    return std::nullopt;
  return *access;
}

int64_t vlp::rowsOf(ArrayRef<int64_t> shape) {
  int64_t rows = 1;
  for (int64_t size : shape.drop_back(shape.empty() ? 0 : 1))
    rows *= size;
  return rows;
}
int64_t vlp::columnsOf(ArrayRef<int64_t> shape) { return shape.empty() ? 1 : shape.back(); }
int64_t vlp::ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }
int64_t vlp::rowsPerTask(int64_t columns, int64_t elements) {
  return std::max<int64_t>(1, elements / std::max<int64_t>(columns, 1));
}

LaunchPlan vlp::makeLaunch(const KernelBody &body, StringRef suffix, ArrayRef<unsigned> partialsRead,
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

SmallVector<std::pair<unsigned, unsigned>> vlp::elementwiseInPlace(const KernelBody &body) {
  SmallVector<std::pair<unsigned, unsigned>> pairs;
  for (auto [i, argument] : llvm::enumerate(body.kernel.getBody().front().getArguments())) {
    bool elementwiseOnly = llvm::all_of(
        argument.getUsers(), [](Operation *user) { return user->hasTrait<Elementwise>() || isa<YieldOp>(user); });
    if (!elementwiseOnly)
      continue;
    for (auto [r, value] : llvm::enumerate(body.yields))
      if (value.getType() == argument.getType())
        pairs.push_back({static_cast<unsigned>(r), static_cast<unsigned>(i)});
  }
  return pairs;
}
