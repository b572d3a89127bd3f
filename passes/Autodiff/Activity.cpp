// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activity analysis: one sweep forward from the parameters, one backward from the loss.
#include "passes/Autodiff/Activity.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace vlp;

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

bool vlp::carriesGradient(Operation *op, unsigned i) {
  if (auto differentiable = dyn_cast<DifferentiableOpInterface>(op))
    return differentiable.isOperandDifferentiable(i);
  return !op->hasTrait<NonDifferentiable>() && isFloat(op->getOperand(i));
}

template <typename Predicate>
static bool anyCarrier(Operation *op, Predicate isInteresting) {
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (isInteresting(op->getOperand(i)) && carriesGradient(op, i))
      return true;
  return false;
}

void Activity::collectParameters(func::FuncOp function) {
  llvm::MapVector<StringRef, Parameter> byName;
  auto module = function->getParentOfType<ModuleOp>();
  for (auto symbol : module.getOps<ParameterOp>())
    byName[symbol.getSymName()].symbol = symbol;
  for (auto read : function.getOps<ReadOp>())
    if (auto found = byName.find(read.getState()); found != byName.end())
      found->second.reads.push_back(read);
  for (auto &entry : byName)
    if (!entry.second.reads.empty())
      parameters.push_back(entry.second);
}

Activity::Activity(func::FuncOp function) {
  collectParameters(function);
  for (const Parameter &parameter : parameters)
    for (ReadOp read : parameter.reads)
      if (ParameterOp(parameter.symbol).getTrainable())
        varied.insert(read.getResult());
  Block &block = function.getBody().front();
  for (Operation &op : block.without_terminator())
    if (anyCarrier(&op, [&](Value value) { return varied.contains(value); }))
      for (Value result : op.getResults())
        if (isFloat(result))
          varied.insert(result);
  useful.insert(block.getTerminator()->getOperand(0));
  for (Operation &op : llvm::reverse(block.without_terminator())) {
    if (llvm::none_of(op.getResults(), [&](Value result) { return useful.contains(result); }))
      continue;
    for (unsigned i = 0; i < op.getNumOperands(); ++i)
      if (carriesGradient(&op, i))
        useful.insert(op.getOperand(i));
  }
}

bool Activity::isActive(Operation *op) const {
  return llvm::any_of(op->getResults(), [&](Value result) { return isActive(result); });
}

bool Activity::isActive(const Parameter &parameter) const {
  return llvm::any_of(parameter.reads, [&](ReadOp read) { return isActive(Value(read.getResult())); });
}

SmallVector<StringRef> Activity::getParametersBehind(Operation *op) const {
  llvm::DenseSet<Operation *> visited;
  SmallVector<Operation *> worklist = {op};
  while (!worklist.empty()) {
    Operation *current = worklist.pop_back_val();
    if (!visited.insert(current).second)
      continue;
    for (unsigned i = 0; i < current->getNumOperands(); ++i)
      if (Operation *producer = current->getOperand(i).getDefiningOp();
          producer && varied.contains(current->getOperand(i)) && carriesGradient(current, i))
        worklist.push_back(producer);
  }
  SmallVector<StringRef> names;
  for (const Parameter &parameter : parameters)
    if (llvm::any_of(parameter.reads, [&](ReadOp read) { return visited.contains(read); }))
      names.push_back(ParameterOp(parameter.symbol).getSymName());
  return names;
}
