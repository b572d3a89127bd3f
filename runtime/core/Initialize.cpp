// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Initialisers: constants, and normal and uniform draws computed in double and rounded once.
#include "runtime/core/Initialize.h"

#include "runtime/core/Philox.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vlp {

std::array<double, 2> normalPair(uint64_t seed, uint64_t stream, uint64_t pair) {
  auto [first, second] = uniformPair(seed, stream, pair);
  double radius = std::sqrt(-2.0 * std::log(first)), angle = 2.0 * std::numbers::pi * second;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

namespace {

/// Elements that one task draws; even, since draws come in pairs.
constexpr uint64_t kChunk = 4096;

struct Filling {
  format::Initializer::Kind kind;
  double a, b;
  float *values;
  uint64_t count, seed, stream;
};

void fillChunks(void *context, int64_t begin, int64_t end, unsigned) {
  const Filling &fill = *static_cast<const Filling *>(context);
  uint64_t last = std::min(fill.count, uint64_t(end) * kChunk);
  for (uint64_t i = uint64_t(begin) * kChunk; i < last; i += 2) {
    std::array<double, 2> drawn;
    if (fill.kind == format::Initializer::NORMAL) {
      drawn = normalPair(fill.seed, fill.stream, i / 2);
      drawn = {fill.a + fill.b * drawn[0], fill.a + fill.b * drawn[1]};
    } else {
      drawn = uniformPair(fill.seed, fill.stream, i / 2);
      drawn = {fill.a + (fill.b - fill.a) * drawn[0], fill.a + (fill.b - fill.a) * drawn[1]};
    }
    fill.values[i] = float(drawn[0]);
    if (i + 1 < last)
      fill.values[i + 1] = float(drawn[1]);
  }
}

} // namespace

void fillState(const format::StateTensor &state, std::byte *data, uint64_t seed, ThreadPool &pool) {
  const format::Initializer &init = state.init();
  uint64_t count = state.tensor().slot().size() / 4;
  if (state.tensor().dtype() == format::I32) {
    std::fill_n(reinterpret_cast<int32_t *>(data), count, int32_t(init.a()));
  } else if (init.kind() == format::Initializer::CONSTANT) {
    std::fill_n(reinterpret_cast<float *>(data), count, float(init.a()));
  } else {
    const std::string &stream = state.twin_of().empty() ? state.tensor().name() : state.twin_of();
    Filling fill{init.kind(), init.a(), init.b(), reinterpret_cast<float *>(data), count, seed, fnv1a64(stream)};
    pool.run(int64_t((count + kChunk - 1) / kChunk), fillChunks, &fill);
  }
}

} // namespace vlp
