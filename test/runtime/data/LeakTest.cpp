// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that nothing held out can be trained on: planted items of every kind are refused.
#include "runtime/data/Loader.h"
#include "runtime/tokenizer/ClipBpe.h"
#include "test/runtime/data/Shapes.h"
#include "test/runtime/data/TestImages.h"

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

namespace {
struct Planted {
  const char *name, *style, *group;
  std::optional<Split> mark; ///< instead of the one that the rules give
};
} // namespace

static std::shared_ptr<const Dataset> makeEmoji(const ScratchDirectory &dir, const std::vector<Planted> &items,
                                                const std::string &salt = "") {
  DatasetInfo info;
  info.kind = "emoji";
  info.salt = salt;
  info.side = 4;
  auto writer = DatasetWriter::create(dir.path(), info);
  uint8_t shade = 0;
  for (const Planted &planted : items) {
    Item item;
    item.captions = {planted.name};
    item.style = planted.style;
    item.group = planted.group;
    item.split = planted.mark ? *planted.mark : emojiSplit(planted.name, planted.style, planted.group, salt);
    EXPECT_TRUE((*writer)->add(item, Bytes(48, ++shade)).isOk());
  }
  EXPECT_TRUE((*writer)->finish().isOk());
  return *Dataset::open(dir.path());
}

static std::string leakOf(const std::vector<Planted> &items) {
  ScratchDirectory dir;
  return verifyNoLeak(*makeEmoji(dir, items)).message();
}

static const std::vector<Planted> sound = {
    {"hamster", "noto", "Animals & Nature", {}},   {"hamster", "gemojione", "Animals & Nature", {}},
    {"linked paperclips", "noto", "Objects", {}},  {"linked paperclips", "gemojione", "Objects", {}},
    {"woman artist", "noto", "People & Body", {}}, {"fairy: medium skin tone", "noto", "People & Body", {}}};

TEST(Leak, ASoundDatasetPasses) { EXPECT_EQ(leakOf(sound), ""); }

TEST(Leak, AHeldOutItemMarkedTrainIsRefused) {
  for (Planted planted : {Planted{"man artist", "noto", "People & Body", Split::Train},
                          Planted{"gorilla", "gemojione", "Animals & Nature", Split::Train},
                          Planted{"waving hand: dark skin tone", "gemojione", "People & Body", Split::Train}}) {
    std::vector<Planted> items = sound;
    items.push_back(planted);
    EXPECT_NE(leakOf(items).find(std::string("\"") + planted.name + "\""), std::string::npos) << leakOf(items);
  }
}

/// With marks that the rules would give under another salt, the two datasets contradict each other.
TEST(Leak, DatasetsOfDifferentSaltsAreRefusedTogether) {
  ScratchDirectory a, b;
  auto plain = makeEmoji(a, sound);
  auto salted =
      makeEmoji(b, {{"woman artist", "noto", "People & Body", {}}, {"hamster", "noto", "Animals & Nature", {}}}, "f1");
  auto tokenizer = std::make_shared<tokenizer::ClipBpe>(*tokenizer::ClipBpe::train(plain->trainingTexts(), 520));
  LoaderOptions options;
  options.batch = 2;
  options.image.size = 4;
  ASSERT_TRUE(Loader::create({{"a", plain}}, tokenizer, options));
  ASSERT_TRUE(Loader::create({{"b", salted}}, tokenizer, options));
  auto both = Loader::create({{"a", plain}, {"b", salted}}, tokenizer, options);
  ASSERT_FALSE(both);
  EXPECT_NE(both.status().message().find("woman artist"), std::string::npos) << both.status().message();
  options.heldOut = {plain};
  EXPECT_FALSE(Loader::create({{"b", salted}}, tokenizer, options)) << "the test set counts though it is no stream";
}

TEST(Leak, APictureThatIsAlsoATestItemIsRefused) {
  ScratchDirectory dir;
  DatasetInfo info;
  info.kind = "folder";
  info.side = 4;
  for (bool samePixels : {false, true}) {
    auto writer = DatasetWriter::create(dir.path(), info);
    Item item;
    item.captions = {"a dog"};
    item.key = "a.png";
    ASSERT_TRUE((*writer)->add(item, Bytes(48, 7)).isOk());
    item.key = "b.png";
    item.split = Split::Test;
    ASSERT_TRUE((*writer)->add(item, Bytes(48, samePixels ? 7 : 8)).isOk());
    ASSERT_TRUE((*writer)->finish().isOk());
    EXPECT_EQ(verifyNoLeak(**Dataset::open(dir.path())).isOk(), !samePixels);
  }
}

TEST(Leak, AStreamThatNamesATestItemIsRefused) {
  ScratchDirectory dir;
  ASSERT_TRUE(writeShapes(dir.path()).isOk());
  auto dataset = *Dataset::open(dir.path());
  auto tokenizer = std::make_shared<tokenizer::ClipBpe>(*tokenizer::ClipBpe::train(dataset->trainingTexts(), 600));
  LoaderOptions options;
  options.image.size = 28;
  for (Split split : {Split::Test, Split::Val}) {
    Stream stream{"shapes", dataset};
    stream.items = dataset->indices(Split::Train);
    stream.items.push_back(dataset->indices(split)[3]);
    auto loader = Loader::create({stream}, tokenizer, options);
    ASSERT_FALSE(loader);
    EXPECT_NE(loader.status().message().find("must not be trained on"), std::string::npos) << loader.status().message();
  }
}

TEST(Leak, ManyProblemsAreListedAndCounted) {
  std::vector<Planted> items;
  for (int i = 0; i < 30; ++i)
    items.push_back({"woman artist", "noto", "People & Body", Split::Train});
  EXPECT_NE(leakOf(items).find("and 20 more"), std::string::npos);
}
