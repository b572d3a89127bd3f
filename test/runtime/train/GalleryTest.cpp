// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards search and zero-shot classification: order, ties, folders with other files, damaged pictures, templates.
#include "runtime/train/Gallery.h"

#include "test/runtime/train/ToyClip.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;
using namespace vlp::training;

namespace {
void writePng(const std::string &path, int width, int height) {
  data::Image image{width, height, std::vector<uint8_t>(size_t(width) * size_t(height) * 3, 90)};
  auto png = data::encodePng(image);
  ASSERT_TRUE(png);
  writeText(path, {reinterpret_cast<const char *>(png->data()), png->size()});
}
} // namespace

TEST(Gallery, NearestIsSortedAndStable) {
  std::vector<float> rows = {0, 1, 1, 0, 0.6f, 0.8f, 1, 0};
  std::vector<float> query = {1, 0};
  auto hits = nearest(rows, query, 3);
  ASSERT_EQ(hits.size(), 3u);
  EXPECT_EQ(hits[0].index, 1u);
  EXPECT_EQ(hits[1].index, 3u);
  EXPECT_EQ(hits[2].index, 2u);
  EXPECT_EQ(nearest(rows, query, 99).size(), 4u);
  EXPECT_TRUE(nearest({}, query, 5).empty());
}

TEST(Gallery, FolderTakesPicturesOnly) {
  ScratchFolder folder;
  std::filesystem::create_directories(folder.path / "pictures/below");
  writePng(folder.file("pictures/b.PNG"), 3, 5);
  writePng(folder.file("pictures/below/a.png"), 40, 20);
  writeText(folder.file("pictures/notes.txt"), "not a picture");
  auto gallery = galleryOf({folder.file("pictures")});
  ASSERT_TRUE(gallery) << gallery.status().message();
  ASSERT_EQ((*gallery)->size(), 2u);
  EXPECT_NE((*gallery)->title(0).find("b.PNG"), std::string::npos);
  auto session = toyClipSession(folder);
  auto sizes = dualEncoderSizes(session->module().manifest());
  ASSERT_TRUE(sizes);
  std::vector<float> pixels(3 * 14 * 14, -9);
  ASSERT_TRUE((*gallery)->fill(1, *sizes, pixels.data()).isOk());
  for (float value : pixels)
    EXPECT_GT(value, -1.5f);
  auto picture = (*gallery)->picture(1);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->width, picture->height);
}

TEST(Gallery, DamagedAndMissingFilesAreAllNamed) {
  ScratchFolder folder;
  writePng(folder.file("good.png"), 4, 4);
  std::string bytes = readText(folder.file("good.png"));
  writeText(folder.file("cut.png"), bytes.substr(0, bytes.size() / 2));
  writeText(folder.file("text.jpg"), "hello");
  auto gallery =
      galleryOf({folder.file("good.png"), folder.file("cut.png"), folder.file("text.jpg"), folder.file("none.png")});
  ASSERT_FALSE(gallery);
  for (const char *name : {"cut.png", "text.jpg", "none.png"})
    EXPECT_NE(gallery.status().message().find(name), std::string::npos) << gallery.status().message();
  EXPECT_EQ(gallery.status().message().find("good.png"), std::string::npos);
  EXPECT_EQ(gallery.status().message().find('\n'), std::string::npos);
}

TEST(Gallery, EmptyFolderAndEmptySplit) {
  ScratchFolder folder;
  std::filesystem::create_directories(folder.path / "empty");
  auto gallery = galleryOf({folder.file("empty")});
  ASSERT_FALSE(gallery);
  EXPECT_NE(gallery.status().message().find("no .png"), std::string::npos);
  auto dataset = toyShapes(folder);
  EXPECT_EQ((*galleryOf(dataset))->size(), dataset->size());
  EXPECT_EQ((*galleryOf(dataset, data::Split::Test))->size(), 40u);
  auto none = galleryOf(dataset, data::Split::UnseenTest);
  ASSERT_FALSE(none);
  EXPECT_NE(none.status().message().find("unseen-test"), std::string::npos);
}

TEST(Gallery, Classes) {
  ScratchFolder folder;
  auto session = toyClipSession(folder);
  session->initialize(0);
  std::vector<std::string> texts = {"red", "green"};
  auto tokenizer = tokenizer::ClipBpe::train(texts, 520);
  ASSERT_TRUE(tokenizer);
  auto encoder = Encoder::create(*session, *tokenizer);
  std::vector<std::string> forms = {"{}", "a picture of {}."};
  auto classes = embedClasses(*encoder, texts, forms);
  ASSERT_TRUE(classes) << classes.status().message();
  size_t width = encoder->width();
  EXPECT_EQ(classes->size(), 2 * width);
  std::span<const float> first(classes->data(), width);
  auto probabilities = classProbabilities(*classes, first, 100);
  ASSERT_EQ(probabilities.size(), 2u);
  EXPECT_NEAR(probabilities[0] + probabilities[1], 1, 1e-12);
  EXPECT_GT(probabilities[0], probabilities[1]);
  std::vector<std::string> wrong = {"a picture"};
  auto refused = embedClasses(*encoder, texts, wrong);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.status().message().find("has no {}"), std::string::npos);
  EXPECT_NEAR(similarityScale(*session), std::exp(1.6), 1e-4);
}
