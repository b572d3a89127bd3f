// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Launches: limits, what one leaves for the next, signal handlers, host threads.
#include "test/passes/Sim/SimKernel.h"

#include <csignal>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

using namespace vlp;
using namespace vlp::test;
using testing::HasSubstr;
using Kind = sim::Finding::Kind;

namespace {

/// out[b * threads + t] = in0[...] + 1.
std::string increment(uint32_t threads) {
  return "  %base = mul i32 %b, " + std::to_string(threads) + "\n  %i = add i32 %base, %t\n" +
         wordOf("p", "in0", "%i") + "  %x = load i32, ptr1 %p\n  %y = add i32 %x, 1\n" + wordOf("q", "out", "%i") +
         "  store i32 %y, ptr1 %q\n";
}

class Launches : public testing::Test {
protected:
  void load(const KernelText &text) {
    auto loaded = sim::Code::load(compile(moduleText(text)));
    ASSERT_TRUE(loaded) << loaded.status().message();
    code = std::move(*loaded);
    kernel = code->find("k");
    ASSERT_NE(kernel, nullptr);
  }
  uint32_t *allocate(size_t words, bool initialised) {
    auto *buffer = reinterpret_cast<uint32_t *>(memory.allocate(words * 4));
    if (initialised) {
      std::memset(buffer, 0, words * 4);
      memory.markInitialised(buffer, words * 4);
    }
    return buffer;
  }
  Status launch(sim::Engine &engine, sim::LaunchConfig config, std::initializer_list<uint32_t *> buffers) {
    std::vector<uint64_t> parameters;
    for (uint32_t *buffer : buffers)
      parameters.push_back(reinterpret_cast<uint64_t>(buffer));
    return engine.launch(*code, *kernel, config, parameters);
  }

