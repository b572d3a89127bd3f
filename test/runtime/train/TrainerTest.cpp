// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards training on a toy that learns: determinism, resuming bit for bit, numbers that are not finite, limits,
// refusals.
#include "runtime/train/Trainer.h"

#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/train/Vocabulary.h"
#include "test/runtime/data/Shapes.h"
#include "test/runtime/train/ToyClip.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vlp;
using namespace vlp::test;
using namespace vlp::training;

namespace {

struct Recorder : TrainObserver {
  std::vector<StepRecord> steps;
  std::vector<ValidationRecord> validations;
  std::vector<std::string> notes;
  std::function<void(uint64_t)> onStep;
  void noted(const std::string &line) override { notes.push_back(line); }
  void stepped(const StepRecord &record, uint64_t) override {
    steps.push_back(record);
    if (onStep)
      onStep(record.step);
  }
  void validated(const ValidationRecord &record) override { validations.push_back(record); }
};

class Trainer : public testing::Test {
protected:
  TrainOptions options(const std::string &run, uint64_t steps = 40) {
    TrainOptions options;
    options.outDir = folder.file(run);
    options.steps = steps;
    return options;
  }
  Expected<TrainResult> run(const TrainOptions &options, unsigned threads = 1) {
    auto session = toyClipSession(folder, threads);
    recorder = {};
    return train(*session, dataset, options, recorder);
  }
  /// Messages are one line and hold all of these.
  void refused(const Expected<TrainResult> &result, std::initializer_list<const char *> parts) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.status().message().find('\n'), std::string::npos);
    for (const char *part : parts)
      EXPECT_NE(result.status().message().find(part), std::string::npos) << result.status().message();
  }

  ScratchFolder folder;
  std::shared_ptr<const data::Dataset> dataset = toyShapes(folder);
  Recorder recorder;
};

} // namespace

TEST_F(Trainer, Learns) {
  auto result = run(options("run", 400));
  ASSERT_TRUE(result) << result.status().message();
  EXPECT_EQ(result->steps, 400u);
  EXPECT_EQ(result->end, TrainResult::End::Finished);
  ASSERT_EQ(recorder.steps.size(), 400u);
  EXPECT_LT(recorder.steps.back().loss, 0.7f * recorder.steps.front().loss);
  ASSERT_EQ(recorder.validations.size(), 8u);
  EXPECT_GT(recorder.validations.back().sets[0].second.at10, 60); // chance is 25
  EXPECT_EQ(result->checkpoint, folder.file("run/best.safetensors"));
  for (const char *name :
       {"checkpoint.safetensors", "merges.txt", "log.jsonl", "report.html", "step-000400.safetensors"})
    EXPECT_TRUE(std::filesystem::exists(folder.path / "run" / name)) << name;
  auto metadata = readCheckpointMetadata(folder.file("run/best.safetensors"));
  ASSERT_TRUE(metadata);
  EXPECT_EQ(nlohmann::json::parse((*metadata)[bestKey])["step"], result->bestStep);
}

TEST_F(Trainer, SameSeedSameBits) {
  ASSERT_TRUE(run(options("a"), 1));
  auto first = recorder.steps;
  ASSERT_TRUE(run(options("b"), 3));
  std::string a = readText(folder.file("a/checkpoint.safetensors"));
  EXPECT_EQ(a, readText(folder.file("b/checkpoint.safetensors")));
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(first[i].loss, recorder.steps[i].loss) << i;
  TrainOptions other = options("c");
  other.seed = 1;
  ASSERT_TRUE(run(other));
  EXPECT_NE(a, readText(folder.file("c/checkpoint.safetensors")));
}

TEST_F(Trainer, ResumedRunEqualsUninterruptedOne) {
  ASSERT_TRUE(run(options("whole")));
  std::string whole = readText(folder.file("whole/checkpoint.safetensors")),
              best = readText(folder.file("whole/best.safetensors"));
  auto losses = [&](const char *name) {
    std::vector<float> values;
    auto log = readRunLog(folder.file(name));
    for (const StepRecord &record : log->steps)
      values.push_back(record.loss);
    return values;
  };
  for (uint64_t stop : {1u, 10u, 23u, 39u}) { // after the first step, at a validation, between, before the last
    TrainOptions part = options("part");
    part.overwrite = true;
    part.stopAt = stop;
    auto result = run(part);
    ASSERT_TRUE(result) << result.status().message();
    EXPECT_EQ(result->end, TrainResult::End::Stopped);
    EXPECT_EQ(result->steps, stop);
    TrainOptions rest = options("part");
    rest.resume = true;
    result = run(rest, 2);
    ASSERT_TRUE(result) << result.status().message();
    EXPECT_EQ(recorder.steps.front().step, stop + 1);
    EXPECT_EQ(readText(folder.file("part/checkpoint.safetensors")), whole) << stop;
    EXPECT_EQ(readText(folder.file("part/best.safetensors")), best) << stop;
    EXPECT_EQ(losses("part/log.jsonl"), losses("whole/log.jsonl")) << stop;
  }
}

