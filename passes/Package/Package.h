// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a plan and machine code to the bytes of a compiled file.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace vlp {

/// Machine code for one chip.
struct CodeBlob {
  /// "cpu".
  std::string target;
  /// x86-64-v3, x86-64-v4.
  std::string chip;
  /// CPU features that the code needs, named as in /proc/cpuinfo.
  std::vector<std::string> features;
  /// A shared object that defines every function of the plan's kernels.
  std::string bytes;
};

/// What the manifest says about how the file came to be.
struct PackageInfo {
  std::string compilerVersion;
};

/// The bytes of the model.vlp of `planModule`: state, constants, kernels and entries from its plan ops; model,
/// architecture, sizes, preprocessing and aliases from its attributes `vlp.model`, `vlp.architecture` (strings),
/// `vlp.config` (numbers by name), `vlp.preprocessing` (the fields of the message Preprocessing) and `vlp.aliases`
/// (other checkpoints' names by theirs -> ours), all optional. The same input gives the same bytes. Fails, with
/// diagnostics for each, on attributes of the wrong kind and on ops that are no plan.
llvm::FailureOr<std::string> packageModel(mlir::ModuleOp planModule, llvm::ArrayRef<CodeBlob> code,
                                          const PackageInfo &info);

} // namespace vlp
