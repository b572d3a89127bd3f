// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executes functions of vlp ops from the ops' own reference implementations: the meaning that every compiled kernel is
// held against.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <functional>
#include <map>
#include <string>

namespace vlp {

/// Values of state symbols by name: what `vlp.read` gives and `vlp.write` changes.
template <typename T>
using State = std::map<std::string, Array<T>>;

/// Runs func.func entries of one module in the precision T (float or double). All failures are diagnostics on the op in
/// question that name the op and its model layer.
template <typename T>
class Interpreter {
public:
  /// Called after each executed op, in order; ops inside a vlp.kernel are part of the kernel. `operands` and `results`
  /// live only during the call.
  using Observer = std::function<void(mlir::Operation *op, llvm::ArrayRef<const Array<T> *> operands,
                                      llvm::ArrayRef<const Array<T> *> results)>;

  explicit Interpreter(mlir::ModuleOp module) : module(module) {}

  void setObserver(Observer newObserver) { observer = std::move(newObserver); }

  /// Executes `entry` on `inputs` (by position) and returns all of its results. Reads see `state` as it was before the
  /// call; writes reach it when the entry has returned, and not at all if it fails. Before anything runs it reports,
  /// each kind at once: ops without a reference implementation, inputs of the wrong number, shape or element kind,
  /// state symbols without (or with misshapen) values.
  llvm::FailureOr<std::vector<Array<T>>> run(llvm::StringRef entry, llvm::ArrayRef<Array<T>> inputs, State<T> &state);
  /// Without state.
  llvm::FailureOr<std::vector<Array<T>>> run(llvm::StringRef entry, llvm::ArrayRef<Array<T>> inputs);

private:
  class Call;

  mlir::ModuleOp module;
  Observer observer;
};

extern template class Interpreter<float>;
extern template class Interpreter<double>;

/// Adds the state symbols of `module` that `state` lacks and whose initializer is constant: moments, counters, scalars,
/// biases.
template <typename T>
void addConstantState(mlir::ModuleOp module, State<T> &state);

/// Names of the parameters and variables of `module` with their types, in order of the module.
std::vector<std::pair<std::string, mlir::RankedTensorType>> getStateTypes(mlir::ModuleOp module);

} // namespace vlp