  sim::GlobalMemory memory;
  std::unique_ptr<sim::Code> code;
  const vlp_sim_kernel *kernel = nullptr;
};

TEST_F(Launches, LimitsAreKept) {
  load({increment(64), 64, 1, 0, {Words(64)}, 64});
  uint32_t *in = allocate(64, true), *out = allocate(64, false);
  sim::Engine engine(memory, {});
  auto refused = [&](sim::LaunchConfig config, const char *why) {
    engine.clearFindings();
    Status status = launch(engine, config, {in, out});
    EXPECT_FALSE(status.isOk());
    EXPECT_THAT(status.message(), HasSubstr(why));
    ASSERT_EQ(engine.findings().size(), 1u);
    EXPECT_EQ(engine.findings()[0].kind, Kind::LaunchLimit);
  };
  refused({.blocks = 0, .threads = 64}, "expected 1 to 2147483647 blocks, got 0");
  refused({.blocks = 1u << 31, .threads = 64}, "expected 1 to 2147483647 blocks");
  refused({.threads = 1025}, "expected 1 to 1024 threads in a block, got 1025");
  refused({.threads = 0}, "got 0");
  refused({.threads = 32}, "kernel k: expected 64 threads in a block, for which it was compiled, got 32");
  refused({.threads = 64, .shared = (163 << 10) + 1}, "expected at most 166912 bytes of shared memory, got 166913");
  refused({.threads = 64, .shared = 100 << 10, .largestShared = 99 << 10}, "expected at most 101376 bytes");
  EXPECT_EQ(out[0], 0xffffffffu) << "nothing may have run";
  EXPECT_FALSE(engine.launch(*code, *kernel, {.threads = 64}, {}).isOk());
  engine.clearFindings();
  EXPECT_TRUE(launch(engine, {.threads = 64, .shared = 163 << 10}, {in, out}).isOk());
  EXPECT_EQ(out[63], 1u);
}

TEST_F(Launches, FindingsAreOneForEachInstruction) {
  load({increment(32), 32, 1, 0, {Words(32)}, 32});
  uint32_t *in = allocate(32, false), *out = allocate(32, false), *good = allocate(32, true);
  sim::Engine engine(memory, {.checked = true});
  Status first = launch(engine, {}, {in, out}), second = launch(engine, {}, {in, out});
  EXPECT_EQ(engine.findings().size(), 1u);
  EXPECT_FALSE(first.isOk());
  EXPECT_FALSE(second.isOk()) << "found before, but this launch has it as well";
  EXPECT_EQ(second.message(), engine.findings()[0].message);
  EXPECT_TRUE(launch(engine, {}, {good, out}).isOk());
  engine.clearFindings();
  EXPECT_TRUE(engine.findings().empty());
  EXPECT_FALSE(launch(engine, {}, {in, out}).isOk());
  EXPECT_EQ(engine.findings().size(), 1u);
}

// Chains of launches, in place, and the host in between.
TEST_F(Launches, OneLaunchSeesWhatTheOneBeforeWrote) {
  load({increment(32), 32, 4, 0, {Words(128)}, 128});
  uint32_t *a = allocate(128, true), *b = allocate(128, false);
  for (bool checked : {true, false}) {
    sim::Engine engine(memory, {.checked = checked});
    EXPECT_TRUE(launch(engine, {.blocks = 4}, {a, b}).isOk());
    EXPECT_TRUE(launch(engine, {.blocks = 4}, {b, a}).isOk());
    EXPECT_TRUE(launch(engine, {.blocks = 4}, {a, a}).isOk());
  }
  EXPECT_EQ(a[127], 6u); // three launches, twice
}

// Plain code keeps no account of what it writes: a checked engine must not take it for unwritten.
TEST_F(Launches, PlainLaunchesCountAsWriting) {
  load({increment(32), 32, 1, 0, {Words(32)}, 32});
  uint32_t *a = allocate(32, true), *b = allocate(32, false);
  sim::Engine plain(memory, {}), checked(memory, {.checked = true});
  EXPECT_TRUE(launch(plain, {}, {a, b}).isOk());
  EXPECT_TRUE(launch(checked, {}, {b, a}).isOk());
}

// Two checked engines have clocks of their own.
TEST_F(Launches, TwoCheckedEnginesOverOneMemory) {
  std::string reversed = "  %base = mul i32 %b, 32\n  %i = add i32 %base, %t\n  %j = sub i32 127, %i\n" +
                         wordOf("p", "in0", "%j") + "  %x = load i32, ptr1 %p\n" + wordOf("q", "out", "%i") +
                         "  store i32 %x, ptr1 %q\n";
  load({reversed, 32, 4, 0, {Words(128)}, 128});
  uint32_t *a = allocate(128, true), *b = allocate(128, false);
  sim::Engine first(memory, {.checked = true}), second(memory, {.checked = true});
  for (int i = 0; i < 5; ++i) // one of them is ahead
    EXPECT_TRUE(launch(first, {.blocks = 4}, {a, b}).isOk());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(launch(first, {.blocks = 4}, {a, b}).isOk());
    EXPECT_TRUE(launch(second, {.blocks = 4}, {b, a}).isOk());
  }
}

TEST_F(Launches, FreedMemory) {
  load({increment(32), 32, 1, 0, {Words(32)}, 32});
  uint32_t *a = allocate(32, true), *b = allocate(32, false);
  EXPECT_TRUE(memory.free(a));
  for (bool checked : {true, false}) {
    sim::Engine engine(memory, {.checked = checked});
    Status status = launch(engine, {}, {a, b});
    EXPECT_FALSE(status.isOk());
    EXPECT_THAT(status.message(), HasSubstr("has been freed"));
  }
}

/// Blocks of several warps with barriers, of sums that depend on the order in which they are taken.
KernelText longKernel() {
  std::string body = "  %base = mul i32 %b, 96\n  %i = add i32 %base, %t\n  %o = shl i32 %t, 2\n  %r = sub i32 95, "
                     "%t\n  %ro = shl i32 %r, 2\n" +
                     sharedAt("own", "%o") + sharedAt("other", "%ro") + R"(  %start = sitofp i32 %i to float
  br label %loop
loop:
  %n = phi i32 [0, %entry], [%next, %loop]
  %x = phi float [%start, %entry], [%y, %loop]
  store float %x, ptr3 %own
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %z = load float, ptr3 %other
  %s = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %x, i32 3, i32 31)
  %w = fmul float %z, 0x3FE1111120000000
  %y = fadd float %w, %s
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %next = add i32 %n, 1
  %more = icmp ult i32 %next, 9
  br i1 %more, label %loop, label %done
