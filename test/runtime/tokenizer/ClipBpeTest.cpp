// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards CLIP's BPE: ids, round trips, training; with VLP_CLIP_MERGES (bpe_simple_vocab_16e6.txt.gz) the official ids.
#include "runtime/tokenizer/ClipBpe.h"
#include "runtime/data/File.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <zlib.h>

using namespace vlp;
using namespace vlp::tokenizer;

using Ids = std::vector<int32_t>;

static const char *tinyMerges = "#version: 0.2\nt h\nth e</w>\nc a\nca t</w>\n";

TEST(ClipBpe, IdsFollowTheOfficialOrder) {
  auto bpe = ClipBpe::parse(tinyMerges, "tiny");
  ASSERT_TRUE(bpe) << bpe.status().message();
  EXPECT_EQ(bpe->vocabularySize(), 512 + 4 + 2);
  EXPECT_EQ(bpe->startId(), 516);
  EXPECT_EQ(bpe->endId(), 517);
  // 'a' is byte 97, the 65th printable one from '!'.
  EXPECT_EQ(bpe->encodeIds("a"), Ids{256 + 64});
  EXPECT_EQ(bpe->encodeIds("ab"), (Ids{64, 256 + 65}));
  EXPECT_EQ(bpe->encodeIds("The cat"), (Ids{513, 515}));
  EXPECT_EQ(bpe->encodeIds("cats"), (Ids{514, 't' - '!', 256 + 's' - '!'}));
}

TEST(ClipBpe, ContextKeepsTheEndMark) {
  auto bpe = ClipBpe::parse(tinyMerges, "tiny");
  EXPECT_EQ(bpe->encode("the cat", 6), (Ids{516, 513, 515, 517, 0, 0}));
  EXPECT_EQ(bpe->encode("the cat", 4), (Ids{516, 513, 515, 517}));
  EXPECT_EQ(bpe->encode("the cat", 3), (Ids{516, 513, 517}));
  EXPECT_EQ(bpe->encode("the cat", 2), (Ids{516, 517}));
  EXPECT_EQ(bpe->encode("", 3), (Ids{516, 517, 0}));
  EXPECT_EQ(bpe->encode("the", 0), Ids{});
}

TEST(ClipBpe, DecodesWhatItEncoded) {
  auto bpe = ClipBpe::parse(tinyMerges, "tiny");
  for (const char *text : {"the cat", "! !", "naïve 北京 🙂", "a"})
    EXPECT_EQ(bpe->decode(bpe->encode(text, 64)), text);
  EXPECT_EQ(bpe->decode({-1, 99999, 516, 517, 64}), "");
}

TEST(ClipBpe, LimitsAndDamageOfMergesFiles) {
  EXPECT_EQ(ClipBpe::parse(tinyMerges, "tiny", 2)->vocabularySize(), 516);
  EXPECT_NE(ClipBpe::parse("#v\nt h\nzz q\n", "m.txt").status().message().find("m.txt:3: merge of a symbol"),
            std::string::npos);
  EXPECT_NE(ClipBpe::parse("#v\nth\n", "m.txt").status().message().find("m.txt:2: expected two symbols"),
            std::string::npos);
  EXPECT_FALSE(ClipBpe::parse("#v\nt  h\n", "m.txt"));
  EXPECT_FALSE(ClipBpe::parse("#v\nt h \n", "m.txt"));
  EXPECT_NE(ClipBpe::parse("", "m.txt").status().message().find("no merges"), std::string::npos);
  EXPECT_NE(ClipBpe::parse("#v\n", "m.txt").status().message().find("no merges"), std::string::npos);
  EXPECT_FALSE(ClipBpe::load("/nonexistent/merges.txt"));
}

