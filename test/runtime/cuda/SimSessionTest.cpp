// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards sessions on a GPU, by the simulated one: the processor's results whatever the schedule, graphs equal to single
// launches, state that moves between host and device when it must, and copies that overlap runs without being lost.
#include "runtime/checkpoint/Checkpoint.h"
#include "test/runtime/cuda/GpuToy.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <thread>

using namespace vlp;
using namespace vlp::test;

/// What four steps of training and an embedding leave behind.
struct Trace {
  std::vector<float> losses, embedding;
  std::string state;
  bool operator==(const Trace &) const = default;
};

static Trace trainAndEncode(Session &session, int steps = 4) {
  Trace trace;
  session.initialize(7);
  for (int i = 0; i < steps; ++i) {
    fillToyImage(session, "train", i);
    Status status = session.run("train");
    EXPECT_TRUE(status) << status.message();
    trace.losses.push_back(outputOf(session, "train", "loss").at(0));
  }
  fillToyImage(session, "encode_image", 1);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(session.run("encode_image"));
  trace.embedding = outputOf(session, "encode_image", "image_embedding");
  trace.state = stateBytes(session);
  return trace;
}

static Trace ofTheProcessor(const TemporaryFolder &folder) { return trainAndEncode(*toySession(folder)); }

static int32_t finiteFlag(const Session &session) {
  int32_t flag;
  std::memcpy(&flag, session.output("train", "finite")->data(), sizeof flag);
  return flag;
}

TEST(SimSession, EqualsTheProcessorInEverySchedule) {
  TemporaryFolder folder;
  Trace expected = ofTheProcessor(folder);
  for (const char *device :
       {"sim", "sim:graph=off", "sim:sync", "sim:order=reverse", "sim:order=random,seed=5", "sim:copies=early",
        "sim:seed=1", "sim:seed=2,graph=off", "sim:seed=3", "sim:seed=4,graph=off", "sim:chip=sm_80", "sim:checked",
        "sim:checked,order=random,seed=9", "sim:memory=16M"}) {
    auto session = gpuToySession(folder, device);
    ASSERT_TRUE(session) << device;
    EXPECT_EQ(trainAndEncode(*session), expected) << device;
    EXPECT_EQ(session->module().device(), "simulated GPU (sm_80)");
  }
}

TEST(SimSession, GraphReplayEqualsLaunches) {
  TemporaryFolder folder;
  for (int seed = 0; seed < 4; ++seed) {
    std::string option = "seed=" + std::to_string(seed);
    auto replayed = gpuToySession(folder, "sim:" + option), launched = gpuToySession(folder, "sim:graph=off," + option);
    ASSERT_TRUE(replayed && launched);
    EXPECT_EQ(trainAndEncode(*replayed, 20), trainAndEncode(*launched, 20)) << seed;
  }
}

TEST(SimSession, LargeOutputsComeWhileLaterOpsRun) {
  TemporaryFolder folder;
  for (int seed = 0; seed < 6; ++seed) {
    auto session =
        gpuToySession(folder, "sim:" + std::string(seed % 2 ? "graph=off," : "") + "seed=" + std::to_string(seed));
    ASSERT_TRUE(session);
    for (float scale : {2.0f, 0.5f, 3.0f, 1.0f}) {
      floats(*session->input("wide", "scale"))[0] = scale;
      ASSERT_TRUE(session->run("wide"));
      auto first = outputOf(*session, "wide", "first"), second = outputOf(*session, "wide", "second"),
           third = outputOf(*session, "wide", "third");
      for (size_t i = 0; i < size_t(kToyWide); ++i) {
        ASSERT_EQ(first[i], scale + float(i));
        ASSERT_EQ(second[i], first[i] * scale + 1);
        ASSERT_EQ(third[i], second[i] * scale + 1);
      }
    }
  }
}

