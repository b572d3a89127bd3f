// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards checkpoints: a resumed run equals an uninterrupted one bit for bit, bad weights are listed whole, an
// interrupted write leaves the file of before.
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Safetensors.h"
#include "test/runtime/core/TestModule.h"

#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/resource.h>

using namespace vlp;
using namespace vlp::test;

static std::string stateBytes(Session &session) {
  std::string bytes;
  for (const format::StateTensor &state : session.module().manifest().state()) {
    auto tensor = session.state(state.tensor().name());
    bytes.append(reinterpret_cast<const char *>(tensor.data()), tensor.size());
  }
  return bytes;
}

static void trainSteps(Session &session, int first, int last) {
  for (int step = first; step < last; ++step) {
    fillToyImage(session, "train", step);
    ASSERT_TRUE(session.run("train"));
  }
}

TEST(Checkpoint, ResumedEqualsUninterrupted) {
  TemporaryFolder folder;
  auto whole = toySession(folder), first = toySession(folder, 1), second = toySession(folder, 3);
  ASSERT_TRUE(whole && first && second);
  whole->initialize(9);
  trainSteps(*whole, 0, 10);
  first->initialize(9);
  ASSERT_TRUE(first->setScalar("train.learning_rate", 0.25f));
  trainSteps(*first, 0, 4);
  std::string path = folder.file("step4.safetensors");
  Status saved = saveCheckpoint(*first, path, {{"seed", "9"}, {"loader", "{\"image\":12}"}});
  ASSERT_TRUE(saved) << saved.message();
  second->initialize(1234);
  auto metadata = loadCheckpoint(*second, path, LoadMode::Full);
  ASSERT_TRUE(metadata) << metadata.status().message();
  EXPECT_EQ(metadata->at("seed"), "9");
  EXPECT_EQ(metadata->at("loader"), "{\"image\":12}");
  EXPECT_EQ(metadata->at("vlpc.model"), "toy");
  EXPECT_FALSE(metadata->contains("vlpc.other_state"));
  EXPECT_EQ(*readCheckpointMetadata(path), *metadata);
  trainSteps(*second, 4, 10);
  EXPECT_EQ(stateBytes(*second), stateBytes(*whole));
  EXPECT_EQ(*second->counter("train.step"), 10);
}

TEST(Checkpoint, EqualStateEqualBytes) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  ASSERT_TRUE(saveCheckpoint(*session, folder.file("a"), {}));
  ASSERT_TRUE(saveCheckpoint(*session, folder.file("b"), {}));
  EXPECT_EQ(readFile(folder.file("a")), readFile(folder.file("b")));
}

TEST(Checkpoint, WeightsResetTheOptimizer) {
  TemporaryFolder folder;
  auto trained = toySession(folder), fresh = toySession(folder);
  ASSERT_TRUE(trained && fresh);
  trainSteps(*trained, 0, 5);
  std::string path = folder.file("weights");
  ASSERT_TRUE(saveCheckpoint(*trained, path));
  trainSteps(*fresh, 0, 2);
  ASSERT_TRUE(fresh->setScalar("train.learning_rate", 0.125f));
  auto loaded = loadCheckpoint(*fresh, path, LoadMode::Weights);
  ASSERT_TRUE(loaded) << loaded.status().message();
  EXPECT_TRUE(std::ranges::equal(fresh->state("weight"), trained->state("weight")));
  EXPECT_EQ(*fresh->counter("train.step"), 0);
  for (float moment : floats(fresh->state("adam.m/weight")))
    EXPECT_EQ(moment, 0);
  EXPECT_EQ(*fresh->scalar("train.learning_rate"), 0.125f);
}

// A file without a training entry has no moments and no scalars; a training checkpoint gives it its weights all the
// same.
TEST(Checkpoint, TrainingCheckpointForAnEncoder) {
  TemporaryFolder folder;
  auto trained = toySession(folder);
  auto encoder = toySession(folder, 1, [](format::Manifest &manifest) {
    manifest.mutable_programs(0)->mutable_entries()->DeleteSubrange(0, 1);
    manifest.mutable_state()->DeleteSubrange(1, 3);
  });
  ASSERT_TRUE(trained && encoder);
  trainSteps(*trained, 0, 2);
  std::string path = folder.file("weights");
  ASSERT_TRUE(saveCheckpoint(*trained, path));
  auto loaded = loadCheckpoint(*encoder, path, LoadMode::Weights);
  ASSERT_TRUE(loaded) << loaded.status().message();
  EXPECT_TRUE(std::ranges::equal(encoder->state("weight"), trained->state("weight")));
  EXPECT_FALSE(loadCheckpoint(*encoder, path, LoadMode::Full));
}

static bool haveEqualBytes(Session &a, const std::string &name, Session &b, const std::string &other) {
  return std::ranges::equal(a.state(name), b.state(other));
}

