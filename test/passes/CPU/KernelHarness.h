// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiles one kernel region for the CPU, runs it on random data in several schedules, and compares it with the
// interpreter.
#pragma once

#include "test/passes/Kernels/KernelCase.h"

namespace vlp::test {

/// Runs the case for every chip that this machine can run. Fails the current test with the kernel's text on a wrong
/// result, an element left unwritten, a write outside a result, or results that depend on how the tasks were split.
void checkKernel(const KernelCase &kernel);

} // namespace vlp::test
