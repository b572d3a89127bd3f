// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of a kernel region: that of its body.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

template <typename T>
static LogicalResult evaluate(KernelOp op, Evaluation<T> &e) {
  llvm::DenseMap<Value, Array<T>> values;
  llvm::DenseMap<Value, const Array<T> *> arguments;
  Block &body = op.getBody().front();
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), e.operands))
    arguments[argument] = operand;
  auto lookup = [&](Value value) {
    return isa<BlockArgument>(value) ? arguments.lookup(value) : &values.find(value)->second;
  };
  for (Operation &inner : body.without_terminator()) {
    auto executable = dyn_cast<ReferenceOpInterface>(inner);
    if (!executable)
      return inner.emitOpError() << "has no reference implementation";
    Evaluation<T> evaluation;
    for (Value operand : inner.getOperands())
      evaluation.operands.push_back(lookup(operand));
    for (Type type : inner.getResultTypes())
      evaluation.results.emplace_back(cast<RankedTensorType>(type));
    if (failed(vlp::evaluateReference(executable, evaluation)))
      return failure();
    roundToResultTypes(&inner, evaluation);
    for (auto [result, array] : llvm::zip_equal(inner.getResults(), evaluation.results))
      values[result] = std::move(array);
  }
  for (auto [result, yielded] : llvm::zip_equal(e.results, body.getTerminator()->getOperands()))
    result = *lookup(yielded);
  return success();
}

VLP_REFERENCE(KernelOp)
