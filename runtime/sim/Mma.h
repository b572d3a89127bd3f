// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The arithmetic of the tensor cores.
#pragma once

#include "runtime/format/SimABI.h"

#include <vector>

namespace vlp::sim {

/// The products of one call, for a warp; `registers` holds each lane's array. Products are exact, sums in f32 by
/// ascending k, each rounded to nearest: a GPU's own order and rounding are not documented. `scratch` grows as needed.
void multiplyTiles(const vlp_sim_products &products, uint32_t *const registers[32], std::vector<float> &scratch);

} // namespace vlp::sim