TEST(SimSession, StateMovesWhenItMust) {
  TemporaryFolder folder;
  auto gpu = gpuToySession(folder), cpu = toySession(folder);
  ASSERT_TRUE(gpu && cpu);
  auto both = [&](auto body) {
    body(*gpu);
    body(*cpu);
    EXPECT_EQ(stateBytes(*gpu), stateBytes(*cpu));
  };
  auto step = [](int number) {
    return [number](Session &session) {
      fillToyImage(session, "train", number);
      ASSERT_TRUE(session.run("train"));
      EXPECT_EQ(*session.counter("train.step"), number + 1);
    };
  };
  auto *address = gpu->state("weight").data();
  both([](Session &session) { session.initialize(3); });
  both(step(0));
  both([](Session &session) { EXPECT_TRUE(session.setScalar("train.learning_rate", 0.125f)); });
  both(step(1));
  // Part of a tensor that the device has written, through the host.
  both([](Session &session) { floats(session.state("weight"))[36] = 17; });
  both(step(2));
  EXPECT_EQ(*gpu->scalar("train.learning_rate"), 0.125f);
  EXPECT_EQ(gpu->state("weight").data(), address);
  // Reading does not bring old values back over what the device writes.
  EXPECT_TRUE(gpu->readState("weight"));
  both(step(3));
  both(step(4));
  both([](Session &session) { session.initialize(4); });
  both(step(0));
  // Between writing and the next run, observers see what was written.
  floats(gpu->state("weight"))[1] = 5;
  EXPECT_EQ(floats(gpu->slot("train", gpu->module().findState("weight")->tensor().slot()))[1], 5);
  EXPECT_TRUE(gpu->state("nothing").empty());
  EXPECT_NE(gpu->readState("nothing").status().message().find("no state tensor 'nothing'"), std::string::npos);
}

TEST(SimSession, CheckpointsMoveBetweenDevicesAndResume) {
  TemporaryFolder folder;
  auto train = [](Session &session, int first, int last) {
    for (int i = first; i < last; ++i) {
      fillToyImage(session, "train", i);
      ASSERT_TRUE(session.run("train"));
    }
  };
  auto whole = gpuToySession(folder);
  whole->initialize(1);
  train(*whole, 0, 7);
  auto before = gpuToySession(folder);
  before->initialize(1);
  train(*before, 0, 4);
  ASSERT_TRUE(saveCheckpoint(*before, folder.file("c.safetensors")));
  train(*before, 4, 7); // saving has disturbed nothing
  EXPECT_EQ(stateBytes(*before), stateBytes(*whole));
  for (bool onGpu : {true, false}) {
    auto after = onGpu ? gpuToySession(folder) : toySession(folder);
    auto loaded = loadCheckpoint(*after, folder.file("c.safetensors"), LoadMode::Full);
    ASSERT_TRUE(loaded) << loaded.status().message();
    train(*after, 4, 7);
    EXPECT_EQ(stateBytes(*after), stateBytes(*whole)) << onGpu;
  }
}

TEST(SimSession, StepThatIsNotFiniteLeavesStateAsItWas) {
  TemporaryFolder folder;
  auto session = gpuToySession(folder);
  fillToyImage(*session, "train", 0);
  ASSERT_TRUE(session->run("train"));
  EXPECT_EQ(finiteFlag(*session), 1);
  std::string before = stateBytes(*session);
  floats(*session->input("train", "image"))[0] = std::nanf("");
  ASSERT_TRUE(session->run("train"));
  EXPECT_EQ(finiteFlag(*session), 0);
  EXPECT_EQ(stateBytes(*session), before);
}

