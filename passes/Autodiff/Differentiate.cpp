// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The reverse sweep: cotangents of the values of a block, from the loss to the parameters.
#include "passes/Autodiff/Differentiate.h"
#include "dialect/VLP/GradientUtils.h"
#include "passes/Autodiff/Activity.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vlp;

LogicalResult vlp::checkDifferentiable(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return mlir::emitError(function.getLoc())
           << "'" << function.getSymName() << "' cannot be differentiated: expected one block, got "
           << function.getBody().getBlocks().size();
  if (function.getNumResults() == 0)
    return mlir::emitError(function.getLoc())
           << "'" << function.getSymName() << "' cannot be differentiated: expected the loss, a tensor<f32>, as "
           << "result #0, got no results";
  auto type = dyn_cast<RankedTensorType>(function.getResultTypes().front());
  if (!type || type.getRank() != 0 || !type.getElementType().isF32())
    return mlir::emitError(function.getLoc())
           << "'" << function.getSymName() << "' cannot be differentiated: expected the loss, a tensor<f32>, as "
           << "result #0, got " << function.getResultTypes().front()
           << "; reduce it with vlp.reduce_sum or select one with vlp.slice";
  return success();
}

/// "'a', 'b', 'c' and 4 more".
static std::string nameList(ArrayRef<StringRef> names) {
  constexpr size_t kShown = 3;
  SmallVector<std::string> quoted;
  for (StringRef name : names.take_front(kShown))
    quoted.push_back(("'" + name + "'").str());
  std::string text = llvm::join(quoted, ", ");
  if (names.size() > kShown)
    text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

/// Reports every op without a rule that stands between a trainable parameter and the loss.
static LogicalResult checkRules(func::FuncOp function, const Activity &activity) {
  bool complete = true;
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (!activity.isActive(&op) || isa<DifferentiableOpInterface, ReadOp>(op))
      continue;
    complete = false;
    InFlightDiagnostic error = op.emitOpError() << "has no gradient, but the loss depends on it";
    SmallVector<StringRef> names = activity.getParametersBehind(&op);
    error.attachNote() << "it carries the gradient of parameter" << (names.size() > 1 ? "s " : " ") << nameList(names);
    std::string layer = getLayerName(op.getLoc());
    std::string from = layer.empty() ? "" : "from layer '" + layer + "'; ";
    if (isa<CallOpInterface>(op))
      error.attachNote() << from
                         << "differentiation works within one function: expected the callee's ops in place of the call";
    else
      error.attachNote() << from << "mark the input with 'vlp.stop_gradient' if this is intended";
  }
  return success(complete);
}

namespace {
/// Cotangents while the sweep goes up through one block.
class ReverseSweep {
public:
  ReverseSweep(func::FuncOp function, const Activity &activity, const DifferentiateOptions &options)
      : block(function.getBody().front()), activity(activity), options(options), builder(block.getTerminator()) {}

  LogicalResult run();
  /// The gradient of a parameter: contributions of all its reads, or zeros.
  Value getGradient(const Activity::Parameter &parameter);
  /// Sets `vlp.backward` on the ops of the sweep that depend on a cotangent.
  void markBackward();

private:
  Operation *lastOp() { return block.getTerminator()->getPrevNode(); }
  /// The sum of what has arrived for `value`; null if nothing has.
  Value getCotangent(Value value);
  LogicalResult applyRule(DifferentiableOpInterface op);

  Block &block;
  const Activity &activity;
  const DifferentiateOptions &options;
  OpBuilder builder;
  Operation *seed = nullptr;
  llvm::DenseMap<Value, SmallVector<Value, 2>> contributions;
};
} // namespace

Value ReverseSweep::getCotangent(Value value) {
  ArrayRef<Value> parts = contributions[value];
  if (parts.empty())
    return {};
  if (parts.size() == 1)
    return parts.front();
  return AccumulateOp::create(builder, value.getLoc(), parts);
}

