// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards UTF-8 handling and Python's meaning of lower() and isspace().
#include "runtime/data/Text.h"

#include <gtest/gtest.h>

using namespace vlp::data;

TEST(Text, DamagedUtf8BecomesReplacementCharacters) {
  EXPECT_EQ(decodeUtf8("a\xff\xc3"), U"a\uFFFD\uFFFD");
  EXPECT_EQ(decodeUtf8("\xed\xa0\x80").size(), 3u) << "a surrogate is no character";
  EXPECT_EQ(encodeUtf8(U"é\U0001F600"), "é\U0001F600");
  EXPECT_EQ(encodeUtf8(std::u32string(1, char32_t(0x110000))), "\uFFFD");
  EXPECT_EQ(decodeUtf8(""), U"");
}

TEST(Text, LowerIsPythons) {
  EXPECT_EQ(lower("ÅNGSTRÖM K"), "ångström k") << "the Kelvin sign is a k";
  EXPECT_EQ(lower("İ"), "i\u0307");
  EXPECT_EQ(lower("ΟΔΥΣΣΕΥΣ Σ"), "οδυσσευς σ");
}

TEST(Text, Spaces) {
  for (char32_t c : {U' ', U'\t', U'\x1c', U'\x85', U'\xa0', U'\u2028', U'\u3000'})
    EXPECT_TRUE(isSpace(c)) << uint32_t(c);
  for (char32_t c : {U'a', U'\u200b', U'\0', char32_t(0x110000)})
    EXPECT_FALSE(isSpace(c)) << uint32_t(c);
}

TEST(Text, Words) {
  EXPECT_EQ(words("T-Rex's 12 café"), (std::vector<std::string>{"t", "rex", "s", "1", "2", "caf"}));
  EXPECT_TRUE(words("").empty());
  EXPECT_EQ(words("a1b"), (std::vector<std::string>{"a", "1", "b"}));
}
