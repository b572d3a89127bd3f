// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the log's round trip, what a resumed run keeps of it, and damaged logs.
#include "runtime/train/RunLog.h"

#include "test/runtime/train/ToyClip.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;
using namespace vlp::training;

static void fill(RunLog &log, uint64_t from, uint64_t to) {
  for (uint64_t step = from; step <= to; ++step) {
    ASSERT_TRUE(log.write(StepRecord{step, 1.0f / float(step), 0.001f, 2, 14.25f, 1000, float(step)}).isOk());
    if (step % 2 == 0)
      ASSERT_TRUE(log.write(ValidationRecord{step, {{"val", {1, 2, 3}}}, 2, step == 2}).isOk());
  }
}

TEST(RunLog, RoundTrip) {
  ScratchFolder folder;
  auto log = RunLog::create(folder.file("log"), R"({"settings": {"seed": 3}})");
  ASSERT_TRUE(log);
  fill(*log, 1, 3);
  auto history = readRunLog(folder.file("log"));
  ASSERT_TRUE(history) << history.status().message();
  EXPECT_EQ(history->header, R"({"settings": {"seed": 3}})");
  ASSERT_EQ(history->steps.size(), 3u);
  EXPECT_EQ(history->steps[2].loss, 1.0f / 3);
  EXPECT_EQ(history->steps[2].learningRate, 0.001f);
  ASSERT_EQ(history->validations.size(), 1u);
  EXPECT_EQ(history->validations[0].sets[0].second.at10, 3);
  EXPECT_TRUE(history->validations[0].best);
  EXPECT_NE(readText(folder.file("log")).find("\"learning_rate\":0.001,"),
            std::string::npos); // not 0.0010000000474974513
}

TEST(RunLog, ResumeDropsWhatComesAgain) {
  ScratchFolder folder;
  std::string path = folder.file("log");
  {
    auto log = RunLog::create(path, "{\"a\": 1}");
    fill(*log, 1, 6);
  }
  std::string whole = readText(path);
  {
    auto log = RunLog::resume(path, "{\"b\": 2}", 4);
    ASSERT_TRUE(log) << log.status().message();
    EXPECT_EQ(log->history().steps.size(), 4u);
    fill(*log, 5, 6);
  }
  EXPECT_EQ(readText(path), whole); // the first header stays
}

TEST(RunLog, ResumeWithoutALogStartsOne) {
  ScratchFolder folder;
  auto log = RunLog::resume(folder.file("log"), "{\"b\": 2}", 4);
  ASSERT_TRUE(log);
  EXPECT_EQ(readText(folder.file("log")), "{\"b\": 2}\n");
}

TEST(RunLog, CutAndDamagedLines) {
  ScratchFolder folder;
  std::string path = folder.file("log");
  {
    auto log = RunLog::create(path, "{\"a\": 1}");
    fill(*log, 1, 3);
  }
  std::string whole = readText(path);
  writeText(path, whole.substr(0, whole.size() - 7));
  auto history = readRunLog(path);
  ASSERT_TRUE(history);
  EXPECT_EQ(history->steps.size(), 2u);
  writeText(path, "{\"a\": 1}\n{\"step\": 1}\n");
  history = readRunLog(path);
  ASSERT_FALSE(history);
  EXPECT_NE(history.status().message().find("log:2:"), std::string::npos) << history.status().message();
  writeText(path, "nonsense\n");
  EXPECT_FALSE(readRunLog(path));
  writeText(path, "");
  EXPECT_TRUE(readRunLog(path));
}

TEST(RunLog, NotFiniteNumbersStayReadable) {
  ScratchFolder folder;
  auto log = RunLog::create(folder.file("log"), "{}");
  ASSERT_TRUE(log->write(StepRecord{1, NAN, 0, INFINITY, 0, 0, 0}).isOk());
  auto history = readRunLog(folder.file("log"));
  ASSERT_TRUE(history) << history.status().message();
  EXPECT_TRUE(std::isnan(history->steps[0].loss));
}
