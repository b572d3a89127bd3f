// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiles one kernel region for GPUs, judges the machine code, runs it in the simulator, and compares it with the
// interpreter.
#pragma once

#include "passes/CUDA/LintPTX.h"
#include "test/passes/Kernels/KernelCase.h"

namespace vlp::test {

/// Compiles the case for sm_80 and sm_90: it must assemble without spills, stack, calls or more registers, threads and
/// shared memory than the chip has. Then runs the sm_80 code in the simulator: plainly with threads and blocks in
/// forward, reverse and random order, with results in place of inputs where the plan offers it, and checked. Fails the
/// current test with the kernel's text on a wrong result, an element left unwritten, a write outside a result, results
/// that depend on the order, or anything that checked mode reports. Returns what the lint counted in the sm_80 code,
/// one entry a distinct function in order of the launches. `matmulTile`: how matrix products are cut up, chosen if
/// empty.
std::vector<cuda::PtxCounts> checkKernel(const KernelCase &kernel, const std::string &matmulTile = "");

/// Runs the case's sm_80 code in checked mode alone, once and once more with results in place of inputs where the plan
/// offers it: for many shapes of kernels that checkKernel judges in full at some. Fails the current test on a finding
/// or a wrong result.
void checkReports(const KernelCase &kernel);

} // namespace vlp::test
