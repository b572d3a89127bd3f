// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the scoring of checkpoints: sets, means over checkpoints, intervals, and the three forms of the report.
#include "runtime/train/Evaluation.h"

#include "test/runtime/train/ToyClip.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vlp;
using namespace vlp::test;
using namespace vlp::training;

namespace {
RetrievalRanks ranksOf(std::vector<uint32_t> images, std::vector<uint32_t> texts) {
  return {std::move(images), std::move(texts)};
}

EvaluationReport twoCheckpoints() {
  EvaluationReport report;
  report.model = "m";
  report.dataset = "d";
  report.checkpoints = {"a", "b"};
  report.bootstrapRounds = 200;
  std::vector<std::vector<SetRanks>> ranks = {{{data::Split::Test, ranksOf({1, 1, 2, 20}, {1, 2, 3, 4})}},
                                              {{data::Split::Test, ranksOf({1, 1, 1, 1}, {1, 1, 1, 1})}}};
  data::BaselineReport baseline;
  baseline.split = data::Split::Test;
  baseline.mean = {11, 22, 33};
  baseline.chance = {25, 100, 100};
  report.sets = summarise(ranks, {baseline}, report.bootstrapRounds);
  return report;
}
} // namespace

TEST(Evaluation, SummaryOverCheckpoints) {
  EvaluationReport report = twoCheckpoints();
  ASSERT_EQ(report.sets.size(), 1u);
  const SetReport &set = report.sets[0];
  EXPECT_EQ(set.items, 4u);
  EXPECT_DOUBLE_EQ(set.checkpoints[0].mean.at1, 37.5); // (50 + 25) / 2
  EXPECT_DOUBLE_EQ(set.at1.value, (37.5 + 100) / 2);
  EXPECT_DOUBLE_EQ(set.mean.mean.at1, set.at1.value);
  EXPECT_LE(set.at1.items.low, set.at1.value);
  EXPECT_GE(set.at1.items.high, set.at1.value);
  EXPECT_LT(set.at1.seeds.low, set.at1.items.low); // two checkpoints that differ say little
  ASSERT_TRUE(set.baseline);
}

TEST(Evaluation, SelectionIsTheMeanOverSets) {
  std::vector<SetRanks> sets = {{data::Split::Val, ranksOf({1}, {1})}, {data::Split::CrossVal, ranksOf({7}, {7})}};
  EXPECT_NEAR(selectionScore(sets), (100 + 100.0 / 3) / 2, 1e-9);
}

TEST(Evaluation, TableAndJson) {
  EvaluationReport report = twoCheckpoints();
  std::string text = report.table().text();
  for (const char *part : {"model, mean of 2", "interval over checkpoints", "pixel baseline", "chance", "68.8 ["})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  auto json = nlohmann::json::parse(report.json());
  EXPECT_EQ(json["sets"][0]["set"], "test");
  EXPECT_DOUBLE_EQ(json["sets"][0]["R@1"]["value"], 68.75);
  EXPECT_DOUBLE_EQ(json["sets"][0]["baselines"]["pixel"]["R@10"], 33);
  EXPECT_EQ(json["sets"][0]["checkpoints"].size(), 2u);
}

TEST(Evaluation, HtmlIsWritten) {
  ScratchFolder folder;
  ASSERT_TRUE(twoCheckpoints().saveHtml(folder.file("e.html")).isOk());
  EXPECT_NE(readText(folder.file("e.html")).find("pixel baseline"), std::string::npos);
}

TEST(Evaluation, SetsOfADataset) {
  ScratchFolder folder;
  auto session = toyClipSession(folder);
  auto dataset = toyShapes(folder);
  std::vector<std::string> texts = dataset->trainingTexts();
  auto tokenizer = tokenizer::ClipBpe::train(texts, 600);
  ASSERT_TRUE(tokenizer);
  session->initialize(0);
  auto encoder = Encoder::create(*session, *tokenizer);
  size_t last = 0;
  auto sets = evaluateSets(*encoder, *dataset, true, [&](size_t done) { last = done; });
  ASSERT_TRUE(sets) << sets.status().message();
  ASSERT_EQ(sets->size(), 1u);
  EXPECT_EQ(sets->front().ranks.imageToText.size(), 40u);
  EXPECT_EQ(last, 2 * evaluationItems(*dataset, true));
  EXPECT_LT(score(sets->front().ranks).mean.at1, 30); // weights are random

  auto onlyTraining = toyShapes(folder, kToyClipSide, 1);
  auto none = evaluateSets(*encoder, *onlyTraining, false);
  ASSERT_FALSE(none);
  EXPECT_NE(none.status().message().find("has no validation items to score"), std::string::npos);
}
