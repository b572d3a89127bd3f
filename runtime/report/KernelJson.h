// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernel report for programs.
#pragma once

#include "runtime/format/manifest.pb.h"

#include <string>

namespace vlp::report {

/// What describeKernels says, as JSON: entries, their kernels, and the boards whose roofs are given.
std::string kernelsJson(const format::Program &program, const std::string &path);

} // namespace vlp::report
