// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Intrinsics of single threads and of warps, each against its definition in the PTX ISA or the CUDA programming guide.
#include "test/passes/Sim/SimKernel.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;

namespace {

/// The values that `body` leaves in %r (i32), one a thread.
Words eachThread(std::string body, uint32_t threads = 32, uint32_t blocks = 1, std::vector<Words> inputs = {},
                 uint32_t shared = 0) {
  body += "  %at = mul i32 %b, " + std::to_string(threads) + "\n  %index = add i32 %at, %t\n" +
          wordOf("place", "out", "%index") + "  store i32 %r, ptr1 %place\n";
  return runEverywhere({body, threads, blocks, shared, std::move(inputs), threads * blocks});
}

TEST(Intrinsics, SpecialRegisters) {
  Words result = eachThread(R"(
  %n = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %m = call i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()
  %x = mul i32 %b, 1000000
  %y = mul i32 %n, 1000
  %z = add i32 %x, %y
  %w = mul i32 %m, 100000000
  %v = add i32 %z, %w
  %r = add i32 %v, %t
)",
                            /*threads=*/96, /*blocks=*/5);
  for (uint32_t i = 0; i < 96 * 5; ++i)
    EXPECT_EQ(result[i], 500000000 + i / 96 * 1000000 + 96000 + i % 96);
}

// CUDA programming guide, "Warp Shuffle Functions", for segments of `width` lanes.
int shuffleSource(const std::string &mode, int lane, int operand, int width) {
  int base = lane / width * width, within = lane % width;
  if (mode == "up")
    return within >= operand ? lane - operand : lane;
  if (mode == "down")
    return within + operand < width ? lane + operand : lane;
  if (mode == "bfly")
    return (lane ^ operand) < base + width ? lane ^ operand : lane; // earlier segments may be read
  return base + operand % width;
}

TEST(Intrinsics, EveryShuffle) {
  for (std::string mode : {"up", "down", "bfly", "idx"})
    for (int operand : {0, 1, 3, 7, 16, 31})
      for (int width : {32, 16, 8, 2}) {
        SCOPED_TRACE(mode + " " + std::to_string(operand) + " of " + std::to_string(width));
        int bounds = (32 - width) << 8 | (mode == "up" ? 0 : 31);
        Words result =
            eachThread(with(R"(
  %v = mul i32 %t, 77
  %r = call i32 @llvm.nvvm.shfl.sync.MODE.i32(i32 -1, i32 %v, i32 OPERAND, i32 BOUNDS)
)",
                            {{"MODE", mode}, {"OPERAND", std::to_string(operand)}, {"BOUNDS", std::to_string(bounds)}}),
                       /*threads=*/64);
        for (int t = 0; t < 64; ++t)
          EXPECT_EQ(result[t], uint32_t(77 * (t / 32 * 32 + shuffleSource(mode, t % 32, operand, width)))) << t;
      }
}

TEST(Intrinsics, ShufflesOfFloatsKeepEveryBit) {
  Words payload(32);
  for (uint32_t i = 0; i < 32; ++i)
    payload[i] = 0x7f800001 + 0x01010101 * i; // signalling NaN among them
  for (std::string mode : {"up", "down", "bfly", "idx"}) {
    Words result = eachThread(wordOf("p", "in0", "%t") + with(R"(
  %x = load float, ptr1 %p
  %y = call float @llvm.nvvm.shfl.sync.MODE.f32(i32 -1, float %x, i32 5, i32 BOUNDS)
  %r = bitcast float %y to i32
)",
                                                              {{"MODE", mode}, {"BOUNDS", mode == "up" ? "0" : "31"}}),
                              32, 1, {payload});
    for (int t = 0; t < 32; ++t)
      EXPECT_EQ(result[t], payload[shuffleSource(mode, t, 5, 32)]);
  }
}

TEST(Intrinsics, EachLaneMayNameAnotherSource) {
  Words result = eachThread(R"(
  %x = mul i32 %t, 13
  %source = and i32 %x, 31
  %r = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %t, i32 %source, i32 31)
)");
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(result[t], t * 13 % 32);
}