TEST(SimSession, FindsTheFirstLayerThatIsNotFinite) {
  TemporaryFolder folder;
  for (const char *device : {"sim", "sim:checked"}) {
    auto session = gpuToySession(folder, device);
    fillToyImage(*session, "train", 0);
    ASSERT_TRUE(session->run("train"));
    std::string before = stateBytes(*session);
    EXPECT_EQ(*session->findNonFinite("train"), "");
    EXPECT_EQ(stateBytes(*session), before);
    for (int row = 0; row < kToyBatch; ++row)
      floats(*session->input("train", "image"))[size_t(row * kToyWidth + 5)] = 3e38f;
    EXPECT_EQ(*session->findNonFinite("train"), "layer 'visual.pool' (kernel toy_mean)");
    floats(*session->input("train", "image"))[40] = std::nanf("");
    EXPECT_EQ(*session->findNonFinite("train"), "input 'image' (element 40)");
    fillToyImage(*session, "train", 0);
    floats(session->state("weight"))[36] = 1e30f;
    EXPECT_EQ(*session->findNonFinite("train"), "layer 'loss' (kernel toy_loss)");
    floats(session->state("weight"))[7] = -std::numeric_limits<float>::infinity();
    EXPECT_EQ(*session->findNonFinite("train"), "parameter 'weight' (element 7)");
    EXPECT_EQ(*session->counter("train.step"), 1);
  }
}

TEST(SimSession, ObserversSeeEveryOp) {
  TemporaryFolder folder;
  auto session = gpuToySession(folder);
  fillToyImage(*session, "train", 0);
  std::string before = stateBytes(*session);
  float weightInside = 0;
  std::vector<float> mean;
  auto visit = [&](size_t index, const format::Op &op) {
    if (index == 0) {
      auto values = floats(session->slot("train", op.launch().args(2)));
      mean.assign(values.begin(), values.end());
    }
    if (index == 3)
      weightInside = floats(session->slot("train", op.launch().args(3)))[2];
    return Status::ok();
  };
  ASSERT_TRUE(session->runObserved("train", visit, true));
  auto image = floats(*session->input("train", "image"));
  EXPECT_EQ(mean[4], (image[4] + image[4 + kToyWidth] + image[4 + 2 * kToyWidth]) / 3);
  EXPECT_EQ(stateBytes(*session), before);
  EXPECT_NE(weightInside, floats(*session->readState("weight"))[2]);
  ASSERT_TRUE(session->runObserved("train", visit, false));
  EXPECT_EQ(weightInside, floats(*session->readState("weight"))[2]);
  EXPECT_EQ(*session->counter("train.step"), 1);
  // A run after observed ones is an ordinary run.
  ASSERT_TRUE(session->run("train"));
  ASSERT_TRUE(session->run("train"));
  EXPECT_EQ(*session->counter("train.step"), 3);
}

TEST(SimSession, TimesEveryOp) {
  TemporaryFolder folder;
  auto session = gpuToySession(folder);
  fillToyImage(*session, "train", 0);
  for (int run = 0; run < 3; ++run) {
    std::vector<OpTiming> timings;
    ASSERT_TRUE(session->runTimed("train", timings));
    ASSERT_EQ(timings.size(), 5u);
    double last = 0, sum = 0;
    for (const OpTiming &timing : timings) {
      EXPECT_EQ(timing.begin, last);
      EXPECT_GE(timing.end, timing.begin);
      last = timing.end;
      sum += timing.end - timing.begin;
    }
    EXPECT_GT(sum, 0);
    EXPECT_EQ(timings[2].op->launch().layer(), "loss");
    EXPECT_EQ(*session->counter("train.step"), run + 1);
    EXPECT_EQ(finiteFlag(*session), 1);
  }
}

/// Training with the next step's inputs on their way while a step runs.
static Expected<std::vector<float>> trainOverlapped(Session &session, int steps) {
  std::vector<float> losses;
  session.initialize(7);
  fillToyImage(session, "train", 0);
  for (int i = 0; i < steps; ++i) {
    VLP_RETURN_IF_ERROR(session.start("train"));
    if (i + 1 < steps) {
      fillToyImage(session, "train", i + 1);
      VLP_RETURN_IF_ERROR(session.stage("train"));
    }
    VLP_RETURN_IF_ERROR(session.wait());
    losses.push_back(outputOf(session, "train", "loss").at(0));
  }
  return losses;
}

static const char *const kGraphOptions[] = {"", "graph=off,"};

