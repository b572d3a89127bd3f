// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the font reader: sequences find their bitmaps, and damage of any byte gives a status or other glyphs, never a
// crash.
#include "runtime/data/EmojiFont.h"
#include "test/runtime/data/TestImages.h"
#include "test/runtime/data/TinyFont.h"

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

static TinyFont sampleFont() {
  TinyFont font;
  font.characters = {{0x1F600, 3}, {0x1F468, 4}, {0x1F3FB, 5}, {0x200D, 6}};
  font.ligatures = {{{4, 5}, 7}, {{4, 6, 3}, 8}, {{3, 3}, 9}};
  for (uint16_t glyph : {3, 4, 7, 8})
    font.bitmaps[glyph] = *encodePng(patternImage(glyph, 2));
  return font;
}

static int widthOf(const EmojiFont &font, std::u32string_view sequence) {
  std::optional<uint16_t> glyph = font.glyph(sequence);
  if (!glyph || font.png(*glyph).empty())
    return 0;
  return decodeImage(font.png(*glyph), "glyph")->width;
}

TEST(EmojiFont, FindsCharactersAndLigatures) {
  for (bool extension : {false, true})
    for (bool ranges : {false, true}) {
      TinyFont tiny = sampleFont();
      tiny.extension = extension;
      tiny.rangeCoverage = ranges;
      Expected<EmojiFont> font = EmojiFont::parse(tiny.build(), "tiny.ttf");
      ASSERT_TRUE(font) << font.status().message();
      EXPECT_EQ(font->ligatureCount(), 3u);
      EXPECT_EQ(font->bitmapCount(), 4u);
      EXPECT_EQ(widthOf(*font, U"\U0001F600"), 3);
      EXPECT_EQ(widthOf(*font, U"\U0001F468\U0001F3FB"), 7);
      EXPECT_EQ(widthOf(*font, U"\U0001F468\u200D\U0001F600"), 8);
      EXPECT_EQ(widthOf(*font, U"\U0001F600\U0001F600"), 0) << "ligature without bitmap";
      EXPECT_FALSE(font->glyph(U"\U0001F600\U0001F468")) << "no such ligature";
      EXPECT_FALSE(font->glyph(U"x"));
      EXPECT_FALSE(font->glyph(U""));
    }
}

TEST(EmojiFont, OtherFilesAreRefusedWithTheMissingTable) {
  for (std::string_view text : {"", "PK\x03\x04", "not a font at all, but long enough to have a table directory"}) {
    Expected<EmojiFont> font = EmojiFont::parse(Bytes(text.begin(), text.end()), "other.ttf");
    ASSERT_FALSE(font);
    EXPECT_NE(font.status().message().find("other.ttf: not a colour bitmap font: it has no table cmap"),
              std::string::npos)
        << font.status().message();
  }
}

TEST(EmojiFont, EveryTruncationFails) {
  Bytes whole = sampleFont().build();
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(EmojiFont::parse(Bytes(whole.begin(), whole.begin() + ptrdiff_t(length)), "cut.ttf")) << length;
}
