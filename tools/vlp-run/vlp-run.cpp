// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run: trains, evaluates and uses models that vlpc compiled.
#include "tools/vlp-run/CommandLine.h"

int main(int argc, char **argv) { return vlp::run::runCommandLine(argc, argv); }
