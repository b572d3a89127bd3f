// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The draws of initialisers.
#pragma once

#include "runtime/format/Philox.h"

#include <string_view>

namespace vlp {

/// FNV-1a with 64 bits: the stream of a tensor is keyed by the hash of its name.
inline uint64_t fnv1a64(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : text)
    hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  return hash;
}

/// Two uniform doubles in (0, 1) for elements 2 * pair and 2 * pair + 1 of the stream, 53 bits each.
inline std::array<double, 2> uniformPair(uint64_t seed, uint64_t stream, uint64_t pair) {
  auto words = philox4x32({uint32_t(pair), uint32_t(pair >> 32), uint32_t(stream), uint32_t(stream >> 32)},
                          {uint32_t(seed), uint32_t(seed >> 32)});
  auto toUnit = [](uint32_t high, uint32_t low) {
    return (double((uint64_t(high) << 32 | low) >> 11) + 0.5) * 0x1p-53;
  };
  return {toUnit(words[0], words[1]), toUnit(words[2], words[3])};
}

/// Two standard normal doubles for the same elements, by Box-Muller.
std::array<double, 2> normalPair(uint64_t seed, uint64_t stream, uint64_t pair);

} // namespace vlp
