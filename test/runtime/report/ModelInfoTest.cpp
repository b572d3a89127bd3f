// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what a file's header is summed up to, also for files that this machine cannot run and that lack most things.
#include "runtime/report/ModelInfo.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vlp;
using namespace vlp::report;

namespace {
format::Manifest smallManifest() {
  format::Manifest manifest;
  manifest.set_model("small");
  manifest.set_architecture("clip");
  manifest.set_state_bytes(2048);
  auto addState = [&](const char *name, format::StateTensor::Kind kind, int64_t extent, bool decay) {
    format::StateTensor &state = *manifest.add_state();
    state.mutable_tensor()->set_name(name);
    state.mutable_tensor()->add_shape(extent);
    state.mutable_tensor()->mutable_slot()->set_size(uint64_t(extent) * 4);
    state.set_kind(kind);
    state.set_trainable(kind == format::StateTensor::PARAMETER);
    state.set_decay(decay);
    return &state;
  };
  addState("a.weight", format::StateTensor::PARAMETER, 100, true);
  addState("a.bias", format::StateTensor::PARAMETER, 10, false)->set_trainable(false);
  addState("adam.m/a.weight", format::StateTensor::MOMENT, 100, false);
  format::StateTensor &rate = *addState("train.learning_rate", format::StateTensor::SCALAR, 1, false);
  rate.mutable_init()->set_a(0.001);
  rate.set_doc("peak rate");
  format::Program &program = *manifest.add_programs();
  program.set_target("cpu");
  program.add_features("future-cpu-feature");
  format::Entry &entry = *program.add_entries();
  entry.set_name("train");
  entry.set_arena_size(4096);
  format::Tensor &image = *entry.add_inputs();
  image.set_name("image");
  image.add_shape(8);
  image.add_shape(3);
  format::Launch &launch = *entry.add_ops()->mutable_launch();
  launch.set_flops(1000);
  launch.set_bytes(500);
  entry.add_ops()->mutable_copy()->mutable_src()->set_size(64);
  return manifest;
}
} // namespace

TEST(ModelInfo, Costs) {
  format::Manifest manifest = smallManifest();
  EntryCosts costs = costsOf(manifest.programs(0).entries(0));
  EXPECT_EQ(costs.launches, 1);
  EXPECT_EQ(costs.copies, 1);
  EXPECT_EQ(costs.flops, 1000);
  EXPECT_EQ(costs.bytes, 500 + 2 * 64);
  EXPECT_EQ(batchOf(manifest.programs(0).entries(0)), 8);
  EXPECT_EQ(batchOf(format::Entry()), 0);
  EXPECT_EQ(typeOf(manifest.programs(0).entries(0).inputs(0)), "f32[8, 3]");
}

TEST(ModelInfo, Text) {
  std::string text = describeModel(smallManifest(), "small.vlp");
  for (const char *part : {"small.vlp: small (clip)", "110 in 2 tensors, 100 with weight decay, 10 frozen", "4.00 KiB",
                           "f32[8, 3]", "peak rate", "0.001", "cannot run it", "flops a row"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

// Without code for the processor there may still be the simulator, or a GPU.
TEST(ModelInfo, RunsElsewhere) {
  format::Manifest manifest = smallManifest();
  format::Program &program = *manifest.mutable_programs(0);
  program.set_target("cuda");
  program.set_chip("sm_80");
  program.clear_features();
  std::string why;
  EXPECT_EQ(runnableCode(manifest, why), "");
  EXPECT_NE(why.find("its code for cuda needs an NVIDIA GPU (--device=cuda)"), std::string::npos) << why;
  format::Program simulated = program;
  simulated.set_target("sim");
  *manifest.add_programs() = simulated;
  EXPECT_EQ(runnableCode(manifest, why), "sim sm_80");
  manifest.mutable_programs(1)->add_features("future-cpu-feature");
  EXPECT_EQ(runnableCode(manifest, why), "");
}

TEST(ModelInfo, Json) {
  auto document = nlohmann::json::parse(modelJson(smallManifest(), "small.vlp"));
  EXPECT_EQ(document["state_bytes"], 2048);
  EXPECT_FALSE(document["runs_here"]);
  EXPECT_FALSE(document["why_not"].get<std::string>().empty());
  EXPECT_EQ(document["state"].size(), 4u);
  EXPECT_EQ(document["state"][3]["kind"], "scalar");
  EXPECT_EQ(document["state"][1]["trainable"], false);
}

TEST(ModelInfo, EmptyManifest) {
  EXPECT_FALSE(describeModel(format::Manifest(), "x").empty());
  EXPECT_TRUE(nlohmann::json::accept(modelJson(format::Manifest(), "x")));
}
