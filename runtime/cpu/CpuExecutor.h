// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a session's entries on the processor.
#pragma once

#include "runtime/core/Executor.h"
#include "runtime/cpu/CpuEntry.h"

namespace vlp {

/// Memory for all entries of `loaded`, whose kernels are `kernels`, to run on `pool`.
Expected<std::unique_ptr<Executor>> makeCpuExecutor(const LoadedProgram &loaded,
                                                    std::span<const vlp_cpu_kernel> kernels, ThreadPool &pool,
                                                    const DeviceOptions &options);

} // namespace vlp
