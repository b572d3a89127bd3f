// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The command line of vlp-run.
#pragma once

namespace vlp::run {

/// Parses the arguments and runs the command. Returns the exit code: 0; 1 for the user's mistakes; 2 for ours; 130 when
/// interrupted.
int runCommandLine(int argc, const char *const *argv);

} // namespace vlp::run