LogicalResult ReverseSweep::applyRule(DifferentiableOpInterface op) {
  SmallVector<Value> cotangents;
  for (Value result : op->getResults())
    cotangents.push_back(activity.isActive(result) ? getCotangent(result) : Value());
  if (llvm::none_of(cotangents, [](Value cotangent) { return cotangent != nullptr; }))
    return success();
  SmallVector<bool> needed;
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    needed.push_back(op.isOperandDifferentiable(i) && activity.isActive(operand));
  Operation *before = lastOp();
  auto gradients = op.buildVJP(builder, cotangents, needed);
  if (failed(gradients))
    return failure();
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    Value gradient = (*gradients)[i];
    if (needed[i] ? !gradient || gradient.getType() != operand.getType() : gradient != nullptr)
      return op->emitOpError() << "has a faulty gradient rule: expected "
                               << (needed[i] ? "one of the operand's type" : "none") << " for operand #" << i
                               << ", got " << (gradient ? "another" : "none");
  }
  if (options.hook) {
    SmallVector<Operation *> created;
    for (Operation *next = before->getNextNode(); next != block.getTerminator(); next = next->getNextNode())
      created.push_back(next);
    options.hook(op, created, *gradients, builder);
  }
  for (auto [operand, gradient] : llvm::zip_equal(op->getOperands(), *gradients))
    if (gradient)
      contributions[operand].push_back(gradient);
  return success();
}

LogicalResult ReverseSweep::run() {
  SmallVector<DifferentiableOpInterface> active;
  for (Operation &op : block.without_terminator())
    if (auto differentiable = dyn_cast<DifferentiableOpInterface>(op); differentiable && activity.isActive(&op))
      active.push_back(differentiable);
  Value loss = block.getTerminator()->getOperand(0);
  if (activity.isActive(loss)) {
    ImplicitLocOpBuilder atLoss(loss.getLoc(), builder);
    Value one = makeSplat(atLoss, tensorType(loss), 1);
    seed = one.getDefiningOp();
    contributions[loss].push_back(one);
  }
  bool complete = true;
  for (DifferentiableOpInterface op : llvm::reverse(active))
    complete &= succeeded(applyRule(op));
  return success(complete);
}

Value ReverseSweep::getGradient(const Activity::Parameter &parameter) {
  SmallVector<Value> parts;
  for (ReadOp read : parameter.reads)
    llvm::append_range(parts, contributions[read.getResult()]);
  Location loc = ReadOp(parameter.reads.front()).getLoc();
  if (parts.size() == 1)
    return parts.front();
  if (!parts.empty())
    return AccumulateOp::create(builder, loc, parts);
  mlir::emitWarning(loc) << "the loss does not depend on trainable parameter '"
                         << ParameterOp(parameter.symbol).getSymName() << "': its gradient is zero";
  ImplicitLocOpBuilder atRead(loc, builder);
  return makeSplat(atRead, tensorType(ReadOp(parameter.reads.front()).getResult()), 0);
}

void ReverseSweep::markBackward() {
  if (!seed)
    return;
  seed->setAttr(kBackwardAttr, builder.getUnitAttr());
  auto isBackward = [](Value operand) {
    Operation *producer = operand.getDefiningOp();
    return producer && producer->hasAttr(kBackwardAttr);
  };
  for (Operation *op = seed; op != block.getTerminator(); op = op->getNextNode())
    if (llvm::any_of(op->getOperands(), isBackward))
      op->setAttr(kBackwardAttr, builder.getUnitAttr());
}

LogicalResult vlp::differentiate(func::FuncOp function, const DifferentiateOptions &options) {
  if (failed(checkDifferentiable(function)))
    return failure();
  Activity activity(function);
  if (failed(checkRules(function, activity)))
    return failure();
  if (!activity.isActive(function.getBody().front().getTerminator()->getOperand(0)))
    mlir::emitWarning(function.getLoc()) << "the loss of '" << function.getSymName()
                                         << "' does not depend on any trainable parameter";
  ReverseSweep sweep(function, activity, options);
  if (failed(sweep.run()))
    return failure();

  Operation *terminator = function.getBody().front().getTerminator();
  MLIRContext *context = function.getContext();
  SmallVector<Value> gradients;
  SmallVector<DictionaryAttr> attributes;
  for (Activity::Parameter parameter : activity.getParameters()) {
    if (!parameter.symbol.getTrainable())
      continue;
    gradients.push_back(sweep.getGradient(parameter));
    NamedAttribute name(StringAttr::get(context, kGradientAttr),
                        FlatSymbolRefAttr::get(parameter.symbol.getSymNameAttr()));
    attributes.push_back(DictionaryAttr::get(context, name));
  }
  sweep.markBackward();
  unsigned first = function.getNumResults();
  for (auto [i, gradient, attribute] : llvm::enumerate(gradients, attributes))
    if (failed(function.insertResult(first + i, gradient.getType(), attribute)))
      return failure();
  terminator->insertOperands(first, gradients);
  function->removeAttr(kDifferentiateAttr);
  return success();
}