TEST(ClipBpe, ReadsGzip) {
  std::string text = tinyMerges, packed(200, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef *>(text.data());
  stream.avail_in = uInt(text.size());
  stream.next_out = reinterpret_cast<Bytef *>(packed.data());
  stream.avail_out = uInt(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  auto bpe = ClipBpe::parse(packed, "m.gz");
  ASSERT_TRUE(bpe) << bpe.status().message();
  EXPECT_EQ(bpe->hash(), ClipBpe::parse(tinyMerges, "m")->hash());
  for (size_t length = 2; length < packed.size(); ++length)
    EXPECT_FALSE(ClipBpe::parse(packed.substr(0, length), "cut.gz")) << length;
}

TEST(ClipBpe, TrainsTheMostFrequentPairsFirst) {
  std::vector<std::string> texts = {"low low low", "lower lower", "newest newest newest newest", "widest widest"};
  auto bpe = ClipBpe::train(texts, 518);
  ASSERT_TRUE(bpe) << bpe.status().message();
  // "e s", "s t</w>" and "w e" occur six times each, later "n e", "e w" and "w est</w>" four: the pair of lower ids is
  // first.
  EXPECT_EQ(bpe->mergesText(), "#version: 0.2\ne s\nes t</w>\nl o\ne w\n");
  EXPECT_EQ(bpe->vocabularySize(), 518);
}

TEST(ClipBpe, TrainingDependsOnTheTextsAlone) {
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i)
    texts.push_back("word" + std::string(size_t(i % 7), char('a' + i % 5)) + " picture of a " +
                    std::string(size_t(i % 3), 'z'));
  auto a = ClipBpe::train(texts, 700);
  std::reverse(texts.begin(), texts.end());
  auto b = ClipBpe::train(texts, 700);
  EXPECT_EQ(a->mergesText(), b->mergesText());
  EXPECT_EQ(a->hash(), b->hash());
  auto read = ClipBpe::parse(a->mergesText(), "again");
  ASSERT_TRUE(read) << read.status().message();
  for (const std::string &text : texts)
    EXPECT_EQ(read->encodeIds(text), a->encodeIds(text));
}

TEST(ClipBpe, TrainingStopsWhenNothingRepeats) {
  std::vector<std::string> texts = {"abc", "xyz"};
  auto bpe = ClipBpe::train(texts, 10000);
  ASSERT_TRUE(bpe);
  EXPECT_EQ(bpe->vocabularySize(), 514);
  EXPECT_EQ(bpe->encode("abc", 5).size(), 5u);
  texts = {"aaaaaaaa aaaaaaaa"};
  auto repeated = ClipBpe::train(texts, 10000);
  EXPECT_EQ(repeated->encodeIds("aaaaaaaa").size(), 1u);
  EXPECT_FALSE(ClipBpe::train({}, 1000));
  EXPECT_FALSE(ClipBpe::train(texts, 513));
}

TEST(ClipBpe, SavesAndLoads) {
  auto dir = data::TemporaryDirectory::create();
  auto bpe = ClipBpe::parse(tinyMerges, "tiny");
  ASSERT_TRUE(bpe->save(dir->path() / "merges.txt").isOk());
  auto again = ClipBpe::load(dir->path() / "merges.txt");
  ASSERT_TRUE(again) << again.status().message();
  EXPECT_EQ(again->hash(), bpe->hash());
  EXPECT_EQ(bpe->hash().size(), 64u);
}

TEST(ClipBpe, LongRunsTakeLinearTime) {
  auto bpe = ClipBpe::parse(tinyMerges, "tiny");
  EXPECT_EQ(bpe->encodeIds(std::string(100000, 'x')).size(), 100000u);
}

TEST(ClipBpe, OfficialIds) {
  const char *path = std::getenv("VLP_CLIP_MERGES");
  if (!path)
    GTEST_SKIP() << "VLP_CLIP_MERGES is not set";
  auto bpe = ClipBpe::load(path);
  ASSERT_TRUE(bpe) << bpe.status().message();
  EXPECT_EQ(bpe->vocabularySize(), 49408);
  EXPECT_EQ(bpe->hash(), "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a");
  const std::pair<const char *, Ids> cases[] = {
      {"A person riding a motorcycle", {320, 2533, 6765, 320, 10297}},
      {"a photo of a cat", {320, 1125, 539, 320, 2368}},
      {"Don't you've WE'LL it's!?", {847, 713, 592, 1200, 649, 1342, 585, 568, 6004}},
      {"  Hello\t\nworld  2023 ", {3306, 1002, 273, 271, 273, 274}},
      {"ÅNGSTRÖM naïve 北京 ①",
       {23176, 10352, 807, 7255, 332, 1097, 35689, 563, 161, 234, 245, 21078, 361, 158, 239, 510}},
      {"&lt;b&gt; &amp;amp; x", {283, 321, 285, 261, 343}},
      {"👩🏽‍🚀 astronaut", {18800, 8514, 4244, 13542, 18376}},
      {"'san ''s ' 's", {568, 550, 8445, 338, 262, 568}},
      {"ΟΔΥΣΣΕΥΣ İ", {138, 123, 138, 112, 139, 227, 139, 225, 139, 225, 138, 113, 139, 227, 139, 480, 328, 16384}},
      {"ﬁre Ⅷ ²x a_b", {1769, 158, 227, 371, 41175, 343, 320, 318, 321}},
      {"“six o’clock” ‘x’", {257, 4093, 334, 262, 6716, 257, 262, 343, 262}},
      {"ＦＵＬＬ width", {1476, 23571}},
      {"x&nbsp;y&hellip;", {343, 344, 959}},
  };
  for (const auto &[text, ids] : cases)
    EXPECT_EQ(bpe->encodeIds(text), ids) << text;
  EXPECT_EQ(bpe->encode("a photo of a cat", 8), (Ids{49406, 320, 1125, 539, 320, 2368, 49407, 0}));
}
