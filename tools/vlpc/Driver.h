// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiler's command: from a model's name to a compiled file.
#pragma once

namespace vlp::tools {

/// Runs vlpc. Errors go to stderr as "error: ..."; returns 0, 1 (the user's mistake) or 2 (ours).
int runVlpc(int argc, char **argv);

} // namespace vlp::tools
