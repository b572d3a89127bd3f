// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What each pass of a compilation did: whether it changed anything, what it remarked, flops and bytes before and after.
#pragma once

#include "mlir/Pass/PassManager.h"
#include <memory>
#include <string>
#include <vector>

namespace vlp {

/// Flops of products and compulsory bytes of all ops of a module; ops inside a kernel count their flops, the kernel its
/// bytes; in a plan, the launches.
struct ModuleCost {
  double flops = 0;
  double bytes = 0;
  int64_t ops = 0;
};

ModuleCost getCost(mlir::Operation *root);

struct PassRecord {
  std::string name;
  double seconds = 0;
  /// Whether the IR differs after the pass.
  bool changed = false;
  ModuleCost before, after;
  /// Remarks and warnings, "layer: text".
  std::vector<std::string> remarks;
};

/// Records the passes of the pass managers it is attached to. Multithreading must be off in the context.
class PassReport {
public:
  explicit PassReport(mlir::MLIRContext *context);
  ~PassReport();
  void attach(mlir::PassManager &manager);
  /// One record a pass, in order; runs of one pass on several functions are one record.
  const std::vector<PassRecord> &getRecords() const { return records; }

private:
  class Instrumentation;
  mlir::MLIRContext *context;
  uint64_t handler;
  std::vector<PassRecord> records;
  /// The record of the pass in progress, if one is.
  size_t active = 0;
  bool running = false;
};

} // namespace vlp