// A moving average starts as what it averages: by initialisation, and from weights of others without one.
TEST(Checkpoint, TwinsStartAsTheirOriginals) {
  TemporaryFolder folder;
  auto edit = [](format::Manifest &manifest) {
    format::StateTensor &twin = *manifest.mutable_state(4);
    twin.set_twin_of("weight");
    *twin.mutable_init() = manifest.state(0).init();
  };
  auto plain = toySession(folder), twins = toySession(folder, 1, edit);
  ASSERT_TRUE(plain && twins);
  twins->initialize(3);
  EXPECT_TRUE(haveEqualBytes(*twins, "weight", *twins, "buffer"));
  trainSteps(*plain, 0, 2);
  std::string path = folder.file("both"), alone = folder.file("alone");
  ASSERT_TRUE(saveCheckpoint(*plain, path));
  ASSERT_TRUE(loadCheckpoint(*twins, path, LoadMode::Weights));
  EXPECT_TRUE(haveEqualBytes(*twins, "buffer", *plain, "buffer")) << "a twin that the file has is taken";
  SafetensorsTensor weight{"weight", SafetensorsType::F32, {kToyWidth}, plain->state("weight")};
  ASSERT_TRUE(writeSafetensors(alone, {weight}, {}));
  auto loaded = loadCheckpoint(*twins, alone, LoadMode::Weights);
  ASSERT_TRUE(loaded) << loaded.status().message();
  EXPECT_TRUE(haveEqualBytes(*twins, "buffer", *plain, "weight"));
  EXPECT_FALSE(loadCheckpoint(*twins, alone, LoadMode::Full)) << "nothing may be missing on resuming";
}

TEST(Checkpoint, TiedTensorsOfAFileMustBeEqual) {
  TemporaryFolder folder;
  auto edit = [](format::Manifest &manifest) { (*manifest.mutable_aliases())["decoder.weight"] = "weight"; };
  auto session = toySession(folder, 1, edit);
  ASSERT_TRUE(session);
  std::vector<float> values(kToyWidth, 0.25f), others = values;
  others.back() = 0.5f;
  auto write = [&](const std::string &path, std::span<const float> second) {
    auto tensor = [](const char *name, std::span<const float> data) {
      return SafetensorsTensor{name, SafetensorsType::F32, {kToyWidth}, std::as_bytes(data)};
    };
    ASSERT_TRUE(writeSafetensors(
        path, {tensor("weight", values), tensor("decoder.weight", second), tensor("buffer", values)}, {}));
  };
  std::string path = folder.file("tied");
  write(path, values);
  Status status = loadCheckpoint(*session, path, LoadMode::Weights).status();
  EXPECT_TRUE(status) << status.message();
  write(path, others);
  status = loadCheckpoint(*session, path, LoadMode::Weights).status();
  EXPECT_NE(status.message().find("tied: 'decoder.weight' and 'weight' are one tensor here, expected equal values"),
            std::string::npos)
      << status.message();
}

TEST(Checkpoint, BuffersAreTakenWhereTheFileHasThem) {
  TemporaryFolder folder;
  auto edit = [](format::Manifest &manifest) { manifest.mutable_state(4)->set_kind(format::StateTensor::BUFFER); };
  auto plain = toySession(folder), buffers = toySession(folder, 1, edit);
  ASSERT_TRUE(plain && buffers);
  plain->initialize(5);
  std::string path = folder.file("both"), alone = folder.file("alone");
  ASSERT_TRUE(saveCheckpoint(*plain, path));
  ASSERT_TRUE(loadCheckpoint(*buffers, path, LoadMode::Weights));
  EXPECT_TRUE(haveEqualBytes(*buffers, "buffer", *plain, "buffer"));
  buffers->initialize(6);
  std::string before = stateBytes(*buffers);
  SafetensorsTensor weight{"weight", SafetensorsType::F32, {kToyWidth}, buffers->state("weight")};
  ASSERT_TRUE(writeSafetensors(alone, {weight}, {}));
  ASSERT_TRUE(loadCheckpoint(*buffers, alone, LoadMode::Weights));
  EXPECT_EQ(stateBytes(*buffers), before);
}

/// Writes weights of others: names with their values, all f32.
static void writeWeights(const std::string &path,
                         const std::vector<std::pair<std::string, std::vector<int64_t>>> &shapes) {
  static const std::vector<float> values(10000, 0.5f);
  std::vector<SafetensorsTensor> tensors;
  for (const auto &[name, shape] : shapes) {
    size_t count = 1;
    for (int64_t extent : shape)
      count *= size_t(extent);
    tensors.push_back({name, SafetensorsType::F32, shape, std::as_bytes(std::span(values).first(count))});
  }
  Status status = writeSafetensors(path, tensors, {});
  ASSERT_TRUE(status) << status.message();
}

