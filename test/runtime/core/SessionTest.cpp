// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards sessions: results that no thread count changes, state, scalars, memory of the caller, and errors that name
// what there is.
#include "TestModule.h"
#include "runtime/core/Module.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <new>

using namespace vlp;
using namespace vlp::test;

/// Allocations of this program, counted by the operators below.
static std::atomic<size_t> allocations{0};
void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

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
    Status status = session.run("train");
    ASSERT_TRUE(status) << status.message();
  }
}

TEST(Session, TrainsTowardsTheMean) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  session->initialize(3);
  fillToyImage(*session, "train", 0);
  ASSERT_TRUE(session->run("train"));
  float first = floats(*session->output("train", "loss"))[0];
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(session->run("train"));
  float last = floats(*session->output("train", "loss"))[0];
  EXPECT_GT(first, 0.1f);
  EXPECT_LT(last, first * 1e-3f);
  EXPECT_EQ(*session->counter("train.step"), 201);
}

TEST(Session, ResultsDoNotDependOnThreads) {
  TemporaryFolder folder;
  std::string expected;
  for (unsigned threads : {1u, 2u, 3u, 8u, 40u}) {
    auto session = toySession(folder, threads);
    ASSERT_TRUE(session);
    session->initialize(11);
    trainSteps(*session, 0, 10);
    std::string found = stateBytes(*session);
    if (expected.empty())
      expected = found;
    EXPECT_EQ(found, expected) << threads << " threads";
  }
}

TEST(Session, InitializeIsReproducible) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  session->initialize(5);
  std::string first = stateBytes(*session);
  trainSteps(*session, 0, 3);
  EXPECT_NE(stateBytes(*session), first);
  session->initialize(5);
  EXPECT_EQ(stateBytes(*session), first);
  session->initialize(6);
  EXPECT_NE(stateBytes(*session), first);
  EXPECT_EQ(*session->scalar("train.learning_rate"), 0.25f);
}

TEST(Session, ScalarsAndCounters) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  EXPECT_TRUE(session->setScalar("train.learning_rate", 0));
  EXPECT_EQ(*session->scalar("train.learning_rate"), 0);
  std::vector<float> before(floats(session->state("weight")).begin(), floats(session->state("weight")).end());
  trainSteps(*session, 0, 1);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), floats(session->state("weight")).begin()));
  Status status = session->setScalar("learning_rate", 1);
  EXPECT_NE(status.message().find("no scalar 'learning_rate'; it has train.learning_rate"), std::string::npos)
      << status.message();
  // A parameter is no scalar, a scalar no counter.
  EXPECT_FALSE(session->setScalar("weight", 1));
  EXPECT_FALSE(session->counter("train.learning_rate"));
  EXPECT_FALSE(session->scalar("train.step"));
  EXPECT_TRUE(session->state("nothing").empty());
}

TEST(Session, UnknownNamesAreListed) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  EXPECT_NE(session->run("evaluate").message().find("it has train, encode_image"), std::string::npos);
  EXPECT_NE(session->input("train", "picture").status().message().find("has no input 'picture'; it has image"),
            std::string::npos);
  EXPECT_NE(session->output("train", "los").status().message().find("it has loss, finite"), std::string::npos);
  EXPECT_NE(session->input("count", "x").status().message().find("it has none"), std::string::npos);
  EXPECT_FALSE(session->input("evaluate", "image"));
}

// Kernels trust tokens: one that is out of range must not reach them.
TEST(Session, RefusesTokensOutOfRange) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  auto bytes = session->input("encode_text", "text");
  ASSERT_TRUE(bytes);
  std::memset(bytes->data(), 0, bytes->size());
  auto *tokens = reinterpret_cast<int32_t *>(bytes->data());
  tokens[14] = kToyVocabulary - 1;
  EXPECT_TRUE(session->run("encode_text"));
  for (int32_t bad : {int32_t(kToyVocabulary), -1, INT32_MIN, INT32_MAX}) {
    tokens[14] = bad;
    Status status = session->run("encode_text");
    EXPECT_NE(status.message().find("holds token " + std::to_string(bad) +
                                    " at element 14, the model's vocabulary has 0 to 10"),
              std::string::npos)
        << status.message();
  }
}