TEST(SimSession, CopiesOverlapRuns) {
  TemporaryFolder folder;
  std::vector<float> expected = trainAndEncode(*toySession(folder), 6).losses;
  for (const char *graph : kGraphOptions)
    for (int seed = 0; seed < 8; ++seed) {
      auto session = gpuToySession(folder, "sim:" + std::string(graph) + "seed=" + std::to_string(seed));
      auto losses = trainOverlapped(*session, 6);
      ASSERT_TRUE(losses) << losses.status().message();
      EXPECT_EQ(*losses, expected) << graph << seed;
    }
}

TEST(SimSession, AskingForInputsUndoesStaging) {
  TemporaryFolder folder;
  for (int seed = 0; seed < 6; ++seed) {
    auto session = gpuToySession(folder, "sim:seed=" + std::to_string(seed)), other = gpuToySession(folder);
    for (int i = 0; i < 3; ++i) {
      fillToyImage(*session, "train", 90 + i);
      ASSERT_TRUE(session->stage("train"));
      ASSERT_TRUE(session->run("wide")); // meanwhile the copy may get through
      fillToyImage(*session, "train", i);
      ASSERT_TRUE(session->run("train"));
      fillToyImage(*other, "train", i);
      ASSERT_TRUE(other->run("train"));
      EXPECT_EQ(outputOf(*session, "train", "loss"), outputOf(*other, "train", "loss"));
    }
  }
}

/// Everything that the executor orders by events, in one scenario; an error or the results.
static Expected<std::vector<float>> runScenario(Session &session) {
  auto results = trainOverlapped(session, 5);
  if (!results)
    return results;
  for (float scale : {2.0f, 3.0f, 5.0f}) {
    floats(*session.input("wide", "scale"))[0] = scale;
    VLP_RETURN_IF_ERROR(session.run("wide"));
    for (const char *name : {"first", "second", "third"}) {
      auto values = session.output("wide", name);
      if (!values)
        return values.status();
      float sum = 0;
      for (float value : floats(*values))
        sum += value;
      results->push_back(sum);
    }
  }
  return results;
}

// Tests the tester: whatever wait the executor might forget, some seed shows it.
TEST(SimSession, EveryForgottenWaitIsCaughtBySomeSeed) {
  TemporaryFolder folder;
  // Uploads wait for the run before to have taken its inputs. Where that run has ended anyhow, and before the first,
  // there is nothing to wait for: these calls are the only ones that may be forgotten.
  const struct {
    const char *graph;
    std::vector<int> needless;
    int waits;
  } cases[] = {{"", {1, 3, 13, 15, 21}, 22}, {"graph=off,", {1, 3, 19, 21, 27}, 32}};
  for (const auto &[graph, needless, waits] : cases) {
    auto expected = runScenario(*gpuToySession(folder, "sim:" + std::string(graph) + "seed=0"));
    ASSERT_TRUE(expected);
    std::vector<int> missed;
    for (int wait = 1; wait <= waits + 3; ++wait) { // and no more than these
      bool caught = false;
      for (int seed = 0; seed < 100 && !caught; ++seed) {
        auto session = gpuToySession(folder, "sim:" + std::string(graph) + "seed=" + std::to_string(seed) +
                                                 ",forget-wait=" + std::to_string(wait));
        auto results = runScenario(*session);
        caught = !results || *results != *expected;
      }
      if (!caught)
        missed.push_back(wait);
    }
    std::vector<int> allowed = needless;
    for (int wait = waits + 1; wait <= waits + 3; ++wait)
      allowed.push_back(wait);
    EXPECT_EQ(missed, allowed) << graph;
  }
}

/// The error of the second run of a toy whose `residual` is another kernel.
static Status runWith(const TemporaryFolder &folder, const std::string &kernel, const std::string &device,
                      std::unique_ptr<Session> *kept = nullptr) {
  auto session = gpuToySession(folder, device, [&](format::Manifest &manifest) {
    manifest.mutable_programs(0)->mutable_kernels(1)->set_name(kernel);
  });
  fillToyImage(*session, "train", 0);
  Status status = session->run("train");
  if (status)
    status = session->run("train");
  if (kept)
    *kept = std::move(session);
  return status;
}

