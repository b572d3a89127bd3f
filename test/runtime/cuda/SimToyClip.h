// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The toy CLIP of test/runtime/train/ToyClip.h with code for the processor and for the simulator, which give equal
// bits.
#pragma once

#include "test/runtime/train/ToyClip.h"

namespace vlp::test {

/// Writes the file; `edit` may change its manifest, whose programs are that of the processor and that of the simulator.
void writeSimToyClip(const std::string &path, const std::function<void(format::Manifest &)> &edit = {});

} // namespace vlp::test