TEST(Intrinsics, HalvesOfAWarpShuffleOnTheirOwn) {
  Words result = eachThread(R"(
  %low = icmp ult i32 %t, 16
  br i1 %low, label %first, label %second
first:
  %x = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 65535, i32 %t, i32 1, i32 31)
  br label %join
second:
  %y = call i32 @llvm.nvvm.shfl.sync.up.i32(i32 -65536, i32 %t, i32 2, i32 4096)
  br label %join
join:
  %r = phi i32 [%x, %first], [%y, %second]
)");
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(result[t], t < 16 ? t ^ 1 : t < 18 ? t : t - 2);
}

TEST(Intrinsics, BarrierOrdersABlock) {
  // Every thread reads what the thread opposite has written; three times, so that reads and writes alternate.
  std::string body = sharedAt("own", "%mine") + sharedAt("other", "%theirs");
  body = "  %mine = shl i32 %t, 2\n  %o = sub i32 159, %t\n  %theirs = shl i32 %o, 2\n" + body;
  std::string value = "%t";
  for (std::string i : {"0", "1", "2"}) {
    body += "  store i32 " + value + ", ptr3 %own\n  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n  %x" +
            i + " = load i32, ptr3 %other\n  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n  %y" + i +
            " = mul i32 %x" + i + ", 3\n";
    value = "%y" + i;
  }
  Words result =
      eachThread(body + "  %r = add i32 " + value + ", 0\n", /*threads=*/160, /*blocks=*/3, {}, /*shared=*/640);
  for (uint32_t i = 0; i < 480; ++i)
    EXPECT_EQ(result[i], 27 * (159 - i % 160));
}

TEST(Intrinsics, WarpBarrierOrdersAWarp) {
  Words result = eachThread("  %mine = shl i32 %t, 2\n  %o = xor i32 %t, 9\n  %theirs = shl i32 %o, 2\n" +
                                sharedAt("own", "%mine") + sharedAt("other", "%theirs") + R"(
  store i32 %t, ptr3 %own
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %x = load i32, ptr3 %other
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  store i32 %x, ptr3 %own
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %r = load i32, ptr3 %other
)",
                            64, 1, {}, 256);
  for (uint32_t t = 0; t < 64; ++t)
    EXPECT_EQ(result[t], t);
}

/// Values whose rounding is delicate: every exponent, mantissas around the ties of both formats.
Words delicateFloats() {
  Words values;
  for (uint32_t exponent = 0; exponent < 256; ++exponent)
    for (uint32_t mantissa :
         {0u,      1u,       0xfffu,   0x1000u,  0x1001u,   0x2fffu,   0x3000u,   0x3001u,   0x7fffu,   0x8000u,
          0x8001u, 0x18000u, 0x17fffu, 0x28000u, 0x7f7fffu, 0x7f8000u, 0x7fefffu, 0x7ff000u, 0x7fffffu, 0x555555u})
      for (uint32_t sign : {0u, 0x80000000u})
        values.push_back(sign | exponent << 23 | mantissa);
  while (values.size() % 32)
    values.push_back(0);
  return values;
}

/// `x` with the low `dropped` bits rounded off, by comparing it with its two neighbours.
uint32_t rounded(uint32_t x, int dropped, bool tiesToEven) {
  uint32_t below = x >> dropped << dropped, above = below + (1u << dropped);
  double value = asFloat(x), low = asFloat(below),
         high = std::isinf(asFloat(above)) ? std::ldexp(1.0, 128) : double(asFloat(above));
  if (std::signbit(asFloat(x)) && std::isinf(asFloat(above)))
    high = -high;
  double down = std::fabs(value - low), up = std::fabs(high - value);
  if (down != up)
    return down < up ? below : above;
  return tiesToEven && (below >> dropped & 1) == 0 ? below : above;
}

TEST(Intrinsics, RoundingToBF16) {
  Words values = delicateFloats();
  uint32_t blocks = values.size() / 32;
  Words result = eachThread("  %base = mul i32 %b, 32\n  %i = add i32 %base, %t\n" + wordOf("p", "in0", "%i") + R"(
  %x = load float, ptr1 %p
  %h = fptrunc float %x to bfloat
  %s = bitcast bfloat %h to i16
  %z = zext i16 %s to i32
  %wide = fpext bfloat %h to float
  %w = bitcast float %wide to i32
  %r = or i32 %z, %w
)",
                            32, blocks, {values});
  for (size_t i = 0; i < values.size(); ++i) {
    float x = asFloat(values[i]);
    uint32_t expected = std::isnan(x) ? 0x7fff0000 : std::isinf(x) ? values[i] : rounded(values[i], 16, true);
    EXPECT_EQ(result[i] & 0xffff0000, expected) << std::hex << values[i];
    EXPECT_EQ(result[i] & 0xffff, expected >> 16) << std::hex << values[i];
  }
}

