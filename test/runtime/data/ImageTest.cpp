// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards picture decoding: right pixels for sound files, a status for every truncated, damaged or oversized one.
#include "test/runtime/data/TestImages.h"

#include <cstring>

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

TEST(Image, PngRoundTrip) {
  for (auto [width, height] : {std::pair(1, 1), {7, 5}, {64, 64}}) {
    Image image = patternImage(width, height);
    Expected<Bytes> png = encodePng(image);
    ASSERT_TRUE(png) << png.status().message();
    Expected<Image> back = decodeImage(*png, "a.png");
    ASSERT_TRUE(back) << back.status().message();
    EXPECT_EQ(back->width, width);
    EXPECT_EQ(back->rgb, image.rgb);
  }
}

TEST(Image, CompositesLikePillow) {
  RgbaImage image{5, 1, {10, 20, 30, 0, 10, 20, 30, 128, 200, 100, 0, 255, 0, 0, 0, 1, 255, 0, 3, 77}};
  Bytes expected = {255, 255, 255, 132, 137, 142, 200, 100, 0, 254, 254, 254, 255, 178, 179};
  EXPECT_EQ(compositeOnWhite(image).rgb, expected);
}

TEST(Image, JpegIsCloseToWhatWasEncoded) {
  Image image{32, 24, Bytes(32 * 24 * 3, 0)};
  for (size_t i = 0; i < image.rgb.size(); ++i)
    image.rgb[i] = i % 3 == 0 ? 200 : 40;
  Expected<Image> back = decodeImage(encodeJpeg(image), "a.jpg");
  ASSERT_TRUE(back) << back.status().message();
  ASSERT_EQ(back->rgb.size(), image.rgb.size());
  for (size_t i = 0; i < image.rgb.size(); ++i)
    EXPECT_NEAR(back->rgb[i], image.rgb[i], 4);
}

static void expectEveryTruncationFails(const Bytes &bytes, size_t step) {
  for (size_t length = 0; length + 12 < bytes.size(); length += step) {
    Expected<Image> image = decodeImage(ByteView(bytes).first(length), "cut.img");
    ASSERT_FALSE(image) << "cut at " << length << " of " << bytes.size();
    EXPECT_TRUE(image.status().message().starts_with("cut.img: ")) << image.status().message();
  }
}

TEST(Image, TruncatedPngFails) { expectEveryTruncationFails(*encodePng(patternImage(9, 7)), 1); }

TEST(Image, TruncatedJpegFails) { expectEveryTruncationFails(encodeJpeg(patternImage(48, 40)), 3); }

TEST(Image, OtherFilesAreNotPictures) {
  Bytes text = {'G', 'I', 'F', '8', '9', 'a'};
  EXPECT_NE(decodeImage(text, "x").status().message().find("neither a PNG nor a JPEG"), std::string::npos);
  EXPECT_NE(decodeImage({}, "x").status().message().find("empty"), std::string::npos);
}

/// A PNG whose header claims 60,000 x 60,000 pixels must be refused before memory is taken.
TEST(Image, BombsAreRefused) {
  Bytes png = *encodePng(patternImage(4, 4));
  auto crcOf = [](const uint8_t *bytes, size_t size) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; ++i) {
      crc ^= bytes[i];
      for (int bit = 0; bit < 8; ++bit)
        crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
  };
  auto put32 = [&](size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i)
      png[at + i] = uint8_t(value >> (24 - 8 * i));
  };
  put32(16, 60000);
  put32(20, 60000);
  put32(29, crcOf(&png[12], 17));
  Expected<Image> image = decodeImage(png, "bomb.png");
  ASSERT_FALSE(image);
  EXPECT_NE(image.status().message().find("60000 x 60000"), std::string::npos) << image.status().message();
}

TEST(Image, EncodingRefusesWrongSizes) {
  EXPECT_FALSE(encodePng(Image{}));
  EXPECT_FALSE(encodePng(Image{2, 2, Bytes(3)}));
}
