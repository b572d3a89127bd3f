// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the engine does without a compiler: device memory, what it loads and refuses to load, limits of launches. Its
// kernels are those of test/runtime/cuda/SimKernels.cpp.
#include "runtime/sim/Engine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

using namespace vlp;
using namespace vlp::sim;
using Kind = Finding::Kind;

namespace {

constexpr uint32_t kWidth = 37; // of toy_residual: parameter 2 = parameter 1 - parameter 0

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::vector<char> readKernels() {
  std::ifstream file(VLP_TEST_SIM_KERNELS, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(GlobalMemory, AlignedAndUnwritten) {
  GlobalMemory memory;
  for (uint64_t bytes : {1, 2, 63, 64, 65, 4095, 4096, 4097, 100000}) {
    std::byte *buffer = memory.allocate(bytes);
    ASSERT_NE(buffer, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer) % 64, 0u) << bytes;
    EXPECT_TRUE(std::all_of(buffer, buffer + bytes, [](std::byte byte) { return byte == std::byte{0xff}; }));
    std::memset(buffer, 0, bytes); // all of it is there
  }
}

TEST(GlobalMemory, AnEmptyBufferHasAnAddress) {
  GlobalMemory memory;
  std::byte *first = memory.allocate(0), *second = memory.allocate(0);
  EXPECT_NE(first, nullptr);
  EXPECT_NE(first, second);
  EXPECT_TRUE(memory.free(first));
  EXPECT_TRUE(memory.free(second));
}

TEST(GlobalMemory, FreesWhatItGaveOnce) {
  GlobalMemory memory;
  std::byte *buffer = memory.allocate(256);
  int local = 0;
  EXPECT_FALSE(memory.free(nullptr));
  EXPECT_FALSE(memory.free(&local));
  EXPECT_FALSE(memory.free(buffer + 64)) << "inside of a buffer";
  EXPECT_TRUE(memory.free(buffer));
  EXPECT_FALSE(memory.free(buffer)) << "a second time";
}

TEST(GlobalMemory, FindsBuffersByEveryAddress) {
  GlobalMemory memory;
  std::byte *buffer = memory.allocate(100);
  auto address = reinterpret_cast<uintptr_t>(buffer);
  GlobalMemory::Allocation *allocation = memory.find(address);
  ASSERT_NE(allocation, nullptr);
  EXPECT_EQ(memory.find(address + 99), allocation);
  EXPECT_EQ(memory.find(address + 128), allocation) << "its guard page";
  EXPECT_EQ(memory.find(0), nullptr);
  EXPECT_EQ(memory.find(UINTPTR_MAX), nullptr);
}

TEST(GlobalMemory, TooMuch) {
  GlobalMemory memory;
  EXPECT_EQ(memory.allocate(UINT64_MAX), nullptr);
  EXPECT_EQ(memory.allocate(uint64_t(1) << 50), nullptr);
  EXPECT_NE(memory.allocate(64), nullptr) << "the next one may still be had";
}

using GlobalMemoryDeathTest = testing::Test;

TEST(GlobalMemoryDeathTest, GuardPages) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        GlobalMemory memory;
        volatile std::byte *buffer = memory.allocate(128);
        buffer[128] = std::byte{1};
      },
      "");
  EXPECT_DEATH(
      {
        GlobalMemory memory;
        volatile std::byte *buffer = memory.allocate(64);
        memory.free(const_cast<std::byte *>(buffer));
        buffer[0] = std::byte{1};
      },
      "");
}

TEST(Code, RefusesGarbage) {
  std::vector<char> good = readKernels();
  ASSERT_GT(good.size(), 4096u);
  EXPECT_TRUE(Code::load(good));
  EXPECT_FALSE(Code::load({}));
  EXPECT_FALSE(Code::load(std::vector<char>(4096, 'x')));
  // The table under another name.
  std::vector<char> renamed = good;
  const std::string symbol = "vlp_sim_module";
  for (auto at = renamed.begin(); (at = std::search(at, renamed.end(), symbol.begin(), symbol.end())) != renamed.end();)
    *at = 'x';
  Expected<std::unique_ptr<Code>> refused = Code::load(renamed);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(contains(refused.status().message(), "vlp_sim_module")) << refused.status().message();
}

TEST(Code, FindsKernelsByTheirWholeName) {
  auto code = Code::load(readKernels());
  ASSERT_TRUE(code) << code.status().message();
  ASSERT_NE((*code)->find("toy_residual"), nullptr);
  EXPECT_EQ((*code)->find("toy_residual")->parameters, 3u);
  EXPECT_EQ((*code)->find("toy_residua"), nullptr);
  EXPECT_EQ((*code)->find("toy_residual2"), nullptr);
  EXPECT_EQ((*code)->find(""), nullptr);
  EXPECT_EQ((*code)->describe(7), "shared");
  EXPECT_EQ((*code)->describe(8), "");
  EXPECT_TRUE((*code)->contains(reinterpret_cast<uintptr_t>((*code)->find("toy_residual")->plain)));
  EXPECT_FALSE((*code)->contains(reinterpret_cast<uintptr_t>(&contains)));
}