TEST(Intrinsics, RoundingPairsToBF16) {
  Words result = eachThread(R"(
  %x = sitofp i32 %t to float
  %y = fmul float %x, 0x3FF0204080000000
  %v = insertelement <2 x float> poison, float %x, i32 0
  %w = insertelement <2 x float> %v, float %y, i32 1
  %h = fptrunc <2 x float> %w to <2 x bfloat>
  %r = bitcast <2 x bfloat> %h to i32
)");
  for (uint32_t t = 0; t < 32; ++t) {
    float y = float(t) * float(std::bit_cast<double>(0x3FF0204080000000));
    EXPECT_EQ(result[t], rounded(bits(float(t)), 16, true) >> 16 | (rounded(bits(y), 16, true) & 0xffff0000));
  }
}

TEST(Intrinsics, RoundingToTF32) {
  Words values = delicateFloats();
  Words result = eachThread("  %base = mul i32 %b, 32\n  %i = add i32 %base, %t\n" + wordOf("p", "in0", "%i") + R"(
  %x = load float, ptr1 %p
  %r = call i32 @llvm.nvvm.f2tf32.rna(float %x)
)",
                            32, values.size() / 32, {values});
  for (size_t i = 0; i < values.size(); ++i) {
    float x = asFloat(values[i]);
    if (std::isnan(x))
      EXPECT_TRUE(std::isnan(asFloat(result[i] & 0xffffe000))) << std::hex << values[i];
    else
      EXPECT_EQ(result[i], std::isinf(x) ? values[i] : rounded(values[i], 13, false)) << std::hex << values[i];
  }
}

class PowersOfTwo : public testing::TestWithParam<bool> {};

TEST_P(PowersOfTwo, ToTheHardwaresError) {
  bool flushes = GetParam();
  Words values;
  for (int i = -1600; i <= 1360; ++i) // to -160 and 136: subnormal results, none, infinity
    values.push_back(bits(float(i) / 10));
  for (float x : {INFINITY, -INFINITY, NAN, -0.0f, 1e30f, -1e30f})
    values.push_back(bits(x));
  while (values.size() % 32)
    values.push_back(0);
  Words result = eachThread("  %base = mul i32 %b, 32\n  %i = add i32 %base, %t\n" + wordOf("p", "in0", "%i") + R"(
  %x = load float, ptr1 %p
  %y = call float @llvm.nvvm.ex2.approx)" +
                                (flushes ? ".ftz" : "") + R"(.f32(float %x)
  %r = bitcast float %y to i32
)",
                            32, values.size() / 32, {values});
  for (size_t i = 0; i < values.size(); ++i) {
    double exact = std::exp2(double(asFloat(values[i])));
    float got = asFloat(result[i]);
    if (std::isnan(exact))
      EXPECT_TRUE(std::isnan(got));
    else if (exact > std::ldexp(1.0, 128) * (1 - 0x1p-24))
      EXPECT_EQ(got, INFINITY) << asFloat(values[i]);
    else if (flushes && exact < 0x1p-126 * (1 - 0x1p-22))
      EXPECT_EQ(bits(got), 0u) << asFloat(values[i]);
    else // 2^-22, as PTX promises, or half the smallest subnormal number
      EXPECT_LE(std::fabs(got - exact), std::max(exact * 0x1p-22, 0x1p-149)) << asFloat(values[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Intrinsics, PowersOfTwo, testing::Bool());

TEST(Intrinsics, FusedAndRoundedArithmetic) {
  Words result = eachThread(R"(
  %x = sitofp i32 %t to float
  %y = fadd float %x, 0x3FB99999A0000000
  %f = call float @llvm.fma.f32(float %y, float %y, float %x)
  %q = fdiv float %f, 3.0
  %s = call float @llvm.sqrt.f32(float %q)
  %r = bitcast float %s to i32
)");
  for (uint32_t t = 0; t < 32; ++t) {
    float y = float(t) + 0.1f;
    EXPECT_EQ(result[t], bits(std::sqrt(std::fma(y, y, float(t)) / 3.0f)));
  }
}

} // namespace
