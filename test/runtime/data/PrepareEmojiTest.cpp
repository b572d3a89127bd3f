// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the emoji preparation on made-up packages; with VLP_EMOJI_PACKAGES (a directory) on the real ones.
#include "runtime/data/PrepareEmoji.h"
#include "runtime/data/Dataset.h"
#include "test/runtime/data/TestImages.h"
#include "test/runtime/data/TinyFont.h"

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

static void writeTinyPackages(const std::filesystem::path &root) {
  TinyFont font;
  font.characters = {{0x1F600, 3}};
  font.bitmaps[3] = *encodePng(patternImage(13, 12));
  writeFile(root / "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", font.build());
  writeFile(root / "usr/share/unicode/emoji/emoji-test.txt", "1F600 ; fully-qualified # X E1.0 grinning face\n");
  for (const char *folder : {"annotations", "annotationsDerived"})
    writeFile(root / "usr/share/unicode/cldr/common" / folder / "en.xml",
              "<a><annotation cp='\U0001F600'>face | grin</annotation></a>");
}

TEST(PrepareEmoji, ImplausiblyFewDrawingsAreAnError) {
  ScratchDirectory dir;
  writeTinyPackages(dir / "packages");
  PrepareEmojiOptions options;
  options.outDir = dir / "out";
  options.packagesDir = dir / "packages";
  auto result = prepareEmoji(options);
  ASSERT_FALSE(result);
  EXPECT_NE(result.status().message().find("found 1 Noto drawings, expected at least 3000"), std::string::npos)
      << result.status().message();
  EXPECT_FALSE(std::filesystem::exists(dir / "out/dataset.vlpdata"));
}

TEST(PrepareEmoji, MissingFilesNameTheirPackage) {
  ScratchDirectory dir;
  PrepareEmojiOptions options;
  options.outDir = dir / "out";
  options.packagesDir = dir / "packages";
  EXPECT_NE(prepareEmoji(options).status().message().find("no directory"), std::string::npos);
  std::filesystem::create_directories(dir / "packages");
  EXPECT_NE(prepareEmoji(options).status().message().find("neither unpacked packages"), std::string::npos);
  writeTinyPackages(dir / "packages");
  std::filesystem::remove(dir / "packages/usr/share/unicode/cldr/common/annotationsDerived/en.xml");
  EXPECT_NE(prepareEmoji(options).status().message().find("package unicode-cldr-core"), std::string::npos);
  options.outDir = "";
  EXPECT_NE(prepareEmoji(options).status().message().find("no output directory"), std::string::npos);
}

TEST(PrepareEmoji, WhatMayBeMirrored) {
  for (auto [name, group] :
       {std::pair("dog face", "Animals & Nature"), {"person running", "People & Body"}, {"red apple", ""}})
    EXPECT_TRUE(isMirrorable(name, group)) << name;
  for (auto [name, group] : {std::pair("flag: Chad", "Flags"),
                             {"left-facing fist", "People & Body"},
                             {"one o’clock", "Travel & Places"},
                             {"alarm clock", "Travel & Places"},
                             {"BACK arrow", ""},
                             {"SOS button", "Symbols"},
                             {"chart increasing", "Objects"},
                             {"last quarter moon", "Travel & Places"},
                             {"page 7", ""}})
    EXPECT_FALSE(isMirrorable(name, group)) << name;
}

TEST(PrepareEmoji, RealPackages) {
  const char *packages = std::getenv("VLP_EMOJI_PACKAGES");
  if (!packages)
    GTEST_SKIP() << "VLP_EMOJI_PACKAGES is not set";
  ScratchDirectory dir;
  PrepareEmojiOptions options;
  options.outDir = dir / "out";
  options.packagesDir = packages;
  size_t calls = 0;
  options.progress = [&](const std::string &, size_t done, size_t total) {
    EXPECT_LE(done, total);
    ++calls;
  };
  auto summary = prepareEmoji(options);
  ASSERT_TRUE(summary) << summary.status().message();
  EXPECT_EQ(summary->noto, 3664u);
  EXPECT_EQ(summary->gemojione, 1769u);
  EXPECT_EQ(summary->train, 3991u);
  EXPECT_EQ(summary->unused, 69u);
  EXPECT_GT(calls, 5000u);
  EXPECT_TRUE(std::filesystem::exists(dir / "out/LICENSES.txt"));
}