TEST(Checkpoint, ListsAllThatDoesNotFit) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  std::string before = stateBytes(*session), path = folder.file("other.safetensors");
  writeWeights(path, {{"weight", {37, 1}}, {"head.bias", {4}}, {"head.weight", {4, 2}}});
  Status status = loadCheckpoint(*session, path, LoadMode::Weights).status();
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_EQ(status.message(), path + ": these weights do not fit " + session->module().path() +
                                  ": 1 missing, 2 not expected, 1 of another shape or type\n"
                                  "  missing: 'buffer', F32 [37]\n"
                                  "  not expected: 'head.bias', F32 [4]\n"
                                  "  not expected: 'head.weight', F32 [4, 2]\n"
                                  "  wrong: expected 'weight', F32 [37], found F32 [37, 1]");
  EXPECT_EQ(stateBytes(*session), before);
  status = loadCheckpoint(*session, path, LoadMode::Full).status();
  EXPECT_NE(status.message().find("4 missing, 2 not expected, 1 of another"), std::string::npos) << status.message();
}

TEST(Checkpoint, AcceptsOtherNamesAndTypes) {
  TemporaryFolder folder;
  auto edit = [](format::Manifest &manifest) {
    (*manifest.mutable_aliases())["model.weight"] = "weight";
    (*manifest.mutable_aliases())["module.weight"] = "weight";
    (*manifest.mutable_aliases())["position_ids"] = "";
  };
  auto session = toySession(folder, 1, edit);
  ASSERT_TRUE(session);
  std::string path = folder.file("w");
  std::vector<uint16_t> bfloats(kToyWidth, 0x4040);
  std::vector<double> doubles(kToyWidth, 0.25);
  std::vector<int64_t> ids(7);
  auto bytes = [](const auto &values) { return std::as_bytes(std::span(values)); };
  SafetensorsTensor weight{"model.weight", SafetensorsType::BF16, {kToyWidth}, bytes(bfloats)};
  SafetensorsTensor buffer{"buffer", SafetensorsType::F64, {kToyWidth}, bytes(doubles)};
  SafetensorsTensor ignored{"position_ids", SafetensorsType::I64, {7}, bytes(ids)};
  ASSERT_TRUE(writeSafetensors(path, {weight, buffer, ignored}, {}));
  auto loaded = loadCheckpoint(*session, path, LoadMode::Weights);
  ASSERT_TRUE(loaded) << loaded.status().message();
  EXPECT_EQ(floats(session->state("weight"))[36], 3.0f);
  EXPECT_EQ(floats(session->state("buffer"))[0], 0.25f);

  SafetensorsTensor twice = weight;
  twice.name = "module.weight";
  ASSERT_TRUE(writeSafetensors(path, {weight, buffer, twice}, {}));
  Status status = loadCheckpoint(*session, path, LoadMode::Weights).status();
  EXPECT_NE(status.message().find("given twice: 'weight', also as '"), std::string::npos) << status.message();

  buffer.type = SafetensorsType::I64;
  ASSERT_TRUE(writeSafetensors(path, {weight, buffer}, {}));
  status = loadCheckpoint(*session, path, LoadMode::Weights).status();
  EXPECT_NE(status.message().find("wrong: expected 'buffer', F32 [37], found I64 [37]"), std::string::npos)
      << status.message();
}

TEST(Checkpoint, AnotherVersionAndNoFile) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  std::string path = folder.file("w");
  ASSERT_TRUE(writeSafetensors(path, {}, {{"vlpc.checkpoint", "2"}}));
  Status status = loadCheckpoint(*session, path, LoadMode::Full).status();
  EXPECT_EQ(status.message(), path + ": a checkpoint of version 2, this runtime reads version 1");
  EXPECT_EQ(loadCheckpoint(*session, folder.file("none"), LoadMode::Full).status().code(), StatusCode::NotFound);
  writeFile(path, "not a checkpoint");
  EXPECT_EQ(loadCheckpoint(*session, path, LoadMode::Weights).status().code(), StatusCode::DataLoss);
}

TEST(Checkpoint, InterruptedWriteLeavesTheOldFile) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  std::string path = folder.file("state");
  ASSERT_TRUE(saveCheckpoint(*session, path));
  std::string before = readFile(path);
  trainSteps(*session, 0, 1);
  // As on a full disk: no file of this process may grow past 100 bytes.
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = {100, old.rlim_max};
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Status status = saveCheckpoint(*session, path);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(status.isOk());
  EXPECT_NE(status.message().find("the file of before is untouched"), std::string::npos) << status.message();
  EXPECT_EQ(readFile(path), before);
  for (const auto &entry : std::filesystem::directory_iterator(folder.path))
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  EXPECT_TRUE(saveCheckpoint(*session, path));
  EXPECT_NE(readFile(path), before);
  EXPECT_FALSE(saveCheckpoint(*session, folder.file("no/such/folder/state")).isOk());
}
