// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the dataset file: what is written is read back, equal inputs give equal bytes, damage gives one line.
#include "runtime/data/DatasetFormat.h"
#include "test/runtime/data/Shapes.h"
#include "test/runtime/data/TestImages.h"

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

TEST(Dataset, ReadsBackWhatWasWritten) {
  ScratchDirectory dir;
  ASSERT_TRUE(writeShapes(dir.path(), {.side = 16, .perName = 4}).isOk());
  Expected<std::shared_ptr<const Dataset>> opened = Dataset::open(dir.path());
  ASSERT_TRUE(opened) << opened.status().message();
  const Dataset &dataset = **opened;
  ASSERT_EQ(dataset.size(), size_t(4 * numShapes));
  EXPECT_EQ(dataset.side(), 16);
  EXPECT_EQ(dataset.info().kind, "shapes");
  for (int i : {0, 17, numShapes + 3}) {
    Shape shape = shapeAt(i % numShapes);
    EXPECT_EQ(dataset.item(i).name(), shape.name());
    EXPECT_EQ(dataset.item(i).pairId, i % numShapes);
    Bytes expected = drawShape(shape, 16, 0, i / numShapes).rgb;
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), dataset.pixels(i).begin()));
  }
  EXPECT_EQ(dataset.indices(Split::Train).size(), size_t(2 * numShapes));
  EXPECT_EQ(dataset.scored(Split::Test).size(), size_t(numShapes));
  EXPECT_EQ(dataset.evaluationSplits(true), std::vector{Split::Test});
  EXPECT_EQ(dataset.evaluationSplits(false), std::vector{Split::Val});
  EXPECT_EQ(dataset.trainingTexts().size(), size_t(2 * numShapes * 4));
}

TEST(Dataset, EqualInputsGiveEqualFiles) {
  ScratchDirectory a, b, c;
  ASSERT_TRUE(writeShapes(a.path()).isOk() && writeShapes(b.path()).isOk() &&
              writeShapes(c.path(), {.seed = 1}).isOk());
  EXPECT_EQ(*readFile(a / datasetFileName), *readFile(b / datasetFileName));
  EXPECT_EQ((*Dataset::open(a.path()))->fingerprint(), (*Dataset::open(b.path()))->fingerprint());
  EXPECT_NE((*Dataset::open(a.path()))->fingerprint(), (*Dataset::open(c.path()))->fingerprint());
}

TEST(Dataset, NothingAppearsBeforeFinish) {
  ScratchDirectory dir;
  {
    DatasetInfo info;
    info.kind = "shapes";
    info.side = 2;
    auto writer = DatasetWriter::create(dir.path(), info);
    ASSERT_TRUE(writer);
    Item item;
    item.captions = {"one"};
    EXPECT_FALSE((*writer)->add(item, Bytes(11)).isOk()) << "wrong number of bytes";
    EXPECT_TRUE((*writer)->add(item, Bytes(12)).isOk());
    item.captions = {""};
    EXPECT_FALSE((*writer)->add(item, Bytes(12)).isOk()) << "empty caption";
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(Dataset, AnEmptyOneIsReadable) {
  ScratchDirectory dir;
  ASSERT_TRUE(writeShapes(dir.path(), {.perName = 0}).isOk());
  auto dataset = Dataset::open(dir.path());
  ASSERT_TRUE(dataset) << dataset.status().message();
  EXPECT_EQ((*dataset)->size(), 0u);
  EXPECT_TRUE((*dataset)->evaluationSplits(true).empty());
}

namespace {
class DamagedDataset : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(writeShapes(dir.path(), {.side = 4, .perName = 1}).isOk());
    bytes = *readFile(dir / datasetFileName);
  }
  std::string errorOf(const Bytes &content) {
    writeFile(dir / datasetFileName, content);
    auto dataset = Dataset::open(dir.path());
    return dataset ? "" : dataset.status().message();
  }
  ScratchDirectory dir;
  Bytes bytes;
};
} // namespace

TEST_F(DamagedDataset, EveryTruncationIsOneLine) {
  for (size_t length = 0; length < bytes.size(); length += length < 80 ? 1 : 97) {
    std::string error = errorOf(Bytes(bytes.begin(), bytes.begin() + ptrdiff_t(length)));
    ASSERT_FALSE(error.empty()) << length;
    EXPECT_EQ(error.find('\n'), std::string::npos);
    EXPECT_NE(error.find(datasetFileName), std::string::npos);
  }
  bytes.push_back(0);
  EXPECT_NE(errorOf(bytes).find("its preamble says"), std::string::npos);
}

TEST_F(DamagedDataset, EveryFlippedByteIsNoticed) {
  for (size_t at = 0; at < bytes.size(); at += at < 64 || at > 4096 ? 41 : 500) {
    if (at >= sizeof(DatasetPreamble) && at < datasetPixelOffset)
      continue; // the gap holds nothing
    Bytes damaged = bytes;
    damaged[at] ^= 0x10;
    EXPECT_FALSE(errorOf(damaged).empty()) << "byte " << at;
  }
}

TEST_F(DamagedDataset, OtherVersionsAreNamed) {
  bytes[8] = 9;
  EXPECT_NE(errorOf(bytes).find("dataset of version 9, this program reads version 1"), std::string::npos);
}

TEST_F(DamagedDataset, PixelDamageIsOptional) {
  bytes[datasetPixelOffset + 5] ^= 1;
  EXPECT_NE(errorOf(bytes).find("checksum of the pixels"), std::string::npos);
  EXPECT_TRUE(Dataset::open(dir.path(), {.verifyPixels = false}));
}

TEST(Dataset, MissingFileSaysHowToMakeOne) {
  ScratchDirectory dir;
  auto dataset = Dataset::open(dir / "none");
  ASSERT_FALSE(dataset);
  EXPECT_NE(dataset.status().message().find("vlp-run data prepare"), std::string::npos);
}
