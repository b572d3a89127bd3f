// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the loader's promise: batch k is the same whatever was read before, with or without threads, and after a
// resume.
#include "runtime/data/Loader.h"
#include "runtime/tokenizer/ClipBpe.h"
#include "test/runtime/data/Shapes.h"
#include "test/runtime/data/TestImages.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

namespace {
class LoaderTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(writeShapes(dir / "a").isOk());
    ASSERT_TRUE(writeShapes(dir / "b", {.perName = 3, .seed = 9}).isOk());
    dataset = *Dataset::open(dir / "a");
    other = *Dataset::open(dir / "b");
    tokenizer = std::make_shared<tokenizer::ClipBpe>(*tokenizer::ClipBpe::train(dataset->trainingTexts(), 600));
    options.batch = 7;
    options.contextLength = 12;
    options.image.size = 28;
    options.seed = 11;
  }
  std::unique_ptr<Loader> make(std::vector<Stream> streams = {}) {
    if (streams.empty())
      streams = {{"shapes", dataset}};
    auto loader = Loader::create(std::move(streams), tokenizer, options);
    EXPECT_TRUE(loader) << loader.status().message();
    return std::move(*loader);
  }
  static void expectEqual(const Batch &a, const Batch &b) {
    EXPECT_EQ(a.step, b.step);
    EXPECT_EQ(a.images, b.images);
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_EQ(a.pairIds, b.pairIds);
    EXPECT_EQ(a.items, b.items);
    EXPECT_EQ(a.streams, b.streams);
  }

  ScratchDirectory dir;
  std::shared_ptr<const Dataset> dataset, other;
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer;
  LoaderOptions options;
};
} // namespace

TEST_F(LoaderTest, BatchesHaveTheirShapes) {
  auto batch = make()->next();
  EXPECT_EQ(batch->rows, 7);
  EXPECT_EQ(batch->images.size(), size_t(7 * 3 * 28 * 28));
  EXPECT_EQ(batch->tokens.size(), size_t(7 * 12));
  EXPECT_EQ(batch->pairIds.size(), 7u);
  for (int row = 0; row < 7; ++row) {
    EXPECT_EQ(batch->tokens[size_t(row) * 12], tokenizer->vocabularySize() - 2);
    EXPECT_EQ(dataset->item(batch->items[row]).split, Split::Train);
  }
}

TEST_F(LoaderTest, PrefetchAndSeekDoNotChangeBatches) {
  for (Crop crop : {Crop::Offset, Crop::RandomResized}) {
    options.augment.crop = crop;
    options.augment.mirror = true;
    options.prefetch = 0;
    auto plain = make();
    options.prefetch = 3;
    auto threaded = make();
    std::vector<std::shared_ptr<const Batch>> batches;
    for (int i = 0; i < 30; ++i) {
      batches.push_back(plain->next());
      expectEqual(*batches.back(), *threaded->next());
    }
    for (uint64_t step : {3, 29, 0, 12}) {
      plain->seek(step);
      threaded->seek(step);
      EXPECT_EQ(threaded->step(), step);
      expectEqual(*batches[step], *plain->next());
      expectEqual(*batches[step], *threaded->next());
    }
  }
}

TEST_F(LoaderTest, AResumedLoaderGoesOnWhereItWas) {
  std::vector<Stream> streams = {{"a", dataset, 3}, {"b", other, 1}};
  auto first = make(streams);
  for (int i = 0; i < 25; ++i)
    (void)first->next();
  std::string position = first->position();
  auto second = make(streams);
  (void)second->next();
  ASSERT_TRUE(second->restore(position).isOk());
  EXPECT_EQ(second->position(), position);
  expectEqual(*first->next(), *second->next());
}

TEST_F(LoaderTest, PositionsOfOtherRunsAreRefused) {
  std::string position = make({{"a", dataset}})->position();
  auto expectRefused = [&](std::unique_ptr<Loader> loader, const char *what) {
    Status status = loader->restore(position);
    EXPECT_NE(status.message().find(what), std::string::npos) << status.message();
  };
  expectRefused(make({{"a", other}}), "dataset of data stream 0");
  expectRefused(make({{"x", dataset}}), "name of data stream 0");
  expectRefused(make({{"a", dataset}, {"b", other}}), "number of data streams");
  options.seed = 12;
  expectRefused(make({{"a", dataset}}), "seed");
  options.batch = 8;
  options.seed = 11;
  expectRefused(make({{"a", dataset}}), "batch");
  for (const char *damaged :
       {"", "[]", "{}", "{\"step\":-1}", "{\"step\":1,\"seed\":11,\"batch\":8,\"streams\":[3]}", "nonsense"})
    EXPECT_FALSE(make({{"a", dataset}})->restore(damaged).isOk()) << damaged;
}

TEST_F(LoaderTest, AnEpochShowsEveryItemOnce) {
  options.batch = 8;
  auto loader = make();
  ASSERT_EQ(loader->itemsPerEpoch(), 80u);
  std::vector<uint32_t> orders[2];
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (int i = 0; i < 10; ++i) {
      auto batch = loader->next();
      orders[epoch].insert(orders[epoch].end(), batch->items.begin(), batch->items.end());
    }
    EXPECT_EQ(std::set<uint32_t>(orders[epoch].begin(), orders[epoch].end()).size(), 80u);
  }
  EXPECT_NE(orders[0], orders[1]);
}

