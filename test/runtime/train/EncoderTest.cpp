// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards embedding in fixed batches: tails that are padded, sizes around the batch, and files that lack an entry.
#include "runtime/train/Encoder.h"

#include "test/runtime/train/ToyClip.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;
using namespace vlp::training;

namespace {
tokenizer::ClipBpe bytesOnly() {
  std::vector<std::string> texts = {"abab"};
  return *tokenizer::ClipBpe::train(texts, 514);
}
} // namespace

TEST(Encoder, TailsAreTheSameAsWholeBatches) {
  ScratchFolder folder;
  auto session = toyClipSession(folder);
  auto dataset = toyShapes(folder);
  tokenizer::ClipBpe tokenizer = bytesOnly();
  session->initialize(1);
  auto encoder = Encoder::create(*session, tokenizer);
  ASSERT_TRUE(encoder) << encoder.status().message();
  std::vector<uint32_t> items(21);
  for (uint32_t i = 0; i < items.size(); ++i)
    items[i] = i * 3;
  auto all = encoder->items(*dataset, items);
  ASSERT_TRUE(all) << all.status().message();
  size_t width = encoder->width();
  ASSERT_EQ(width, size_t(kToyClipWidth));
  ASSERT_EQ(all->size(), 21 * width);
  for (size_t n : {1u, 7u, 8u, 9u, 16u}) {
    auto part = encoder->items(*dataset, std::span(items).first(n));
    ASSERT_TRUE(part);
    EXPECT_TRUE(std::equal(part->begin(), part->end(), all->begin())) << n;
    EXPECT_EQ(part->size(), n * width);
  }
  for (size_t i = 0; i < 21; ++i) {
    float square = 0;
    for (size_t j = 0; j < width; ++j)
      square += (*all)[i * width + j] * (*all)[i * width + j];
    EXPECT_NEAR(square, 1, 1e-4);
  }
}

TEST(Encoder, NothingToEmbed) {
  ScratchFolder folder;
  auto session = toyClipSession(folder);
  tokenizer::ClipBpe tokenizer = bytesOnly();
  auto encoder = Encoder::create(*session, tokenizer);
  ASSERT_TRUE(encoder);
  auto texts = encoder->texts({});
  ASSERT_TRUE(texts);
  EXPECT_TRUE(texts->empty());
}

TEST(Encoder, ErrorsNameWhatIsWrong) {
  ScratchFolder folder;
  tokenizer::ClipBpe tokenizer = bytesOnly();
  std::vector<std::string> texts = {"x"};
  auto without = toyClipSession(
      folder, 1, [](format::Manifest &manifest) { manifest.mutable_programs(0)->mutable_entries()->RemoveLast(); });
  auto encoder = Encoder::create(*without, tokenizer);
  ASSERT_TRUE(encoder);
  auto result = encoder->texts(texts);
  ASSERT_FALSE(result);
  EXPECT_NE(result.status().message().find("no entry 'encode_text'"), std::string::npos) << result.status().message();

  auto other = toyClipSession(folder, 1, [](format::Manifest &manifest) { manifest.set_architecture("albef"); });
  auto refused = Encoder::create(*other, tokenizer);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.status().message().find("expected a compiled CLIP or CoCa model"), std::string::npos);

  auto longer = toyClipSession(
      folder, 1, [](format::Manifest &manifest) { manifest.mutable_preprocessing()->set_context_length(9); });
  encoder = Encoder::create(*longer, tokenizer);
  result = encoder->texts(texts);
  ASSERT_FALSE(result);
  EXPECT_NE(result.status().message().find("expected 'text' to be i32[?, 9], got i32[8, 8]"), std::string::npos)
      << result.status().message();
}

TEST(Encoder, PicturesThatAreTooSmall) {
  ScratchFolder folder;
  auto session = toyClipSession(folder);
  tokenizer::ClipBpe tokenizer = bytesOnly();
  auto encoder = Encoder::create(*session, tokenizer);
  auto dataset = toyShapes(folder, 12);
  std::vector<uint32_t> items = {0};
  auto result = encoder->items(*dataset, items);
  ASSERT_FALSE(result);
  EXPECT_NE(result.status().message().find("holds pictures of 12 x 12 pixels"), std::string::npos)
      << result.status().message();
  EXPECT_NE(result.status().message().find("--size=16"), std::string::npos);
  EXPECT_TRUE(encoder->items(*toyShapes(folder, 40), items)); // larger ones are shrunk
}
