// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the baseline's arithmetic on a dataset small enough to work out by hand.
#include "runtime/data/PixelBaseline.h"
#include "test/runtime/data/Shapes.h"
#include "test/runtime/data/TestImages.h"

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

TEST(PixelBaseline, WordOverlapIsF1) {
  EXPECT_DOUBLE_EQ(wordOverlap("red circle", "red circle"), 1);
  EXPECT_DOUBLE_EQ(wordOverlap("red circle", "Red square"), 0.5);
  EXPECT_DOUBLE_EQ(wordOverlap("a a b", "a"), 0.5) << "a multiset";
  EXPECT_DOUBLE_EQ(wordOverlap("", ""), 0);
  EXPECT_DOUBLE_EQ(wordOverlap("x", ""), 0);
}

/// Three test pictures: the neighbours of the first two are called exactly right, the third's says nothing.
TEST(PixelBaseline, TiesCountWithTheirProbability) {
  ScratchDirectory dir;
  DatasetInfo info;
  info.kind = "shapes";
  info.side = 2;
  auto writer = DatasetWriter::create(dir.path(), info);
  auto add = [&](const char *name, const char *group, uint8_t value, Split split) {
    Item item;
    item.captions = {name};
    item.group = group;
    item.split = split;
    ASSERT_TRUE((*writer)->add(item, Bytes(12, value)).isOk());
  };
  add("red dot", "g", 10, Split::Train);
  add("blue box", "g", 100, Split::Train);
  add("noise", "g", 200, Split::Train);
  add("noise", "g", 201, Split::Train);
  add("red dot", "g", 12, Split::Test);
  add("blue box", "h", 90, Split::Test);
  add("green ring", "h", 203, Split::Test);
  ASSERT_TRUE((*writer)->finish().isOk());
  auto reports = pixelBaseline(**Dataset::open(dir.path()), true);
  ASSERT_TRUE(reports) << reports.status().message();
  ASSERT_EQ(reports->size(), 1u);
  const BaselineReport &report = reports->front();
  EXPECT_EQ(report.items, 3u);
  EXPECT_NEAR(report.imageToText.at1, 100 * (1 + 1 + 1 / 3.0) / 3, 1e-9) << "the third guesses among three";
  EXPECT_NEAR(report.textToImage.at1, 100 * (1 + 1 + 1 / 3.0) / 3, 1e-9);
  EXPECT_NEAR(report.chance.at1, 100 / 3.0, 1e-9);
  EXPECT_NEAR(report.chance.at5, 100, 1e-9);
  EXPECT_NEAR(report.groupOracle.at1, 100 * (1 + 0.5 + 0.5) / 3, 1e-9);
  EXPECT_NEAR(report.neighbourExact, 200 / 3.0, 1e-9);
  EXPECT_NEAR(report.neighbourF1, 2 / 3.0, 1e-9);
}

TEST(PixelBaseline, WithoutTrainingItemsThereIsNone) {
  ScratchDirectory dir;
  ASSERT_TRUE(writeShapes(dir.path(), {.perName = 0}).isOk());
  EXPECT_FALSE(pixelBaseline(**Dataset::open(dir.path()), true));
}

TEST(PixelBaseline, ShapesAreFoundAgain) {
  ScratchDirectory dir;
  ASSERT_TRUE(writeShapes(dir.path(), {.perName = 8}).isOk());
  auto reports = pixelBaseline(**Dataset::open(dir.path()), true);
  ASSERT_TRUE(reports);
  EXPECT_GT(reports->front().mean.at5, 2 * reports->front().chance.at5);
}
