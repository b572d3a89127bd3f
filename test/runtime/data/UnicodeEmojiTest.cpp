// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the scanners of emoji-test.txt and of CLDR's annotations.
#include "runtime/data/UnicodeEmoji.h"

#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::data;

TEST(UnicodeEmoji, ReadsQualifiedEmojiAndComponents) {
  std::vector<Emoji> emoji = parseEmojiTest(
      "# emoji-test.txt\n"
      "# group: Smileys & Emotion\n"
      "# subgroup: face-smiling\n"
      "1F600                                                  ; fully-qualified     # X E1.0 grinning face\n"
      "263A FE0F                                              ; fully-qualified     # X E0.6 smiling face\r\n"
      "263A                                                   ; unqualified         # X E0.6 smiling face\n"
      "# group: Component\n"
      "1F3FB                                                  ; component           # X E1.0 light skin tone\n"
      "ZZ ; fully-qualified # X E1.0 bad\n"
      "1F601 ; fully-qualified # X no version\n"
      "110000 ; fully-qualified # X E1.0 out of range\n");
  ASSERT_EQ(emoji.size(), 3u);
  EXPECT_EQ(emoji[0].name, "grinning face");
  EXPECT_EQ(emoji[0].group, "Smileys & Emotion");
  EXPECT_EQ(emoji[0].subgroup, "face-smiling");
  EXPECT_EQ(emoji[1].name, "smiling face");
  EXPECT_EQ(emoji[1].codePoints, U"\u263A\uFE0F");
  EXPECT_EQ(codePointKey(dropVariationSelector(emoji[1].codePoints)), "263a");
  EXPECT_EQ(emoji[2].group, "Component");
  EXPECT_TRUE(parseEmojiTest("").empty());
}

TEST(UnicodeEmoji, ReadsAnnotations) {
  Annotations annotations;
  Status status = parseAnnotations(
      "<?xml version=\"1.0\"?><ldml><!-- <annotation cp=\"x\">no</annotation> -->"
      "<annotations>\n<annotation cp=\"\u263A\uFE0F\">face | <![CDATA[ | Q&amp;A |  out of  line </annotation>"
      "<annotation cp='\u263A' type=\"tts\"> smiling &#x66;ace&#33; &unknown; </annotation>"
      "<annotation cp=\">\" draft='yes'>greater</annotation>"
      "<annotation cp=\"y\"/><annotation>none</annotation></annotations></ldml>",
      "en.xml", annotations);
  ASSERT_TRUE(status.isOk()) << status.message();
  ASSERT_EQ(annotations.size(), 2u);
  const Annotation &face = annotations[U"\u263A"];
  EXPECT_EQ(face.keywords, (std::vector<std::string>{"face", "<![CDATA[", "Q&A", "out of  line"}));
  EXPECT_EQ(face.shortName, "smiling face! &unknown;");
  EXPECT_EQ(annotations[U">"].keywords, std::vector<std::string>{"greater"});
}

TEST(UnicodeEmoji, LaterTextsReplaceEarlierOnes) {
  Annotations annotations;
  ASSERT_TRUE(parseAnnotations("<annotation cp='a'>one | two</annotation>", "1", annotations).isOk());
  ASSERT_TRUE(parseAnnotations("<annotation cp='a'>three</annotation>", "2", annotations).isOk());
  EXPECT_EQ(annotations[U"a"].keywords, std::vector<std::string>{"three"});
}

TEST(UnicodeEmoji, TruncatedFilesNameTheByte) {
  Annotations annotations;
  EXPECT_EQ(parseAnnotations("<a><annotation cp='a'>one", "en.xml", annotations).message(),
            "en.xml: annotation without end at byte 3");
  EXPECT_EQ(parseAnnotations("<a", "en.xml", annotations).message(), "en.xml: tag without end at byte 0");
  EXPECT_EQ(parseAnnotations("ab<!-- x", "en.xml", annotations).message(), "en.xml: comment without end at byte 2");
}