static void expectMessage(const Status &status, std::initializer_list<const char *> parts) {
  EXPECT_FALSE(status.isOk());
  for (const char *part : parts)
    EXPECT_NE(status.message().find(part), std::string::npos) << part << " in: " << status.message();
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
}

TEST(SimSession, FindingsNameKernelAndLayer) {
  TemporaryFolder folder;
  const char *where = "entry 'train', layer 'visual.proj', kernel ";
  expectMessage(runWith(folder, "toy_out_of_bounds", "sim:checked"),
                {where, "toy_out_of_bounds (2 blocks of 32 threads", "CUDA_ERROR_ILLEGAL_ADDRESS", "argument 2"});
  expectMessage(runWith(folder, "toy_race", "sim:checked"), {where, "toy_race", "CUDA_ERROR_LAUNCH_FAILED", "race"});
  // What one kernel forgets to write, the next one reads.
  expectMessage(runWith(folder, "toy_forgetful", "sim:checked"),
                {"layer 'loss', kernel toy_loss", "CUDA_ERROR_LAUNCH_FAILED"});
  EXPECT_TRUE(runWith(folder, "toy_race", "sim"));
}

// Poisoned memory is garbage again before each run, also to the checker.
TEST(SimSession, CheckerKnowsOnlyThisRunsValues) {
  TemporaryFolder folder;
  auto session = gpuToySession(folder, "sim:checked");
  fillToyImage(*session, "train", 0);
  ASSERT_TRUE(session->run("train"));
  fillToyImage(*session, "encode_image", 0);
  ASSERT_TRUE(session->run("encode_image"));
  ASSERT_TRUE(session->run("train"));
}

TEST(SimSession, FailedDeviceStaysFailed) {
  TemporaryFolder folder;
  std::unique_ptr<Session> session;
  Status first = runWith(folder, "toy_out_of_bounds", "sim:checked", &session);
  ASSERT_FALSE(first.isOk());
  EXPECT_EQ(first.code(), StatusCode::Internal);
  EXPECT_EQ(session->run("train").message(), first.message());
  EXPECT_EQ(session->start("encode_image").message(), first.message());
  EXPECT_EQ(session->readState("weight").status().message(), first.message());
  EXPECT_EQ(session->setScalar("train.learning_rate", 1).message(), first.message());
  EXPECT_EQ(session->findNonFinite("train").status().message(), first.message());
  EXPECT_EQ(saveCheckpoint(*session, folder.file("c.safetensors")).message(), first.message());
  EXPECT_TRUE(session->state("weight").empty());
  EXPECT_FALSE(std::filesystem::exists(folder.file("c.safetensors")));
  // Another module has another device.
  EXPECT_TRUE(gpuToySession(folder, "sim:checked")->run("train"));
}

