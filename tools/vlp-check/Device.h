// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs one entry on the interpreter or compiled, from named arrays to named arrays.
#pragma once

#include "dialect/Interpreter/Interpreter.h"
#include "passes/Pipelines/Compile.h"
#include "runtime/core/Module.h"
#include "llvm/Support/Error.h"

namespace vlp::tools {

template <typename T>
using Arrays = std::map<std::string, Array<T>>;

enum class DeviceKind { ReferenceF64, ReferenceF32, Cpu, Gpu };

/// Where an entry runs: on the interpreter, or compiled.
struct Device {
  DeviceKind kind = DeviceKind::ReferenceF64;
  /// For Cpu: x86-64-v3 or x86-64-v4; empty: this machine's best. For Gpu: sm_80, ...; empty: the oldest.
  std::string chip = {};
  /// In what products compute. The interpreter rounds to bf16 in f32 only.
  Precision precision = Precision::F32;
  /// For Gpu: what the runtime is asked for (DeviceOptions::device), "cuda:1" or "sim:checked,seed=3".
  std::string name = {};

  /// "cpu", "cuda" or "sim".
  llvm::StringRef target() const { return kind == DeviceKind::Gpu ? llvm::StringRef(name).split(':').first : "cpu"; }
};

/// The options to compile for `device`.
CompileOptions getCompileOptions(const Device &device);

/// "cpu", "cpu:CHIP", "cuda", "cuda:N,...", "sim", "sim:...", as the runtime knows them; `reference`, if allowed, is
/// the interpreter in f64. `target` says what code a GPU is to run ("cuda:sm_90"; by default the oldest chip's, or that
/// of the option chip=).
llvm::Expected<Device> findDevice(llvm::StringRef name, llvm::StringRef target, bool allowReference);

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

/// A compiled model that is loaded on a device. Its file is temporary.
struct LoadedModel {
  std::shared_ptr<Module> module;
  std::unique_ptr<Session> session;
};
llvm::Expected<LoadedModel> load(const CompiledModel &model, const Device &device = {DeviceKind::Cpu});

/// Copies between arrays and the memory of the session; shapes are those of the compiled file.
template <typename T>
llvm::Error writeTensor(std::span<std::byte> memory, const Array<T> &array, const std::string &name);
template <typename T>
Array<T> readTensor(std::span<const std::byte> memory, const format::Tensor &tensor);

/// Compiles `module` for a cpu or a GPU and runs `entry`. State without a value in `state` starts from its initialiser.
llvm::Expected<Arrays<double>> runCompiled(mlir::ModuleOp module, llvm::StringRef entry, const Arrays<double> &inputs,
                                           const State<double> &state, const Device &device);

/// Runs the graph stage, then `entry` on the device.
llvm::Expected<Arrays<double>> runOnDevice(const Device &device, mlir::ModuleOp module, llvm::StringRef entry,
                                           const Arrays<double> &inputs, const State<double> &state);

/// An error of the runtime as one of LLVM's.
llvm::Error toError(const Status &status);

} // namespace vlp::tools
