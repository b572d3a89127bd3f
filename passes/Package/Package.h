// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a plan and machine code to the bytes of a compiled file.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace vlp {

/// What the assembler says of one kernel function of a GPU.
struct KernelFacts {
  std::string name;
  uint32_t registers = 0;
  /// Bytes of spill stores and loads, of local memory, of shared memory that the code declares itself.
  uint32_t spills = 0, stack = 0, staticShared = 0;
  /// In the machine code: tensor-core instructions, and all.
  uint32_t tensorInstructions = 0, instructions = 0;
  /// Of the tensor-core instructions, those on tf32; loads and stores of local memory.
  uint32_t tf32Instructions = 0, localInstructions = 0;
};

/// Machine code for one chip.
struct CodeBlob {
  /// "cpu", "cuda" or "sim".
  std::string target;
  /// x86-64-v3, x86-64-v4; sm_80, ...
  std::string chip;
  /// cpu: features that the code needs, named as in /proc/cpuinfo.
  std::vector<std::string> features = {};
  /// A shared object (cpu, sim) or a cubin (cuda) that defines every function of the plan's kernels.
  std::string bytes = {};
  /// cuda: the PTX that later chips can be given.
  std::string ptx = {};
  /// cuda: the least driver that runs the code, as cuDriverGetVersion says it.
  uint32_t driverVersion = 0;
  std::vector<KernelFacts> kernels = {};
};

/// The plan for one target, and its code.
struct TargetProgram {
  mlir::ModuleOp plan;
  CodeBlob code;
};

/// What the manifest says about how the file came to be.
struct PackageInfo {
  std::string compilerVersion;
};

/// The bytes of the model.vlp of `programs`, at least one: state, constants, model, architecture, sizes, preprocessing
/// and aliases from the first plan's ops and attributes `vlp.model`, `vlp.architecture` (strings), `vlp.config`
/// (numbers by name), `vlp.preprocessing` (the fields of the message Preprocessing) and `vlp.aliases` (other
/// checkpoints' names by theirs -> ours), all optional; kernels and entries from each plan. All plans must have the
/// same state and constants. The same input gives the same bytes. Fails, with diagnostics for each, on attributes of
/// the wrong kind, on plans that disagree and on ops that are no plan.
llvm::FailureOr<std::string> packageModel(llvm::ArrayRef<TargetProgram> programs, const PackageInfo &info);

} // namespace vlp