TEST(SimSession, RefusesWhatTheChipRefuses) {
  TemporaryFolder folder;
  auto edited = [&](const std::function<void(format::Program &)> &edit) {
    auto session = openGpuToy(folder, "sim", [&](format::Manifest &manifest) { edit(*manifest.mutable_programs(0)); });
    return session ? (*session)->run("train") : session.status();
  };
  auto launch = [](format::Program &program, int op) -> format::Launch & {
    return *program.mutable_entries(0)->mutable_ops(op)->mutable_launch();
  };
  // 512 threads of 128 registers take all 65536 of them.
  auto large = [&](uint32_t registers) {
    return edited([&](format::Program &program) {
      program.mutable_kernels(1)->set_name("toy_large_residual");
      program.mutable_kernels(1)->set_registers(registers);
      launch(program, 1).set_threads(512);
    });
  };
  EXPECT_TRUE(large(128));
  expectMessage(large(129), {"layer 'visual.proj', kernel toy_large_residual (2 blocks of 512 threads",
                             "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
                             "a block of 512 threads of 129 registers takes 69632, the chip has 65536"});
  // The facts may also be those of the same kernel's machine code.
  expectMessage(openGpuToy(folder, "sim",
                           [&](format::Manifest &manifest) {
                             format::Program &program = *manifest.mutable_programs(0);
                             program.mutable_kernels(1)->set_name("toy_large_residual");
                             launch(program, 1).set_threads(512);
                             format::Program assembled = program;
                             assembled.set_target("cuda");
                             assembled.mutable_kernels(1)->set_registers(255);
                             *manifest.add_programs() = assembled;
                           })
                    .
                    operator->()
                    ->get()
                    ->run("train"),
                {"512 threads of 255 registers"});
  expectMessage(
      edited([&](format::Program &program) { launch(program, 0).set_threads(64); }),
      {"layer 'visual.pool', kernel toy_mean", "CUDA_ERROR_INVALID_VALUE", "compiled for blocks of 32 threads"});
  // 48 KiB are had without asking; up to 163 KiB on sm_80 the runtime asks for.
  EXPECT_TRUE(edited([&](format::Program &program) { launch(program, 2).set_shared(163 << 10); }));
  expectMessage(
      edited([&](format::Program &program) { launch(program, 2).set_shared((163 << 10) + 4); }),
      {"kernel toy_loss needs 166916 bytes of shared memory, a block of simulated GPU (sm_80) can have 166912"});
  EXPECT_TRUE(edited([&](format::Program &program) {
    program.set_chip("sm_90");
    launch(program, 2).set_shared((163 << 10) + 4);
  }));
  expectMessage(edited([](format::Program &program) { program.set_chip("sm_75"); }),
                {"cannot simulate 'sm_75'; known are sm_80"});
  expectMessage(edited([](format::Program &program) {
                  program.add_features("sse2");
                  program.add_features("future-cpu-feature");
                }),
                {"this CPU cannot run its code for sim, which needs future-cpu-feature; use --device=cpu"});
  expectMessage(edited([](format::Program &program) { program.mutable_kernels(3)->set_name("toy_stop"); }),
                {"its code lacks kernels: toy_stop;"});
}

TEST(SimSession, SaysWhatMemoryItLacks) {
  TemporaryFolder folder;
  Status status = openGpuToy(folder, "sim:memory=128k").status();
  expectMessage(status,
                {"out of memory: ", "on simulated GPU (sm_80) (state ", "intermediate values 512 bytes", "are free"});
  EXPECT_EQ(status.code(), StatusCode::Unavailable);
  expectMessage(openGpuToy(folder, "sim:memory=64").status(), {"the constants of", "needs 148 bytes", "are free"});
}

TEST(SimSession, SessionsShareAModule) {
  TemporaryFolder folder;
  auto first = gpuToySession(folder);
  DeviceOptions options;
  options.device = "sim";
  std::string path = first->module().path();
  auto module = Module::load(path, options);
  ASSERT_TRUE(module);
  Trace expected = trainAndEncode(*first);
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < 3; ++i) {
    auto session = Session::create(*module, options);
    ASSERT_TRUE(session);
    sessions.push_back(std::move(*session));
  }
  // Each from a thread of its own: contexts are a thread's matter.
  std::vector<std::thread> threads;
  std::vector<Trace> traces(sessions.size());
  for (size_t i = 0; i < sessions.size(); ++i)
    threads.emplace_back([&, i] { traces[i] = trainAndEncode(*sessions[i]); });
  for (std::thread &thread : threads)
    thread.join();
  for (const Trace &trace : traces)
    EXPECT_EQ(trace, expected);
}

TEST(SimSession, CallersArenaMustFit) {
  TemporaryFolder folder;
  auto session = gpuToySession(folder);
  DeviceOptions options;
  options.device = "sim";
  auto module = Module::load(session->module().path(), options);
  alignas(64) std::byte some[64];
  options.arena = some;
  options.arenaSize = 64;
  expectMessage(Session::create(*module, options).status(), {"the caller's arena has 64 bytes"});
  options.arena = nullptr;
  options.stream = some;
  expectMessage(Session::create(*module, options).status(), {"a stream can be given for device cuda alone"});
}
