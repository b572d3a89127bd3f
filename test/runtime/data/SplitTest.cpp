// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards concept keys and splits against the values of the Python that defined them.
#include "runtime/data/Split.h"

#include <gtest/gtest.h>

using namespace vlp::data;

TEST(Split, ConceptKeys) {
  const std::pair<const char *, const char *> cases[] = {
      {"woman singer: dark skin tone", "singer"},
      {"man", "person"},
      {"woman: medium-dark skin tone, beard", "person"},
      {"person: red hair", "person:red hair"},
      {"man: blond hair", "person:blond hair"},
      {"woman: dark skin tone, bald", "person"},
      {"Mrs. Claus", "person"},
      {"mr. x", "mr x"},
      {"Mr.X files", "x files"},
      {"mx claus", "mx"},
      {"flag: Côte d’Ivoire", "flag: côte d’ivoire"},
      {"keycap: #", "keycap: #"},
      {"old man: light skin tone", "person"},
      {"merman", "person"},
      {"prince: medium skin tone", "person"},
      {"people holding hands", "holding hands"},
      {"Santa Claus: dark skin tone", "person"},
      {"piñata", "pi ata"},
      {"Japanese “here” button", "japanese here button"},
      {"ON! arrow", "on arrow"},
      {"the king and queen", "the and"},
      {"shepherd", "shepherd"},
      {"she", "person"},
      {"Å ring", "ring"},
      {"THE İ", "the i"},
      {"kiss: man, man", "kiss"},
      {"couple with heart: woman, man, light skin tone, dark skin tone", "couple with heart"},
      {"light skin tone", "light skin tone"},
      {"T-Rex", "t rex"},
      {"children crossing", "children crossing"},
      {"ñhe man", "he"},
      {"he_man", "he man"},
      {"person in tuxedo", "in tuxedo"},
      {"  ", "person"},
      {"", "person"},
      {"A: B: C", "a"},
      {"ms.9", "9"},
      {"person:  spaced out ", "person:spaced out"},
  };
  for (auto [name, key] : cases)
    EXPECT_EQ(conceptKey(name), key) << name;
}

TEST(Split, EmojiSplits) {
  struct Case {
    const char *name, *style, *group, *salt, *split;
  };
  const Case cases[] = {
      {"man in lotus position: medium-light skin tone", "noto", "People & Body", "", "train"},
      {"linked paperclips", "gemojione", "Objects", "", "cross-test"},
      {"hamster", "gemojione", "Animals & Nature", "", "train"},
      {"woman artist", "noto", "People & Body", "", "unseen-test"},
      {"notebook", "noto", "Objects", "", "train"},
      {"woman playing handball: medium-light skin tone", "noto", "People & Body", "", "unseen-val"},
      {"call me hand: light skin tone", "gemojione", "People & Body", "", "unseen-test"},
      {"gorilla", "gemojione", "Animals & Nature", "", "cross-val"},
      {"kiss: woman, man, medium skin tone, medium-light skin tone", "noto", "People & Body", "", "compose-test"},
      {"waving hand: dark skin tone", "gemojione", "People & Body", "", "unused"},
      {"couple with heart: woman, man, light skin tone", "noto", "People & Body", "", "compose-val"},
      {"person playing water polo: light skin tone", "gemojione", "People & Body", "", "unused"},
      {"merperson: dark skin tone", "noto", "People & Body", "f1", "train"},
      {"grinning face with smiling eyes", "gemojione", "Smileys & Emotion", "f1", "cross-test"},
      {"flag: Turks & Caicos Islands", "noto", "Flags", "f1", "train"},
      {"double exclamation mark", "gemojione", "Symbols", "f1", "unseen-val"},
      {"woman dancing: medium-dark skin tone", "gemojione", "People & Body", "f1", "unseen-test"},
      {"woman vampire: dark skin tone", "noto", "People & Body", "f1", "compose-val"},
      {"one o’clock", "gemojione", "Travel & Places", "f1", "cross-test"},
      {"person gesturing NO: dark skin tone", "gemojione", "People & Body", "f1", "unused"},
      {"fairy: medium skin tone", "noto", "People & Body", "f1", "compose-test"},
      {"upside-down face", "gemojione", "Smileys & Emotion", "f1", "cross-val"},
  };
  for (const Case &c : cases)
    EXPECT_EQ(splitName(emojiSplit(c.name, c.style, c.group, c.salt)), c.split) << c.name;
}

TEST(Split, UnseenIsScoredOnUntonedNotoOnly) {
  for (Split split : {Split::UnseenTest, Split::UnseenVal}) {
    EXPECT_TRUE(isScored(split, "singer", "noto"));
    EXPECT_FALSE(isScored(split, "singer: dark skin tone", "noto"));
    EXPECT_FALSE(isScored(split, "singer", "gemojione"));
  }
  EXPECT_TRUE(isScored(Split::CrossTest, "singer", "gemojione"));
  EXPECT_TRUE(isScored(Split::ComposeVal, "singer: dark skin tone", "noto"));
  EXPECT_FALSE(isScored(Split::Train, "singer", "noto"));
  EXPECT_FALSE(isScored(Split::Unused, "singer", "noto"));
}

TEST(Split, NamesRoundTrip) {
  for (int s = 0; s < numSplits; ++s)
    EXPECT_EQ(parseSplit(splitName(Split(s))), Split(s));
  EXPECT_FALSE(parseSplit("training"));
}

TEST(Split, FolderSplitFollowsItsShares) {
  int counts[numSplits] = {};
  for (int i = 0; i < 4000; ++i)
    ++counts[int(folderSplit("picture" + std::to_string(i) + ".png", "s", 5, 10))];
  EXPECT_NEAR(counts[int(Split::Test)], 400, 80);
  EXPECT_NEAR(counts[int(Split::Val)], 200, 60);
  EXPECT_EQ(folderSplit("a.png", "s", 0, 0), Split::Train);
  EXPECT_EQ(folderSplit("a.png", "s", 5, 10), folderSplit("a.png", "s", 5, 10));
}
