// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiles a model into one file that the runtime executes.
#include "tools/vlpc/Driver.h"

int main(int argc, char **argv) { return vlp::tools::runVlpc(argc, argv); }
