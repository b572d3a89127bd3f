// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), and the draws of initialisers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vlp {

/// The four random words that belong to (counter, key).
inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (unsigned round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t(0xD2511F53) * counter[0];
    uint64_t product1 = uint64_t(0xCD9E8D57) * counter[2];
    counter = {uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

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
