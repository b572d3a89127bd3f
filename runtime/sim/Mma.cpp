// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mma.sync m16n8k16 bf16 and m16n8k8 tf32 with f32 accumulators. Most of the time of a simulated model goes here:
// fragments are decoded once a call, and accumulators stay in registers for all products of a call.
#include "runtime/sim/Mma.h"

#include <bit>
#include <immintrin.h>

namespace vlp::sim {

namespace {

constexpr uint32_t kRows = 16, kColumns = 8;

/// Fragment layouts: PTX ISA, "Matrix Fragments for mma.m16n8k16" and "mma.m16n8k8". Lane l is (group g = l / 4, member
/// t = l % 4). A: register r holds row g + 8 (r % 2), columns from `first(r)`; B: register r holds column g, rows from
/// `first(r)`.
struct BF16 {
  static constexpr uint32_t depth = 16;
  /// A is stored by rows: two neighbours in one word.
  static void decodeA(float *tile, uint32_t g, uint32_t t, const uint32_t *word) {
    for (uint32_t r = 0; r < 4; ++r) {
      float *to = tile + (g + 8 * (r & 1)) * depth + 2 * t + 8 * (r >> 1);
      to[0] = std::bit_cast<float>(word[r] << 16);
      to[1] = std::bit_cast<float>(word[r] & 0xffff0000u);
    }
  }
  static void decodeB(float *tile, uint32_t g, uint32_t t, const uint32_t *word) {
    for (uint32_t r = 0; r < 2; ++r) {
      float *to = tile + (2 * t + 8 * r) * kColumns + g;
      to[0] = std::bit_cast<float>(word[r] << 16);
      to[kColumns] = std::bit_cast<float>(word[r] & 0xffff0000u);
    }
  }
};

struct TF32 {
  static constexpr uint32_t depth = 8;
  /// The hardware ignores the low 13 bits.
  static float value(uint32_t word) { return std::bit_cast<float>(word & 0xffffe000u); }
  static void decodeA(float *tile, uint32_t g, uint32_t t, const uint32_t *word) {
    for (uint32_t r = 0; r < 4; ++r)
      tile[(g + 8 * (r & 1)) * depth + t + 4 * (r >> 1)] = value(word[r]);
  }
  static void decodeB(float *tile, uint32_t g, uint32_t t, const uint32_t *word) {
    for (uint32_t r = 0; r < 2; ++r)
      tile[(t + 4 * r) * kColumns + g] = value(word[r]);
  }
};

#define VLP_AVX2 __attribute__((target("avx2,fma")))

/// Words `first` and the next of four neighbouring lanes: eight columns of a row of the accumulator.
VLP_AVX2 inline __m256 gather(uint32_t *const *lanes, uint32_t first) {
  auto at = [&](uint32_t lane) { return reinterpret_cast<const __m64 *>(lanes[lane] + first); };
  __m128 low = _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), at(0)), at(1));
  __m128 high = _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), at(2)), at(3));
  return _mm256_set_m128(high, low);
}

VLP_AVX2 inline void scatter(uint32_t *const *lanes, uint32_t first, __m256 row) {
  auto at = [&](uint32_t lane) { return reinterpret_cast<__m64 *>(lanes[lane] + first); };
  __m128 low = _mm256_castps256_ps128(row), high = _mm256_extractf128_ps(row, 1);
  _mm_storel_pi(at(0), low);
  _mm_storeh_pi(at(1), low);
  _mm_storel_pi(at(2), high);
  _mm_storeh_pi(at(3), high);
}

/// Eight rows of accumulator `c`, the upper or the lower ones, over the steps [step, end), which all add to it.
template <typename Type>
VLP_AVX2 void multiplyHalf(const vlp_sim_step *step, const vlp_sim_step *end, const float *a, const float *b,
                           uint32_t *const *registers, uint32_t first, uint32_t half) {
  constexpr uint32_t depth = Type::depth;
  __m256 sum[8];
  for (uint32_t g = 0; g < 8; ++g)
    sum[g] = gather(registers + 4 * g, first + 2 * half);
  for (; step != end; ++step) {
    const float *left = a + step->a * kRows * depth + half * 8 * depth, *right = b + step->b * depth * kColumns;
    for (uint32_t k = 0; k < depth; ++k) {
      __m256 row = _mm256_load_ps(right + k * kColumns);
      for (uint32_t g = 0; g < 8; ++g)
        sum[g] = _mm256_fmadd_ps(_mm256_broadcast_ss(left + g * depth + k), row, sum[g]);
    }
  }
  for (uint32_t g = 0; g < 8; ++g)
    scatter(registers + 4 * g, first + 2 * half, sum[g]);
}

template <typename Type>
VLP_AVX2 void multiply(const vlp_sim_products &p, uint32_t *const *registers, float *a, float *b) {
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const uint32_t *word = registers[lane];
    uint32_t g = lane / 4, t = lane % 4;
    for (uint32_t i = 0; i < p.a_count; ++i, word += 4)
      Type::decodeA(a + i * kRows * Type::depth, g, t, word);
    for (uint32_t i = 0; i < p.b_count; ++i, word += 2)
      Type::decodeB(b + i * Type::depth * kColumns, g, t, word);
  }
  uint32_t accumulators = 4 * p.a_count + 2 * p.b_count;
  const vlp_sim_step *end = p.steps + p.step_count;
  for (const vlp_sim_step *step = p.steps, *next; step != end; step = next) {
    for (next = step; next != end && next->c == step->c; ++next)
      continue;
    for (uint32_t half = 0; half < 2; ++half)
      multiplyHalf<Type>(step, next, a, b, registers, accumulators + 4 * step->c, half);
  }
}

} // namespace

void multiplyTiles(const vlp_sim_products &products, uint32_t *const registers[32], std::vector<float> &scratch) {
  uint32_t depth = products.kind == VLP_SIM_BF16_K16 ? BF16::depth : TF32::depth;
  size_t aFloats = size_t(products.a_count) * kRows * depth, bFloats = size_t(products.b_count) * depth * kColumns;
  constexpr size_t line = 64 / sizeof(float);
  if (scratch.size() < aFloats + bFloats + line)
    scratch.resize(aFloats + bFloats + line);
  auto *a = reinterpret_cast<float *>((reinterpret_cast<uintptr_t>(scratch.data()) + 63) / 64 * 64);
  if (products.kind == VLP_SIM_BF16_K16)
    multiply<BF16>(products, registers, a, a + aFloats);
  else
    multiply<TF32>(products, registers, a, a + aFloats);
}

} // namespace vlp::sim