TEST_F(Trainer, ResumeGoesOnFromTheCheckpointWhenTheProcessDied) {
  TrainOptions whole = options("whole");
  whole.checkpointEvery = 5;
  ASSERT_TRUE(run(whole));
  std::string expected = readText(folder.file("whole/checkpoint.safetensors"));
  // Died after step 33: the log is ahead of the last checkpoint, and its last line is cut.
  TrainOptions part = options("part");
  part.checkpointEvery = 5;
  part.stopAt = 30;
  ASSERT_TRUE(run(part));
  std::string log = readText(folder.file("whole/log.jsonl"));
  size_t at = log.find("{\"step\":33,");
  ASSERT_NE(at, std::string::npos);
  writeText(folder.file("part/log.jsonl"), log.substr(0, at + 20));
  part.stopAt.reset();
  part.resume = true;
  ASSERT_TRUE(run(part));
  EXPECT_EQ(readText(folder.file("part/checkpoint.safetensors")), expected);
  EXPECT_EQ(readRunLog(folder.file("part/log.jsonl"))->steps.size(), 40u);
}

TEST_F(Trainer, FinishedRunResumesToNothing) {
  ASSERT_TRUE(run(options("run", 10)));
  std::string before = readText(folder.file("run/checkpoint.safetensors"));
  TrainOptions again = options("run", 10);
  again.resume = true;
  auto result = run(again);
  ASSERT_TRUE(result) << result.status().message();
  EXPECT_TRUE(recorder.steps.empty());
  EXPECT_EQ(readText(folder.file("run/checkpoint.safetensors")), before);
  again.steps = 15; // a longer run goes on
  result = run(again);
  ASSERT_TRUE(result) << result.status().message();
  EXPECT_EQ(recorder.steps.size(), 5u);
}

TEST_F(Trainer, NotFinite) {
  TrainOptions broken = options("run");
  broken.scalars["train.learning_rate"] = 1e38f;
  auto result = run(broken);
  refused(result, {"is not finite", "layer", "checkpoint.safetensors"});
  EXPECT_EQ(result.status().code(), StatusCode::NotFinite);
  uint64_t done = recorder.steps.size();
  EXPECT_NE(result.status().message().find("step " + std::to_string(done + 1) + ":"), std::string::npos)
      << result.status().message();
  EXPECT_NE(result.status().message().find("the state after step " + std::to_string(done) + " "), std::string::npos);
  // The state saved is the one that an uninterrupted run has at that step.
  TrainOptions sound = broken;
  sound.outDir = folder.file("sound");
  sound.stopAt = done;
  ASSERT_TRUE(run(sound));
  EXPECT_EQ(readText(folder.file("run/checkpoint.safetensors")), readText(folder.file("sound/checkpoint.safetensors")));
}

TEST_F(Trainer, StopFlagSavesAndStops) {
  std::atomic<bool> stop = false;
  TrainOptions asked = options("run");
  asked.stop = &stop;
  auto session = toyClipSession(folder);
  recorder.onStep = [&](uint64_t step) { stop = step == 7; };
  auto result = train(*session, dataset, asked, recorder);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->end, TrainResult::End::Stopped);
  EXPECT_EQ(result->steps, 7u);
  EXPECT_EQ(result->total, 40u);
  EXPECT_TRUE(std::filesystem::exists(folder.path / "run/checkpoint.safetensors"));
}

TEST_F(Trainer, TimeLimit) {
  TrainOptions timed = options("run");
  timed.steps.reset();
  timed.timeLimit = 0.4;
  auto result = run(timed);
  ASSERT_TRUE(result) << result.status().message();
  EXPECT_EQ(result->end, TrainResult::End::TimeUp);
  EXPECT_GT(result->steps, 5u);
  EXPECT_LT(result->seconds, 3);
  // The rate came down towards the end, since the schedule followed the clock.
  EXPECT_LT(recorder.steps.back().learningRate, 0.5f * 0.03f);
}

TEST_F(Trainer, WarmUpIsAtMostATenth) {
  ASSERT_TRUE(run(options("run", 40)));
  EXPECT_FLOAT_EQ(recorder.steps[0].learningRate, 0.03f / 4);
  TrainOptions given = options("given", 40);
  given.scalars["train.warmup_steps"] = 20;
  ASSERT_TRUE(run(given));
  EXPECT_FLOAT_EQ(recorder.steps[0].learningRate, 0.03f / 20);
}

