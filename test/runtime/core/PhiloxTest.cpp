// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the random generator against Random123's known answers, and its normal and uniform draws by their moments.
#include "runtime/core/Philox.h"
#include "runtime/core/Initialize.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

using namespace vlp;
using Words = std::array<uint32_t, 4>;

// Random123 1.14, tests/kat_vectors, philox4x32 with 10 rounds.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// The published vectors of FNV-1a with 64 bits.
TEST(Philox, HashOfNames) {
  EXPECT_EQ(fnv1a64(""), 0xcbf29ce484222325u);
  EXPECT_EQ(fnv1a64("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(fnv1a64("foobar"), 0x85944171f73967e8u);
}

static format::StateTensor makeState(const std::string &name, format::Initializer::Kind kind, double a, double b,
                                     uint64_t count) {
  format::StateTensor state;
  state.mutable_tensor()->set_name(name);
  state.mutable_tensor()->mutable_slot()->set_size(count * 4);
  state.mutable_init()->set_kind(kind);
  state.mutable_init()->set_a(a);
  state.mutable_init()->set_b(b);
  return state;
}

static std::vector<float> fill(const format::StateTensor &state, uint64_t seed, unsigned threads) {
  std::vector<float> values(state.tensor().slot().size() / 4);
  ThreadPool pool(threads);
  fillState(state, reinterpret_cast<std::byte *>(values.data()), seed, pool);
  return values;
}

TEST(Initialize, MomentsOfTheDraws) {
  constexpr size_t count = 100001;
  auto normal = fill(makeState("n", format::Initializer::NORMAL, 2, 3, count), 1, 2);
  auto uniform = fill(makeState("u", format::Initializer::UNIFORM, -1, 3, count), 1, 2);
  double sum = 0, square = 0, cube = 0, uniformSum = 0, uniformSquare = 0;
  for (size_t i = 0; i < count; ++i) {
    double z = (double(normal[i]) - 2) / 3, u = uniform[i];
    sum += z;
    square += z * z;
    cube += z * z * z;
    ASSERT_GE(u, -1);
    ASSERT_LE(u, 3);
    uniformSum += u;
    uniformSquare += (u - 1) * (u - 1);
  }
  // Five standard errors of 100,001 draws.
  EXPECT_NEAR(sum / count, 0, 0.016);
  EXPECT_NEAR(square / count, 1, 0.023);
  EXPECT_NEAR(cube / count, 0, 0.062);
  EXPECT_NEAR(uniformSum / count, 1, 0.019);
  EXPECT_NEAR(uniformSquare / count, 16.0 / 12, 0.02);
}

// Values depend on (seed, name, element) alone: not on threads, nor on how many elements there are.
TEST(Initialize, DependsOnSeedNameAndElementOnly) {
  auto state = makeState("w", format::Initializer::NORMAL, 0, 1, 20001);
  auto values = fill(state, 7, 1);
  EXPECT_EQ(values, fill(state, 7, 2));
  EXPECT_EQ(values, fill(state, 7, 5));
  EXPECT_NE(values, fill(state, 8, 1));
  EXPECT_NE(values, fill(state, 7 + (uint64_t(1) << 32), 1));
  EXPECT_NE(values, fill(makeState("v", format::Initializer::NORMAL, 0, 1, 20001), 7, 1));
  auto shorter = fill(makeState("w", format::Initializer::NORMAL, 0, 1, 5), 7, 1);
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), values.begin()));
  EXPECT_TRUE(fill(makeState("w", format::Initializer::NORMAL, 0, 1, 0), 7, 2).empty());
}

// Fixed for good: a seed named in a paper or a test must mean the same weights in every later version.
TEST(Initialize, FirstDrawsNeverChange) {
  auto pair = uniformPair(0, 0, 0);
  EXPECT_DOUBLE_EQ(pair[0], (double(0x6627e8d5e169c58dull >> 11) + 0.5) * 0x1p-53);
  EXPECT_DOUBLE_EQ(pair[1], (double(0xbc57ac4c9b00dbd8ull >> 11) + 0.5) * 0x1p-53);
  auto normal = normalPair(0, 0, 0);
  EXPECT_DOUBLE_EQ(std::hypot(normal[0], normal[1]), std::sqrt(-2 * std::log(pair[0])));
}