class Launches : public testing::Test {
protected:
  void SetUp() override {
    auto loaded = Code::load(readKernels());
    ASSERT_TRUE(loaded) << loaded.status().message();
    code = std::move(*loaded);
    for (float *&buffer : buffers)
      buffer = reinterpret_cast<float *>(memory.allocate(kWidth * sizeof(float)));
    for (uint32_t i = 0; i < kWidth; ++i) {
      buffers[0][i] = float(i);
      buffers[1][i] = 3 * float(i);
    }
    memory.markInitialised(buffers[0], kWidth * sizeof(float));
    memory.markInitialised(buffers[1], kWidth * sizeof(float));
  }

  Status launch(Engine &engine, const char *name, LaunchConfig config, size_t parameters = 3) {
    std::vector<uint64_t> words;
    for (float *buffer : buffers)
      words.push_back(reinterpret_cast<uint64_t>(buffer));
    words.resize(parameters);
    return engine.launch(*code, *code->find(name), config, words);
  }
  bool isUnwritten() const { return std::isnan(buffers[2][0]) && std::isnan(buffers[2][kWidth - 1]); }

  GlobalMemory memory;
  std::unique_ptr<Code> code;
  float *buffers[3] = {};
};

TEST_F(Launches, EveryOrderGivesTheResult) {
  for (bool checked : {false, true})
    for (ThreadOrder order : {ThreadOrder::Forward, ThreadOrder::Reverse, ThreadOrder::Random}) {
      std::memset(buffers[2], 0xff, kWidth * sizeof(float));
      Engine engine(memory, {.checked = checked, .order = order, .workers = 2});
      Status status = launch(engine, "toy_residual", {.blocks = 2, .threads = 32});
      EXPECT_TRUE(status.isOk()) << status.message();
      EXPECT_TRUE(engine.findings().empty());
      for (uint32_t i = 0; i < kWidth; ++i)
        EXPECT_EQ(buffers[2][i], 2 * float(i));
    }
}

TEST_F(Launches, Limits) {
  const std::pair<LaunchConfig, const char *> cases[] = {
      {{.blocks = 0}, "expected 1 to 2147483647 blocks, got 0"},
      {{.blocks = 1u << 31}, "expected 1 to 2147483647 blocks, got 2147483648"},
      {{.threads = 0}, "expected 1 to 1024 threads in a block, got 0"},
      {{.threads = 1025}, "expected 1 to 1024 threads in a block, got 1025"},
      {{.threads = 64}, "expected 32 threads in a block, for which it was compiled, got 64"},
      {{.shared = (163 << 10) + 1}, "expected at most 166912 bytes of shared memory, got 166913"},
      {{.shared = 100 << 10, .largestShared = 99 << 10}, "expected at most 101376 bytes of shared memory, got 102400"}};
  for (bool checked : {false, true})
    for (const auto &[config, message] : cases) {
      Engine engine(memory, {.checked = checked});
      Status status = launch(engine, "toy_residual", config);
      EXPECT_FALSE(status.isOk());
      EXPECT_TRUE(contains(status.message(), std::string("kernel toy_residual: ") + message)) << status.message();
      ASSERT_EQ(engine.findings().size(), 1u);
      EXPECT_EQ(engine.findings()[0].kind, Kind::LaunchLimit);
      EXPECT_TRUE(isUnwritten()) << "something ran";
    }
}

TEST_F(Launches, NumberOfParameters) {
  for (size_t count : {0, 2, 4}) {
    Engine engine(memory, {});
    Status status = launch(engine, "toy_residual", {.blocks = 2}, count);
    EXPECT_TRUE(contains(status.message(), "expected 3 parameters, got " + std::to_string(count))) << status.message();
    EXPECT_TRUE(isUnwritten());
  }
}

// A fault of plain code, a refused access of checked code; the engine goes on after either.
TEST_F(Launches, FreedMemory) {
  for (bool checked : {false, true}) {
    Engine engine(memory, {.checked = checked});
    ASSERT_TRUE(memory.free(buffers[2]));
    Status status = launch(engine, "toy_residual", {.blocks = 2});
    EXPECT_TRUE(contains(status.message(), "that has been freed")) << status.message();
    ASSERT_EQ(engine.findings().size(), 1u);
    EXPECT_EQ(engine.findings()[0].kind, Kind::OutOfBounds);
    engine.clearFindings();
    EXPECT_TRUE(engine.findings().empty());
    buffers[2] = reinterpret_cast<float *>(memory.allocate(kWidth * sizeof(float)));
    status = launch(engine, "toy_residual", {.blocks = 2});
    EXPECT_TRUE(status.isOk()) << status.message();
    EXPECT_EQ(buffers[2][kWidth - 1], 2 * float(kWidth - 1));
  }
}

TEST_F(Launches, WrongKernels) {
  const std::pair<const char *, Kind> cases[] = {{"toy_out_of_bounds", Kind::OutOfBounds},
                                                 {"toy_race", Kind::GlobalRace}};
  for (auto [name, kind] : cases) {
    Engine engine(memory, {.checked = true});
    Status status = launch(engine, name, {.blocks = 2});
    EXPECT_FALSE(status.isOk());
    ASSERT_EQ(engine.findings().size(), 1u);
    EXPECT_EQ(engine.findings()[0].kind, kind);
    EXPECT_EQ(engine.findings()[0].message, status.message());
    EXPECT_TRUE(contains(status.message(), std::string("kernel ") + name + ", block ")) << status.message();
  }
}

} // namespace
