// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a session's entries on a GPU, real or simulated.
#pragma once

#include "runtime/core/DeviceName.h"
#include "runtime/core/Executor.h"
#include "runtime/cuda/DeviceCode.h"

namespace vlp::cuda {

/// Memory and streams for all entries of `loaded`, whose code is `code`.
Expected<std::unique_ptr<Executor>> makeCudaExecutor(const LoadedProgram &loaded, const DeviceCode &code,
                                                     const DeviceName &name, const DeviceOptions &options);

} // namespace vlp::cuda
