// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the cleaning and cutting of texts.
#include "runtime/tokenizer/ClipText.h"

#include <gtest/gtest.h>
#include <set>

using namespace vlp::tokenizer;

using Words = std::vector<std::string>;

static Words cut(std::string_view text) { return splitClipWords(cleanClipText(text)); }

TEST(ClipText, CutsAsThePattern) {
  EXPECT_EQ(cut("  Hello\t\nworld  2023 "), (Words{"hello", "world", "2", "0", "2", "3"}));
  EXPECT_EQ(cut("Don't you've WE'LL it's!?"), (Words{"don", "'t", "you", "'ve", "we", "'ll", "it", "'s", "!?"}));
  EXPECT_EQ(cut("'san ''s ' 's"), (Words{"'s", "an", "''", "s", "'", "'s"}));
  EXPECT_EQ(cut("a_b c+d"), (Words{"a", "_", "b", "c", "+", "d"}));
  EXPECT_EQ(cut("naïve 北京 ①Ⅷ²"), (Words{"naïve", "北京", "①", "ⅷ", "²"}));
  EXPECT_EQ(cut(""), Words{});
  EXPECT_EQ(cut(" \n "), Words{});
}

TEST(ClipText, UnescapesAndStraightens) {
  EXPECT_EQ(cut("&lt;b&gt; &amp;amp; x&eacute;&#65;&#x42;"), (Words{"<", "b", ">", "&", "xéab"}));
  EXPECT_EQ(cut("“six o’clock” ‘x’"), (Words{"\"", "six", "o", "'", "clock", "\"", "'", "x", "'"}));
  EXPECT_EQ(cut("ﬁre ＦＵＬＬ cafe\u0301"), (Words{"fire", "full", "café"}));
  EXPECT_EQ(cut("&bogus; &#xFFFFFFFF; & &;"), (Words{"&", "bogus", ";", "&#", "xffffffff", ";", "&", "&;"}));
}

TEST(ClipText, DamagedUtf8IsKeptOut) { EXPECT_EQ(cut("a\xff"), (Words{"a", "\uFFFD"})); }

TEST(ClipText, EveryByteHasItsOwnSymbol) {
  const ByteAlphabet &alphabet = byteAlphabet();
  std::set<std::string> symbols(alphabet.symbolOfByte.begin(), alphabet.symbolOfByte.end());
  EXPECT_EQ(symbols.size(), 256u);
  EXPECT_EQ(alphabet.symbolOfByte['!'], "!");
  EXPECT_EQ(alphabet.idOfByte['!'], 0);
  EXPECT_EQ(alphabet.symbolOfByte[' '], "\u0120");
  for (int byte = 0; byte < 256; ++byte)
    EXPECT_EQ(alphabet.byteOfId[alphabet.idOfByte[byte]], byte);
}
