// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fills state tensors from their initialisers.
#pragma once

#include "runtime/cpu/ThreadPool.h"
#include "runtime/format/manifest.pb.h"

#include <cstddef>

namespace vlp {

/// Fills the bytes of `state` at `data`. Random values depend on (seed, name, element) alone.
void fillState(const format::StateTensor &state, std::byte *data, uint64_t seed, ThreadPool &pool);

} // namespace vlp
