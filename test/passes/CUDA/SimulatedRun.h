// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the launches of one kernel region in the simulator, in every order and mode, and judges the results.
#pragma once

#include "passes/Kernels/Emitter.h"
#include "runtime/sim/Engine.h"
#include "test/passes/Kernels/PreparedCase.h"

namespace llvm {
class Module;
}

namespace vlp::test {

struct DeviceKernel {
  const KernelPlan &plan;
  const std::vector<std::string> &symbols; // one a launch
  const llvm::Module &device;
  int64_t largestShared; // bytes of shared memory that a block may have
};

/// Fails the current test on whatever checkKernel promises to find in a run; with `checkedOnly`, checkReports.
void simulate(const KernelCase &c, const PreparedCase &prepared, const DeviceKernel &kernel, bool checkedOnly = false);

/// Checked runs alone, whose results are compared one by one: threads forward, reverse and in a random order. Returns
/// the findings of each, which fail the current test as well. A block counts as endless after a second.
std::vector<std::vector<sim::Finding>> simulateChecked(const KernelCase &c, const PreparedCase &prepared,
                                                       const DeviceKernel &kernel);

} // namespace vlp::test
