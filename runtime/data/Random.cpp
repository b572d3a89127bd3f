// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ten rounds of Philox 4x32 and their use for draws.
#include "runtime/data/Random.h"

namespace vlp::data {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * counter[0];
    uint64_t p1 = uint64_t(0xCD9E8D57) * counter[2];
    counter = {uint32_t(p1 >> 32) ^ counter[1] ^ key[0], uint32_t(p1), uint32_t(p0 >> 32) ^ counter[3] ^ key[1],
               uint32_t(p0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

uint32_t Draws::word() {
  if (drawn % 4 == 0) {
    uint32_t tag = uint32_t(purpose) << 24 | (drawn / 4 & 0xffffff);
    block = philox({uint32_t(step), uint32_t(step >> 32), row, tag}, {uint32_t(seed), uint32_t(seed >> 32)});
  }
  return block[drawn++ % 4];
}

} // namespace vlp::data
