// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that resampling is bit-equal to Pillow 9.4: the expected hashes were made with it from the same pattern
// pictures.
#include "runtime/data/Resize.h"
#include "runtime/core/Sha256.h"
#include "test/runtime/data/TestImages.h"

using namespace vlp::data;
using namespace vlp::data::testing;

static std::string hashOf(ByteView bytes) {
  return vlp::sha256Hex({reinterpret_cast<const char *>(bytes.data()), bytes.size()}).substr(0, 16);
}

namespace {
struct Case {
  int width, height, channels;
  Box box;
  Filter filter;
  int outWidth, outHeight;
  const char *hash;
};
} // namespace

TEST(Resize, EqualsPillow) {
  const Case cases[] = {
      {7, 5, 3, {0, 0, 7, 5}, Filter::Bicubic, 4, 3, "8d7931372cdc2eee"},
      {7, 5, 3, {0, 0, 7, 5}, Filter::Bicubic, 13, 11, "c94b8fce185c90b8"},
      {64, 48, 3, {0, 0, 64, 48}, Filter::Bicubic, 17, 16, "1f1a5b9299785dcf"},
      {64, 48, 3, {0, 0, 64, 48}, Filter::Bicubic, 17, 48, "e21a0286e6cf34b9"},
      {64, 48, 3, {0, 0, 64, 48}, Filter::Bicubic, 64, 9, "08154a322f6cb7eb"},
      {64, 64, 3, {3, 5, 50, 61}, Filter::Bicubic, 56, 56, "06c52be337d96169"},
      {64, 64, 3, {3.5, 5.25, 50, 61.75}, Filter::Bicubic, 56, 56, "49c8ea4d1496da0a"},
      {136, 128, 3, {0, 0, 136, 128}, Filter::Bicubic, 64, 60, "a582b1563f2a567e"},
      {100, 30, 3, {0, 0, 100, 30}, Filter::Box, 10, 3, "83de9ee9a9a96f83"},
      {100, 30, 3, {0, 0, 100, 30}, Filter::Box, 7, 5, "fdde78aa53afc0d4"},
      {1, 1, 3, {0, 0, 1, 1}, Filter::Bicubic, 5, 5, "643943e18c5d5102"},
      {5, 1, 3, {0, 0, 5, 1}, Filter::Box, 1, 7, "ce125dfb6aa0e52b"},
  };
  for (const Case &c : cases) {
    Image image = patternImage(c.width, c.height);
    Bytes result(size_t(c.outWidth) * c.outHeight * 3);
    resizePixels(image.rgb.data(), c.width, c.height, 3, c.box, c.filter, result.data(), c.outWidth, c.outHeight);
    EXPECT_EQ(hashOf(result), c.hash) << c.width << "x" << c.height << " to " << c.outWidth << "x" << c.outHeight;
  }
}

TEST(Resize, EqualsPillowInNumbers) {
  Bytes expected = {22, 123, 203, 89, 190, 56};
  EXPECT_EQ(resize(patternImage(4, 1), 2, 1, Filter::Bicubic).rgb, expected);
}

TEST(Resize, TransparencyIsPremultipliedAsInPillow) {
  EXPECT_EQ(hashOf(resize(patternRgba(136, 128), 64, 60, Filter::Bicubic).rgba), "0c0b399504f225b9");
  EXPECT_EQ(hashOf(resize(patternRgba(40, 33), 9, 8, Filter::Box).rgba), "316c9872a2035bf3");
}

TEST(Resize, LetterboxEqualsPillow) {
  const std::tuple<int, int, int, const char *> cases[] = {
      {136, 128, 64, "0fc8714d272a7f37"}, {64, 64, 64, "0af63dbba068a63f"}, {300, 20, 64, "3c93acb7ad2a7c9a"},
      {3, 9, 64, "f108e8b5e313e2c0"},     {5, 5, 1, "2de4f472a8f4499d"},    {33, 31, 7, "acc5c09f0eac6179"},
      {513, 2, 64, "4037cd6b858ab54b"}};
  for (auto [width, height, side, hash] : cases)
    EXPECT_EQ(hashOf(letterbox(patternRgba(width, height), side).rgb), hash)
        << width << "x" << height << " into " << side;
}
