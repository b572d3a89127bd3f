// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the preparation of users' folders: formats, splits, and that everything wrong is reported at once.
#include "runtime/data/PrepareFolder.h"
#include "runtime/data/Dataset.h"
#include "test/runtime/data/TestImages.h"

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

namespace {
class Folder : public ::testing::Test {
protected:
  void SetUp() override {
    options.imagesDir = dir / "in";
    options.outDir = dir / "out";
    options.size = 16;
    picture("a.png");
    writeFile(dir / "in/sub/b.JPG", encodeJpeg(patternImage(20, 10)));
    picture("c d.png");
  }
  void picture(const std::string &name) { writeFile(dir / ("in/" + name), *encodePng(patternImage(12, 12))); }
  void captions(const std::string &name, std::string_view text) { writeFile(dir / ("in/" + name), text); }
  std::string error() {
    auto result = prepareFolder(options);
    return result ? "" : result.status().message();
  }

  ScratchDirectory dir;
  PrepareFolderOptions options;
};
} // namespace

TEST_F(Folder, ReadsTsv) {
  captions("captions.tsv", "\xEF\xBB\xBF"
                           "a.png\ta red thing\tanother caption\r\n\n./sub/b.JPG\tleft arrow\nc d.png\t caf\u00e9 \n");
  auto summary = prepareFolder(options);
  ASSERT_TRUE(summary) << summary.status().message();
  EXPECT_EQ(summary->items, 3u);
  EXPECT_EQ(summary->train + summary->validation + summary->test, 3u);
  auto dataset = *Dataset::open(options.outDir);
  ASSERT_EQ(dataset->size(), 3u);
  EXPECT_EQ(dataset->item(0).captions, (std::vector<std::string>{"a red thing", "another caption"}));
  EXPECT_TRUE(dataset->item(0).mirrorable);
  EXPECT_FALSE(dataset->item(1).mirrorable);
  EXPECT_EQ(dataset->item(1).key, "sub/b.JPG");
  EXPECT_EQ(dataset->item(2).name(), "caf\u00e9");
  EXPECT_EQ(dataset->item(0).split, folderSplit("a.png", "", 5, 10));
}

TEST_F(Folder, ReadsJsonLinesWithGivenSplits) {
  captions("captions.jsonl",
           "{\"image\":\"a.png\",\"captions\":[\"one\",\"two\"],\"split\":\"test\",\"keywords\":[\"k\",\"\"]}\n"
           "{\"image\":\"sub/b.JPG\",\"caption\":\"three\",\"split\":\"train\"}\n"
           "{\"image\":\"c d.png\",\"captions\":[\"one\"],\"split\":\"val\"}\n");
  ASSERT_EQ(error(), "");
  auto dataset = *Dataset::open(options.outDir);
  EXPECT_EQ(dataset->item(0).split, Split::Test);
  EXPECT_EQ(dataset->item(0).keywords, std::vector<std::string>{"k"});
  EXPECT_EQ(dataset->item(1).split, Split::Train);
  EXPECT_EQ(dataset->item(2).split, Split::Val);
  EXPECT_EQ(dataset->item(2).pairId, dataset->item(0).pairId) << "equal first captions";
}

TEST_F(Folder, ReportsEverythingAtOnce) {
  writeFile(dir / "in/corrupt.png", "\x89PNG\r\n\x1a\nrubbish");
  writeFile(dir / "in/text.jpg", "hello");
  picture("extra.png");
  captions("captions.tsv", "a.png\t\nnone.png\tmissing\nsub/b.JPG\tok\nsub/../sub/"
                           "b.JPG\tagain\ncorrupt.png\tx\ntext.jpg\tx\nc d.png\nloose line\n\tno picture\n");
  std::string message = error();
  for (const char *part : {"captions.tsv:1: empty caption for a.png", "captions.tsv:2: missing picture none.png",
                           "captions.tsv:4: sub/b.JPG has captions in line 3 already", "corrupt.png: damaged PNG",
                           "text.jpg: neither a PNG nor a JPEG", "captions.tsv:7: no caption for c d.png",
                           "captions.tsv:9: no picture named", "picture without caption: extra.png", " problems: "})
    EXPECT_NE(message.find(part), std::string::npos) << part << "\nin: " << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(dir / "out/dataset.vlpdata"));
}

TEST_F(Folder, BadJsonLinesAreProblems) {
  CaptionFile file = parseCaptionJsonl("{\"image\":3}\nnonsense\n{\"image\":\"a\",\"captions\":[1]}\n{\"image\":\"a\","
                                       "\"caption\":\"x\",\"split\":\"dev\"}\n"
                                       "{\"image\":\"a\",\"caption\":\" \"}\n[]\n{\"caption\":\"x\"}\n",
                                       "c");
  ASSERT_EQ(file.problems.size(), 7u);
  EXPECT_NE(file.problems[1].find("c:2: not a JSON object"), std::string::npos);
  EXPECT_NE(file.problems[3].find("\"dev\""), std::string::npos);
}

TEST_F(Folder, MissingInputsAreNamed) {
  EXPECT_NE(error().find("no captions.tsv or captions.jsonl"), std::string::npos);
  options.captionsFile = dir / "captions.csv";
  writeFile(options.captionsFile, "x");
  EXPECT_NE(error().find("end in .tsv or .jsonl"), std::string::npos);
  options.captionsFile = dir / "none.tsv";
  EXPECT_NE(error().find("cannot open"), std::string::npos);
  options.imagesDir = dir / "nowhere";
  EXPECT_NE(error().find("no folder of pictures"), std::string::npos);
  options.outDir = "";
  EXPECT_NE(error().find("no output directory"), std::string::npos);
}

TEST_F(Folder, AnEmptyCaptionFileIsAProblem) {
  captions("captions.tsv", "\n");
  EXPECT_NE(error().find("3 problems: picture without caption"), std::string::npos) << error();
  options.imagesDir = dir / "empty";
  std::filesystem::create_directories(options.imagesDir);
  writeFile(dir / "empty/captions.tsv", "");
  EXPECT_NE(error().find("holds no captions"), std::string::npos) << error();
}

TEST_F(Folder, UnreasonableSizesAndSharesAreRefused) {
  captions("captions.tsv", "a.png\tx\nsub/b.JPG\tx\nc d.png\tx\n");
  options.size = 0;
  EXPECT_NE(error().find("picture size 0"), std::string::npos);
  options.size = 16;
  options.testPercent = 96;
  EXPECT_NE(error().find("at most 99 percent"), std::string::npos);
}