TEST(Session, EmbeddingsHaveLengthOne) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "encode_image", 1);
  ASSERT_TRUE(session->run("encode_image"));
  auto embedding = floats(*session->output("encode_image", "image_embedding"));
  for (int64_t row = 0; row < kToyBatch; ++row) {
    double square = 0;
    for (int64_t i = 0; i < kToyWidth; ++i)
      square += double(embedding[size_t(row * kToyWidth + i)]) * embedding[size_t(row * kToyWidth + i)];
    EXPECT_NEAR(square, 1, 1e-5);
  }
}

TEST(Session, RunsInTheCallersArena) {
  TemporaryFolder folder;
  std::string path = folder.file("toy.vlp");
  writeFile(path, toyFile());
  auto module = Module::load(path);
  ASSERT_TRUE(module);
  alignas(64) static std::byte arena[1024];
  std::memset(arena, 0x55, sizeof arena);
  DeviceOptions options;
  options.arena = arena;
  options.arenaSize = 511;
  EXPECT_NE(Session::create(*module, options).status().message().find("has 511 bytes"), std::string::npos);
  options.arenaSize = 512;
  options.arena = arena + 4;
  EXPECT_NE(Session::create(*module, options).status().message().find("multiple of 64"), std::string::npos);
  options.arena = arena;
  auto session = Session::create(*module, options);
  ASSERT_TRUE(session) << session.status().message();
  fillToyImage(**session, "train", 0);
  ASSERT_TRUE((*session)->run("train"));
  EXPECT_NE(int(arena[0]) + int(arena[1]) + int(arena[2]), 3 * 0x55);
  for (size_t i = 512; i < sizeof arena; ++i)
    ASSERT_EQ(arena[i], std::byte(0x55));
}

TEST(Session, SaysWhatMemoryItLacks) {
  TemporaryFolder folder;
  std::string path = folder.file("large.vlp");
  writeFile(path, toyFile([](format::Manifest &manifest) {
              manifest.mutable_programs(0)->mutable_entries(0)->set_arena_size(uint64_t(1) << 47);
            }));
  auto module = Module::load(path);
  ASSERT_TRUE(module) << module.status().message();
  Status status = Session::create(*module).status();
  EXPECT_EQ(status.code(), StatusCode::Unavailable);
  EXPECT_NE(status.message().find("needs 140.7 TB"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("are free; compile it for a smaller batch"), std::string::npos) << status.message();
}

TEST(Session, TimesEveryOp) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  std::vector<OpTiming> timings;
  ASSERT_TRUE(session->runTimed("train", timings));
  ASSERT_EQ(timings.size(), 5u);
  double last = 0;
  for (const OpTiming &timing : timings) {
    EXPECT_GE(timing.begin, last);
    EXPECT_GE(timing.end, timing.begin);
    last = timing.end;
  }
  EXPECT_EQ(timings[0].op->launch().layer(), "visual.pool");
  EXPECT_EQ(*session->counter("train.step"), 1);
}

// A step must not allocate: its cost would be unbounded. The clock is printed, not judged: tests share their machine.
TEST(Session, RunAllocatesNothing) {
  TemporaryFolder folder;
  std::string path = folder.file("toy.vlp");
  writeFile(path, toyFile());
  auto module = Module::load(path);
  ASSERT_TRUE(module);
  auto session = Session::create(*module);
  ASSERT_TRUE(session);
  fillToyImage(**session, "train", 0);
  ASSERT_TRUE((*session)->run("train"));
  size_t before = allocations;
  for (int i = 0; i < 100; ++i)
    if (!(*session)->run("train") || !(*session)->run("count"))
      FAIL();
  EXPECT_EQ(allocations - before, 0u);
  auto begin = std::chrono::steady_clock::now();
  constexpr int rounds = 200;
  for (int i = 0; i < rounds; ++i)
    if (!(*session)->run("count"))
      FAIL();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%.2f us a launch\n", seconds / rounds / kToyIncrements * 1e6);
}
