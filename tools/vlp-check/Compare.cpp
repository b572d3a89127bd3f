// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/vlp-check/Compare.h"
int vlp::tools::compareModel(const CompareRequest &request, llvm::raw_ostream &out) { return 2; }