done:
)" + wordOf("q", "out", "%i") +
                     "  store float %y, ptr1 %q\n";
  return {body, 96, 37, 384, {}, 96 * 37};
}

TEST_F(Launches, ResultsDependOnNoSchedule) { runEverywhere(longKernel()); }

TEST_F(Launches, SeedsMakeDifferentSchedulesAndEqualOnesTheSame) {
  // Without a barrier in it the last writer wins, so that the schedule shows.
  KernelText racing{
      "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n  %q = getelementptr i32, ptr1 %out, i32 %b\n"
      "  store i32 %t, ptr1 %q\n",
      256,
      16,
      0,
      {},
      16};
  auto winners = [&](sim::EngineOptions options) { return run(racing, options).result; };
  using sim::ThreadOrder;
  EXPECT_NE(winners({.order = ThreadOrder::Forward}), winners({.order = ThreadOrder::Reverse}));
  Words one = winners({.order = ThreadOrder::Random, .seed = 1, .workers = 1});
  EXPECT_EQ(one, winners({.order = ThreadOrder::Random, .seed = 1, .workers = 3})) << "host threads must not change it";
  EXPECT_NE(one, winners({.order = ThreadOrder::Random, .seed = 2, .workers = 1}));
}

// Handlers.

static volatile sig_atomic_t hostFaults = 0;
static void hostHandler(int) { hostFaults = hostFaults + 1; }

TEST_F(Launches, TheHostsSignalHandlersComeBack) {
  struct sigaction mine = {}, before = {}, after = {};
  mine.sa_handler = hostHandler;
  sigaction(SIGSEGV, &mine, &before);
  load({"  %o = shl i32 %t, 10\n" + wordOf("p", "out", "%o") + "  store i32 1, ptr1 %p\n", 32, 1, 0, {}, 32});
  uint32_t *out = allocate(32, false);
  sim::Engine engine(memory, {});
  for (int i = 0; i < 3; ++i) { // a fault leaves nothing behind that would hurt the next launch
    EXPECT_FALSE(launch(engine, {}, {out}).isOk());
    EXPECT_EQ(out[0], 1u);
    out[0] = 0;
  }
  EXPECT_EQ(hostFaults, 0);
  sigaction(SIGSEGV, nullptr, &after);
  EXPECT_EQ(after.sa_handler, hostHandler);
  raise(SIGSEGV);
  EXPECT_EQ(hostFaults, 1);
  sigaction(SIGSEGV, &before, nullptr);
}

TEST_F(Launches, EnginesInSeveralHostThreads) {
  LoadedKernel kernel(longKernel());
  Words expected = kernel.run({.workers = 1}).result;
  std::vector<Words> results(4);
  {
    std::vector<std::jthread> threads;
    for (Words &result : results)
      threads.emplace_back([&] { result = kernel.run({.workers = 2}).result; });
  }
  for (const Words &result : results)
    EXPECT_EQ(result, expected);
}

TEST_F(Launches, ManyFaultsInManyThreads) {
  // The end of the result and the guard page in turns.
  LoadedKernel kernel(
      {"  %odd = and i32 %b, 1\n  %o = shl i32 %odd, 10\n" + wordOf("p", "out", "%o") + "  store i32 1, ptr1 %p\n",
       32,
       64,
       0,
       {},
       32});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        Outcome outcome = kernel.run({.workers = 2});
        EXPECT_FALSE(outcome.status.isOk());
        for (const sim::Finding &finding : outcome.findings)
          EXPECT_EQ(finding.kind, Kind::OutOfBounds) << finding.message;
      }
    });
}

} // namespace
