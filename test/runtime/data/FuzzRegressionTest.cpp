// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs every fuzz entry over truncations and bit flips of small valid inputs: nothing may crash, hang or read out of
// range (the sanitizer builds see the latter).
#include "test/runtime/data/Shapes.h"
#include "test/runtime/data/TestImages.h"
#include "test/runtime/data/TinyFont.h"
#include "test/runtime/data/fuzz/FuzzEntries.h"

using namespace vlp::data;
using namespace vlp::data::testing;

using Entry = void (*)(const uint8_t *, size_t);

/// Copies into a vector of just that size, so that the address sanitizer sees the ends.
static void feed(Entry entry, const Bytes &bytes) {
  Bytes exact(bytes);
  exact.shrink_to_fit();
  entry(exact.data(), exact.size());
}

static void exercise(Entry entry, const Bytes &valid, size_t stride = 1) {
  feed(entry, valid);
  for (size_t length = 0; length < valid.size(); length += stride)
    feed(entry, Bytes(valid.begin(), valid.begin() + ptrdiff_t(length)));
  for (size_t at = 0; at < valid.size(); at += stride)
    for (uint8_t mask : {0x01, 0x80, 0xff}) {
      Bytes damaged = valid;
      damaged[at] ^= mask;
      feed(entry, damaged);
    }
}

static void exercise(Entry entry, std::string_view text) { exercise(entry, Bytes(text.begin(), text.end())); }

TEST(FuzzRegression, Font) {
  TinyFont font;
  font.characters = {{0x1F600, 3}, {0x1F3FB, 5}};
  font.ligatures = {{{3, 5}, 7}};
  font.bitmaps[3] = Bytes(20, 1);
  for (bool variant : {false, true}) {
    font.extension = font.rangeCoverage = variant;
    exercise(fuzzFont, font.build(), 2);
  }
}

TEST(FuzzRegression, Dataset) {
  ScratchDirectory dir;
  DatasetInfo info;
  info.kind = "emoji";
  info.side = 1;
  auto writer = DatasetWriter::create(dir.path(), info);
  for (const char *name : {"woman artist", "dog"}) {
    Item item;
    item.captions = {name};
    ASSERT_TRUE((*writer)->add(item, Bytes(3)).isOk());
  }
  ASSERT_TRUE((*writer)->finish().isOk());
  Bytes bytes = *readFile(dir / datasetFileName);
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (at >= 64 && at < 4096)
      continue;
    for (uint8_t mask : {0x01, 0x80, 0xff}) {
      Bytes damaged = bytes;
      damaged[at] ^= mask;
      feed(fuzzDataset, damaged);
    }
    feed(fuzzDataset, Bytes(bytes.begin(), bytes.begin() + ptrdiff_t(at)));
  }
}

TEST(FuzzRegression, Texts) {
  exercise(fuzzAnnotations,
           "<a><!-- c --><annotation cp=\"\U0001F600\" type='tts'>x &amp; &#x41; | y</annotation></a>");
  exercise(fuzzEmojiTest, "# group: A\n# subgroup: b\n1F600 FE0F ; fully-qualified # X E1.0 woman: red hair\n1F3FB ; "
                          "component # X E1.0 t\n");
  exercise(
      fuzzCaptions,
      "{\"image\":\"a.png\",\"captions\":[\"x\",\"\\u00e9\"],\"keywords\":[\"k\"],\"split\":\"val\"}\nb.png\ty\tz\r\n");
  exercise(fuzzMerges, "#version: 0.2\nt h\nth e</w>\n\u0120 a</w>\n");
}

TEST(FuzzRegression, DeeplyNestedJson) {
  feed(fuzzCaptions, Bytes(100000, '['));
  std::string nested = "{\"image\":" + std::string(50000, '[') + std::string(50000, ']') + "}";
  feed(fuzzCaptions, Bytes(nested.begin(), nested.end()));
}

TEST(FuzzRegression, Images) {
  exercise(fuzzImages, *encodePng(patternImage(5, 4)));
  exercise(fuzzImages, encodeJpeg(patternImage(9, 8)), 3);
}

TEST(FuzzRegression, GzippedMerges) {
  Bytes gzip = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xe4, 0x2a, 0x51, 0xc8, 0xe0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  exercise(fuzzMerges, gzip);
}