// Five names with two drawings each, and one drawing of a sixth: as items, 10 to 1; as concepts, 5 to 1.
TEST_F(LoaderTest, ConceptsAreDrawnEvenly) {
  std::map<std::string, std::vector<uint32_t>> byName;
  for (uint32_t index : dataset->indices(Split::Train))
    byName[dataset->item(index).name()].push_back(index);
  Stream stream{"a", dataset};
  for (const auto &[name, items] : byName) {
    ASSERT_EQ(items.size(), 2u);
    bool isLast = stream.items.size() == 10;
    stream.items.insert(stream.items.end(), items.begin(), items.end() - isLast);
    if (isLast)
      break;
  }
  options.batch = 11; // an epoch
  options.prefetch = 0;
  const uint32_t single = stream.items.back();
  constexpr int kEpochs = 300;
  for (auto [balance, share] : {std::pair{0.0, 1.0}, {0.5, 11 / (1 + 10 / std::sqrt(2))}, {1.0, 11.0 / 6}}) {
    options.conceptBalance = float(balance);
    auto loader = make({stream});
    EXPECT_EQ(loader->itemsPerEpoch(), 11u);
    std::map<uint32_t, int> drawn;
    for (int epoch = 0; epoch < kEpochs; ++epoch) {
      std::map<uint32_t, int> ofEpoch;
      auto batch = loader->next();
      for (uint32_t index : batch->items)
        ++ofEpoch[index];
      for (uint32_t index : stream.items) { // its share, rounded up or down
        double expected = index == single ? share : (11 - share) / 10;
        EXPECT_GE(ofEpoch[index], int(expected - 1e-6));
        EXPECT_LE(ofEpoch[index], int(expected - 1e-6) + 1);
        drawn[index] += ofEpoch[index];
      }
    }
    // Three standard deviations of a sum of draws between two neighbouring numbers.
    EXPECT_NEAR(drawn[single] / double(kEpochs), share, 3 * 0.5 / std::sqrt(kEpochs)) << balance;
    auto late = loader->next();
    loader->seek(kEpochs);
    expectEqual(*late, *loader->next());
  }
}

TEST_F(LoaderTest, StreamsGetRowsByWeight) {
  options.batch = 16;
  auto loader = make({{"a", dataset, 3}, {"b", other, 1}});
  std::map<int, int> rows;
  std::map<std::string, int32_t> ids;
  for (int i = 0; i < 64; ++i) {
    auto batch = loader->next();
    for (int row = 0; row < 16; ++row) {
      ++rows[batch->streams[row]];
      const Dataset &source = batch->streams[row] ? *other : *dataset;
      auto [known, isNew] = ids.emplace(source.item(batch->items[row]).name(), batch->pairIds[row]);
      EXPECT_EQ(known->second, batch->pairIds[row]) << "equal names are positives across streams";
    }
  }
  EXPECT_EQ(rows[0], 768);
  EXPECT_EQ(rows[1], 256);
}

TEST_F(LoaderTest, SeedsDiffer) {
  auto a = make()->next();
  options.seed = 12;
  auto b = make()->next();
  EXPECT_NE(a->images, b->images);
}

TEST_F(LoaderTest, SenselessOptionsAreRefused) {
  auto expectRefused = [&](auto change) {
    LoaderOptions bad = options;
    change(bad);
    EXPECT_FALSE(Loader::create({{"a", dataset}}, tokenizer, bad));
  };
  expectRefused([](LoaderOptions &o) { o.batch = 0; });
  expectRefused([](LoaderOptions &o) { o.contextLength = 1; });
  expectRefused([](LoaderOptions &o) { o.image.size = 0; });
  expectRefused([](LoaderOptions &o) { o.image.cropFraction = 0; });
  expectRefused([](LoaderOptions &o) { o.image.deviation[1] = 0; });
  expectRefused([](LoaderOptions &o) { o.augment.scaleMin = 0; });
  expectRefused([](LoaderOptions &o) { o.augment.brightnessMax = 0.1f; });
  expectRefused([](LoaderOptions &o) { o.prefetch = -1; });
  expectRefused([](LoaderOptions &o) { o.conceptBalance = -0.1f; });
  expectRefused([](LoaderOptions &o) { o.conceptBalance = 1.1f; });
  EXPECT_FALSE(Loader::create({}, tokenizer, options));
  EXPECT_FALSE(Loader::create({{"a", dataset, 0}}, tokenizer, options));
  EXPECT_FALSE(Loader::create({{"a", nullptr}}, tokenizer, options));
  EXPECT_FALSE(Loader::create({{"a", dataset, 1}, {"b", other, 1e-6}}, tokenizer, options));
  EXPECT_FALSE(Loader::create({{"a", dataset, 1, {99999}}}, tokenizer, options));
}

TEST_F(LoaderTest, EvaluationTakesNamesAndCentreCrops) {
  std::vector<uint32_t> items = dataset->scored(Split::Test);
  Batch batch = evaluationBatch(*dataset, items, *tokenizer, 12, options.image);
  EXPECT_EQ(batch.rows, int(items.size()));
  std::vector<int32_t> expected = tokenizer->encode(dataset->item(items[5]).name(), 12);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), batch.tokens.begin() + 5 * 12));
  std::vector<float> image(3 * 28 * 28);
  evaluationImage(*dataset, items[5], options.image, image.data());
  EXPECT_TRUE(std::equal(image.begin(), image.end(), batch.images.begin() + 5 * 3 * 28 * 28));
  EXPECT_EQ(evaluationBatch(*dataset, {}, *tokenizer, 12, options.image).rows, 0);
}
