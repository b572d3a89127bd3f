// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Philox 4x32-10 (Salmon et al., 2011): random numbers as a function of a key and a counter, so that any step can be
// replayed.
#pragma once

#include <array>
#include <cstdint>

namespace vlp::data {

/// The block of four words for this key and counter.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// The draws that belong to (seed, step, row, purpose), in order; they repeat after 2^26.
class Draws {
public:
  Draws(uint64_t seed, uint64_t step, uint32_t row, uint8_t purpose)
      : seed(seed), step(step), row(row), purpose(purpose) {}
  uint32_t word();
  /// Uniform in [0, 1).
  double uniform() { return word() * 0x1p-32; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in [0, bound), bound > 0.
  uint32_t below(uint32_t bound) { return uint32_t((uint64_t(word()) * bound) >> 32); }

private:
  uint64_t seed, step;
  uint32_t row;
  uint8_t purpose;
  uint32_t drawn = 0;
  std::array<uint32_t, 4> block{};
};

} // namespace vlp::data
