// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks an entry, then executes it op by op, dropping each value after its last use.
#include "dialect/Interpreter/Interpreter.h"
#include "dialect/VLP/ReferenceSupport.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <set>

using namespace mlir;
using namespace vlp;

static std::string shapeOf(ArrayRef<int64_t> shape) {
  return "[" + llvm::join(llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }), ", ") + "]";
}

template <typename T>
static bool fits(const Array<T> &array, RankedTensorType type) {
  size_t count = type.getNumElements();
  bool isInteger = type.getElementType().isInteger();
  return ArrayRef<int64_t>(array.shape) == type.getShape() && array.ints.size() == (isInteger ? count : 0) &&
         array.values.size() == (isInteger ? 0 : count);
}

template <typename T>
static std::string describe(const Array<T> &array) {
  return (array.isInteger() ? "integers " : "floats ") + shapeOf(array.shape);
}

std::vector<std::pair<std::string, RankedTensorType>> vlp::getStateTypes(ModuleOp module) {
  std::vector<std::pair<std::string, RankedTensorType>> types;
  for (Operation &op : *module.getBody()) {
    if (auto parameter = dyn_cast<ParameterOp>(op))
      types.emplace_back(parameter.getSymName().str(), cast<RankedTensorType>(parameter.getType()));
    if (auto variable = dyn_cast<VariableOp>(op))
      types.emplace_back(variable.getSymName().str(), cast<RankedTensorType>(variable.getType()));
  }
  return types;
}

template <typename T>
void vlp::addConstantState(ModuleOp module, State<T> &state) {
  auto add = [&](StringRef name, Type type, InitializerAttr init) {
    if (init.getKind() != InitializerKind::Constant || state.count(name.str()))
      return;
    Array<T> array(cast<RankedTensorType>(type));
    double value = init.getA().getValueAsDouble();
    llvm::fill(array.values, static_cast<T>(value));
    llvm::fill(array.ints, static_cast<int32_t>(value));
    state[name.str()] = std::move(array);
  };
  for (Operation &op : *module.getBody()) {
    if (auto parameter = dyn_cast<ParameterOp>(op))
      add(parameter.getSymName(), parameter.getType(), parameter.getInit());
    if (auto variable = dyn_cast<VariableOp>(op))
      add(variable.getSymName(), variable.getType(), variable.getInit());
  }
}

template void vlp::addConstantState<float>(ModuleOp, State<float> &);
template void vlp::addConstantState<double>(ModuleOp, State<double> &);

/// The functions that `entry` reaches, itself first.
static llvm::SetVector<Operation *> reachableFunctions(ModuleOp module, func::FuncOp entry) {
  llvm::SetVector<Operation *> functions;
  functions.insert(entry);
  for (size_t i = 0; i < functions.size(); ++i)
    functions[i]->walk([&](func::CallOp call) {
      if (auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee()))
        functions.insert(callee);
    });
  return functions;
}

/// Reports the kinds of op that cannot be executed, all at once.
static LogicalResult checkExecutable(func::FuncOp entry, const llvm::SetVector<Operation *> &functions) {
  llvm::SetVector<StringRef> missing;
  for (Operation *function : functions) {
    if (cast<func::FuncOp>(function).isExternal())
      return entry.emitError() << "expects function @" << cast<func::FuncOp>(function).getName() << " to have a body";
    function->walk([&](Operation *op) {
      if (op != function && !isa<ReferenceOpInterface, ReadOp, WriteOp, YieldOp, func::CallOp, func::ReturnOp>(op))
        missing.insert(op->getName().getStringRef());
    });
  }
  if (missing.empty())
    return success();
  return entry.emitError() << "expects ops with a reference implementation, got none for " << llvm::join(missing, ", ");
}

template <typename T>
static LogicalResult checkInputs(func::FuncOp entry, ArrayRef<Array<T>> inputs) {
  if (inputs.size() != entry.getNumArguments())
    return entry.emitError() << "expects " << entry.getNumArguments() << " inputs, got " << inputs.size();
  SmallVector<std::string> problems;
  for (auto [i, input, type] : llvm::enumerate(inputs, entry.getArgumentTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !fits(input, tensor))
      problems.push_back(llvm::formatv("input #{0} to be {1}, got {2}", i, type, describe(input)).str());
  }
  if (problems.empty())
    return success();
  return entry.emitError() << "expects " << llvm::join(problems, "; ");
}

template <typename T>
static LogicalResult checkState(func::FuncOp entry, const llvm::SetVector<Operation *> &functions,
                                const State<T> &state) {
  std::set<std::string> problems;
  for (Operation *function : functions)
    function->walk([&](ReadOp read) {
      auto found = state.find(read.getState().str());
      if (found == state.end())
        problems.insert(llvm::formatv("{0} to be {1}, got no value", read.getState(), read.getType()).str());
      else if (!fits(found->second, read.getType()))
        problems.insert(
            llvm::formatv("{0} to be {1}, got {2}", read.getState(), read.getType(), describe(found->second)).str());
    });
  if (problems.empty())
    return success();
  return entry.emitError() << "expects state " << llvm::join(problems, "; ");
}

