// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Inputs for entries of any model.
#pragma once

#include "tools/vlp-check/Device.h"

namespace vlp::tools {

/// Values for all arguments of `entry`: floats are normally distributed; integers lie in [0, bound), where the bound
/// follows from what they index (table rows, classes, sequence positions) or, flags, from what they are compared with,
/// else it is half their number, so that some are equal. The same seed gives the same values. All floats are exact in f32.
Arrays<double> makeRandomInputs(mlir::func::FuncOp entry, uint64_t seed);

} // namespace vlp::tools
