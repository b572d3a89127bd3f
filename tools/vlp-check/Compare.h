// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A compiled model against the reference interpreter, kernel by kernel.
#pragma once

#include "passes/Pipelines/Pipelines.h"
#include "tools/vlpc/LoadModel.h"
#include "llvm/Support/raw_ostream.h"

namespace vlp::tools {

struct CompareRequest {
  ModelRequest model;
  PipelineOptions pipeline;
  /// Where to write the first kernel that diverges, with its inputs.
  std::string reproducer;
};

/// Compiles the model, runs every entry on random inputs, and compares each kernel's results with those of the interpreter. Prints one
/// line an entry, and for the first kernel that diverges its layer, results and errors. Returns 0 if all agree, 1 if not.
int compareModel(const CompareRequest &request, llvm::raw_ostream &out);

} // namespace vlp::tools