/// The execution of one function body.
template <typename T>
class Interpreter<T>::Call {
public:
  Call(Interpreter &interpreter, const State<T> &before, State<T> &writes)
      : interpreter(interpreter), before(before), writes(writes) {}

  FailureOr<std::vector<Array<T>>> run(func::FuncOp function, ArrayRef<const Array<T> *> inputs) {
    Block &body = function.getBody().front();
    for (auto [argument, input] : llvm::zip_equal(body.getArguments(), inputs))
      borrowed[argument] = input;
    for (Operation &op : body.without_terminator()) {
      if (failed(execute(op)))
        return failure();
      dropDeadOperands(op);
    }
    std::vector<Array<T>> results;
    for (Value value : body.getTerminator()->getOperands())
      results.push_back(*lookup(value));
    return results;
  }

private:
  const Array<T> *lookup(Value value) {
    if (auto found = borrowed.find(value); found != borrowed.end())
      return found->second;
    return &owned.find(value)->second;
  }

  LogicalResult execute(Operation &op) {
    Evaluation<T> evaluation;
    for (Value operand : op.getOperands())
      evaluation.operands.push_back(lookup(operand));
    if (failed(compute(op, evaluation)))
      return failure();
    if (interpreter.observer)
      interpreter.observer(&op, evaluation.operands,
                           llvm::map_to_vector(evaluation.results, [](const Array<T> &array) { return &array; }));
    for (auto [result, array] : llvm::zip_equal(op.getResults(), evaluation.results))
      if (!result.use_empty())
        owned[result] = std::move(array);
    return success();
  }

  LogicalResult compute(Operation &op, Evaluation<T> &evaluation) {
    if (auto read = dyn_cast<ReadOp>(op)) {
      evaluation.results.push_back(before.find(read.getState().str())->second);
      return success();
    }
    if (auto write = dyn_cast<WriteOp>(op)) {
      writes[write.getState().str()] = evaluation.in(0);
      return success();
    }
    if (auto call = dyn_cast<func::CallOp>(op)) {
      auto callee = interpreter.module.template lookupSymbol<func::FuncOp>(call.getCallee());
      auto results = Call(interpreter, before, writes).run(callee, evaluation.operands);
      if (failed(results))
        return failure();
      llvm::append_range(evaluation.results, *results);
      return success();
    }
    for (Type type : op.getResultTypes())
      evaluation.results.emplace_back(cast<RankedTensorType>(type));
    LogicalResult result = evaluateReference(cast<ReferenceOpInterface>(op), evaluation);
    roundToResultTypes(&op, evaluation);
    return result;
  }

  void dropDeadOperands(Operation &op) {
    for (Value operand : op.getOperands())
      if (llvm::all_of(operand.getUsers(), [&](Operation *user) { return user == &op || user->isBeforeInBlock(&op); }))
        owned.erase(operand);
  }

  Interpreter &interpreter;
  const State<T> &before;
  State<T> &writes;
  /// Arguments, which the caller keeps alive, and results computed here.
  llvm::DenseMap<Value, const Array<T> *> borrowed;
  llvm::DenseMap<Value, Array<T>> owned;
};

template <typename T>
FailureOr<std::vector<Array<T>>> Interpreter<T>::run(StringRef name, ArrayRef<Array<T>> inputs, State<T> &state) {
  auto entry = module.lookupSymbol<func::FuncOp>(name);
  if (!entry)
    return module.emitError() << "expects a function @" << name << ", got none of that name";
  auto functions = reachableFunctions(module, entry);
  if (failed(checkExecutable(entry, functions)) || failed(checkInputs(entry, inputs)) ||
      failed(checkState(entry, functions, state)))
    return failure();
  // The failing op reports itself; what it cannot know by itself is its layer.
  ScopedDiagnosticHandler layers(module.getContext(), [&](Diagnostic &diagnostic) {
    std::string layer = getLayerName(diagnostic.getLocation());
    if (!layer.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
      diagnostic << " (layer " << layer << ")";
    return failure();
  });
  State<T> writes;
  auto results =
      Call(*this, state, writes).run(entry, llvm::map_to_vector(inputs, [](const Array<T> &input) { return &input; }));
  if (failed(results))
    return failure();
  for (auto &[symbol, value] : writes)
    state[symbol] = std::move(value);
  return results;
}

template <typename T>
FailureOr<std::vector<Array<T>>> Interpreter<T>::run(StringRef entry, ArrayRef<Array<T>> inputs) {
  State<T> none;
  return run(entry, inputs, none);
}

template class vlp::Interpreter<float>;
template class vlp::Interpreter<double>;