TEST_F(Trainer, KeepsTheLastNumberedCheckpoints) {
  TrainOptions many = options("run", 20);
  many.checkpointEvery = 2;
  many.evalEvery = 0;
  many.keep = 3;
  ASSERT_TRUE(run(many));
  EXPECT_TRUE(recorder.validations.empty());
  for (int step = 2; step <= 20; step += 2) {
    std::string name = "run/step-0000" + std::string(step < 10 ? "0" : "") + std::to_string(step) + ".safetensors";
    EXPECT_EQ(std::filesystem::exists(folder.path / name), step >= 16) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path / "run/best.safetensors"));
}

TEST_F(Trainer, NoValidationItems) {
  dataset = toyShapes(folder, kToyClipSide, 1);
  auto result = run(options("run", 5));
  ASSERT_TRUE(result) << result.status().message();
  EXPECT_EQ(result->bestStep, 0u);
  EXPECT_EQ(result->checkpoint, folder.file("run/checkpoint.safetensors"));
}

TEST_F(Trainer, FileWithoutEncodersTrainsWithoutValidation) {
  auto session = toyClipSession(folder, 1, [](format::Manifest &manifest) {
    manifest.mutable_programs(0)->mutable_entries()->DeleteSubrange(1, 2);
  });
  auto result = train(*session, dataset, options("run", 9), recorder);
  ASSERT_TRUE(result) << result.status().message();
  ASSERT_EQ(recorder.notes.size(), 1u);
  EXPECT_NE(recorder.notes[0].find("no entry 'encode_image'"), std::string::npos) << recorder.notes[0];
  EXPECT_EQ(result->steps, 9u);
}

TEST_F(Trainer, ExistingRunIsNotOverwritten) {
  ASSERT_TRUE(run(options("run", 5)));
  std::string before = readText(folder.file("run/checkpoint.safetensors"));
  refused(run(options("run", 5)), {"already holds a run", "--resume", "--overwrite"});
  EXPECT_EQ(readText(folder.file("run/checkpoint.safetensors")), before);
  TrainOptions resumed = options("none");
  resumed.resume = true;
  refused(run(resumed), {"none", "found none"});
}

TEST_F(Trainer, ResumeRefusesOtherSettings) {
  TrainOptions first = options("run");
  first.stopAt = 5;
  ASSERT_TRUE(run(first));
  TrainOptions again = options("run");
  again.resume = true;
  again.seed = 9;
  refused(run(again), {"--seed"});
  again = options("run");
  again.resume = true;
  again.scalars["train.learning_rate"] = 1;
  refused(run(again), {"train.learning_rate", "0.030000", "1.000000"});
  again.scalars.clear();
  dataset = toyShapes(folder, kToyClipSide, 5);
  refused(run(again), {"dataset"});
}

TEST_F(Trainer, UnknownScalar) {
  TrainOptions wrong = options("run");
  wrong.scalars["train.learning_speed"] = 1;
  refused(run(wrong), {"train.learning_speed", "train.learning_rate"});
  EXPECT_FALSE(std::filesystem::exists(folder.path / "run"));
}

TEST_F(Trainer, SmallPictures) {
  dataset = toyShapes(folder, 12);
  refused(run(options("run")), {"12 x 12", "--size=16"});
}

TEST_F(Trainer, PlantedTestItemIsRefused) {
  data::DatasetInfo info = dataset->info();
  auto writer = data::DatasetWriter::create(folder.path / "planted", info);
  ASSERT_TRUE(writer);
  for (size_t i = 0; i < dataset->size(); ++i) {
    ASSERT_TRUE((*writer)->add(dataset->item(i), dataset->pixels(i)).isOk());
    if (i + 1 < dataset->size())
      continue;
    data::Item copy = dataset->item(i);
    ASSERT_EQ(copy.split, data::Split::Test);
    copy.split = data::Split::Train;
    copy.key += "-copy";
    ASSERT_TRUE((*writer)->add(copy, dataset->pixels(i)).isOk());
  }
  ASSERT_TRUE((*writer)->finish().isOk());
  dataset = *data::Dataset::open(folder.path / "planted");
  refused(run(options("run")), {"held-out items would be trained on", "ring"});
  EXPECT_FALSE(std::filesystem::exists(folder.path / "run"));
}

TEST_F(Trainer, StartsFromWeights) {
  ASSERT_TRUE(run(options("first", 100)));
  float before = recorder.steps.back().loss;
  TrainOptions second = options("second", 5);
  second.initFrom = folder.file("first");
  second.scalars["train.learning_rate"] = 0;
  ASSERT_TRUE(run(second));
  EXPECT_LT(recorder.steps.back().loss, 1.5f * before + 0.3f);
  second.outDir = folder.file("third");
  second.initFrom = folder.file("nowhere");
  refused(run(second), {"nowhere"});
}
