// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards training and its tools on a GPU, by the simulated one: a run is the processor's bit for bit, resumes, and
// reports.
#include "runtime/report/Bench.h"
#include "runtime/report/Profile.h"
#include "runtime/train/Trainer.h"
#include "test/runtime/cuda/SimToyClip.h"

#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;
using namespace vlp::training;

namespace {

class SimTrain : public testing::Test {
protected:
  std::unique_ptr<Session> open(const std::string &device) {
    std::string path = folder.file("toy.vlp");
    writeSimToyClip(path);
    DeviceOptions options;
    options.device = device;
    options.threads = 1;
    auto module = Module::load(path, options);
    EXPECT_TRUE(module) << module.status().message();
    auto session = Session::create(*module, options);
    EXPECT_TRUE(session) << session.status().message();
    return session ? std::move(*session) : nullptr;
  }
  Expected<TrainResult> train(const std::string &device, const std::string &run,
                              const std::function<void(TrainOptions &)> &edit = {}) {
    TrainOptions options;
    options.outDir = folder.file(run);
    options.steps = 24;
    if (edit)
      edit(options);
    TrainObserver silent;
    return training::train(*open(device), dataset, options, silent);
  }
  std::string checkpoint(const std::string &run) { return readText(folder.file(run + "/checkpoint.safetensors")); }

  ScratchFolder folder;
  std::shared_ptr<const data::Dataset> dataset = toyShapes(folder);
};

} // namespace

TEST_F(SimTrain, EqualsTheProcessorBitForBit) {
  ASSERT_TRUE(train("cpu", "cpu"));
  std::string best = readText(folder.file("cpu/best.safetensors"));
  for (const char *device : {"sim:seed=1", "sim:seed=2", "sim:graph=off,seed=3", "sim:order=random,seed=4"}) {
    auto result = train(device, "sim", [](TrainOptions &options) { options.overwrite = true; });
    ASSERT_TRUE(result) << result.status().message();
    EXPECT_EQ(checkpoint("sim"), checkpoint("cpu")) << device;
    EXPECT_EQ(readText(folder.file("sim/best.safetensors")), best) << device;
  }
}

TEST_F(SimTrain, ResumesBitForBit) {
  ASSERT_TRUE(train("sim", "whole"));
  for (uint64_t stop : {1u, 9u, 23u}) {
    auto part = train("sim:seed=5", "part", [&](TrainOptions &options) {
      options.overwrite = true;
      options.stopAt = stop;
    });
    ASSERT_TRUE(part) << part.status().message();
    EXPECT_EQ(part->steps, stop);
    auto rest = train("sim:seed=6", "part", [](TrainOptions &options) { options.resume = true; });
    ASSERT_TRUE(rest) << rest.status().message();
    EXPECT_EQ(checkpoint("part"), checkpoint("whole")) << stop;
  }
}

TEST_F(SimTrain, NotFinite) {
  auto broken = [](TrainOptions &options) { options.scalars["train.learning_rate"] = 1e38f; };
  auto cpu = train("cpu", "cpu", broken), sim = train("sim", "sim", broken);
  ASSERT_FALSE(cpu || sim);
  auto message = [](const Expected<TrainResult> &result) { // without the run's folder
    return result.status().message().substr(0, result.status().message().find(" is in "));
  };
  EXPECT_EQ(message(sim), message(cpu));
  EXPECT_NE(message(sim).find("comes from layer"), std::string::npos) << message(sim);
  EXPECT_EQ(checkpoint("sim"), checkpoint("cpu"));
}

TEST_F(SimTrain, BenchAndProfile) {
  auto session = open("sim");
  report::MachinePeak peak = report::peakOf(session->module(), 1);
  auto result = report::bench(*session, {"train", 1, 3});
  ASSERT_TRUE(result) << result.status().message();
  EXPECT_EQ(*session->counter("train.step"), 4);
  std::string text = report::describeBench(*result, peak);
  EXPECT_NE(text.find("on a simulated GPU (sm_80): times are the simulator's and say nothing of a GPU"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("nan"), std::string::npos) << text;
  EXPECT_EQ(text.find("inf"), std::string::npos) << text;
  auto profile = report::profileEntry(*session, "train", 3);
  ASSERT_TRUE(profile) << profile.status().message();
  EXPECT_EQ(profile->layers.size(), 4u);
  EXPECT_GT(profile->seconds, 0);
  EXPECT_EQ(report::profileTrace(*profile, session->module().program()).size(), 4u + 4u); // a layer each, a kernel each
  std::string table = report::profileTable(profile->kernels, "kernel", *profile, peak).text();
  EXPECT_NE(table.find("toy_clip_step"), std::string::npos) << table;
  ASSERT_TRUE(report::saveProfileHtml(folder.file("p.html"), *profile, session->module().manifest(), peak).isOk());
}
