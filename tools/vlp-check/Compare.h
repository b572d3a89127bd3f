// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A compiled model against the reference interpreter, kernel by kernel.
#pragma once

#include "tools/vlp-check/Device.h"
#include "tools/vlpc/LoadModel.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>

namespace vlp::tools {

/// A kernel result that differs by more than rounding explains.
struct Divergence {
  /// Position among the entry's kernels.
  size_t kernel;
  unsigned result;
  /// |device - reference| and what was allowed, relative to |reference|.
  double error, allowed;
  /// The first element that differs by more than allowed (by position), with both values.
  int64_t element;
  double expected, got;
};

struct EntryComparison {
  size_t kernels = 0;
  /// The largest relative error, and the kernel it is of.
  double worstError = 0;
  size_t worstKernel = 0;
  std::optional<Divergence> first;
};

/// Runs `entry` of a loaded model and of `kernels`, the module of kernels that it was compiled from, on the same inputs
/// and state. Each result may differ from the interpreter's f64 values by 1e-4 of their norm plus 100 times what the
/// interpreter's own f32 run differs, so that mathematical zeros, which are all rounding, do not count. In bf16, whose
/// rounding that run has too, by 2^-8 of their norm plus 8 times; a result that is farther off is held against the
/// interpreter's on the kernel's own inputs.
llvm::Expected<EntryComparison> compareEntry(mlir::ModuleOp kernels, mlir::ModuleOp plan, LoadedModel &model,
                                             llvm::StringRef entry, const Arrays<double> &inputs,
                                             Precision precision = Precision::F32);

struct CompareRequest {
  ModelRequest model;
  PipelineOptions pipeline;
  /// Where to write the first kernel that diverges, with its inputs.
  std::string reproducer;
  Device device = {DeviceKind::Cpu};
};

/// Compiles the model, runs every entry on random inputs, and compares each kernel's results with those of the
/// interpreter. Prints one line an entry, and for the first kernel that diverges its layer, results and errors. Returns
/// 0 if all agree, 1 if not.
int compareModel(const CompareRequest &request, llvm::raw_ostream &out);

} // namespace vlp::tools
