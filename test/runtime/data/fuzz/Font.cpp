// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// libFuzzer program for vlp::data::testing::fuzzFont.
#include "test/runtime/data/fuzz/FuzzEntries.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vlp::data::testing::fuzzFont(data, size);
  return 0;
}
