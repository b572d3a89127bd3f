// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs one entry on the interpreter or on the CPU, from named arrays to named arrays.
#pragma once

#include "dialect/Interpreter/Interpreter.h"
#include "passes/Pipelines/Compile.h"
#include "runtime/core/Module.h"
#include "llvm/Support/Error.h"

namespace vlp::tools {

template <typename T>
using Arrays = std::map<std::string, Array<T>>;

enum class DeviceKind { ReferenceF64, ReferenceF32, Cpu };

/// Where an entry runs: on the interpreter, or compiled for the CPU.
struct Device {
  DeviceKind kind = DeviceKind::ReferenceF64;
  /// For Cpu: x86-64-v3 or x86-64-v4; empty: this machine's best.
  std::string chip = {};
};

/// Names of an entry's arguments or results (attribute vlp.name), in order.
std::vector<std::string> getArgumentNames(mlir::func::FuncOp entry);
std::vector<std::string> getResultNames(mlir::func::FuncOp entry);

template <typename To, typename From>
Array<To> convert(const Array<From> &array) {
  Array<To> result;
  result.shape = array.shape;
  result.values.assign(array.values.begin(), array.values.end());
  result.ints = array.ints;
  return result;
}

/// Runs `entry` of `module` (differentiated or not) on the interpreter in precision T.
template <typename T>
llvm::Expected<Arrays<T>> runReference(mlir::ModuleOp module, llvm::StringRef entry, const Arrays<T> &inputs,
                                       State<T> &state);

/// A compiled model that is loaded on this machine's CPU. Its file is temporary.
struct LoadedModel {
  std::shared_ptr<Module> module;
  std::unique_ptr<Session> session;
};
llvm::Expected<LoadedModel> loadOnCpu(const CompiledModel &model);

/// Copies between arrays and the memory of the session; shapes are those of the compiled file.
template <typename T>
llvm::Error writeTensor(std::span<std::byte> memory, const Array<T> &array, const std::string &name);
template <typename T>
Array<T> readTensor(std::span<const std::byte> memory, const format::Tensor &tensor);

/// Compiles `module` and runs `entry` on the CPU. State without a value in `state` starts from its initialiser.
llvm::Expected<Arrays<double>> runCpu(mlir::ModuleOp module, llvm::StringRef entry, const Arrays<double> &inputs,
                                      const State<double> &state, const CompileOptions &options = {});

/// Runs the graph stage, then `entry` on the device.
llvm::Expected<Arrays<double>> runOnDevice(const Device &device, mlir::ModuleOp module, llvm::StringRef entry,
                                           const Arrays<double> &inputs, const State<double> &state);

/// An error of the runtime as one of LLVM's.
llvm::Error toError(const Status &status);

} // namespace vlp::tools
