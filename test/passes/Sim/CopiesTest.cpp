// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Asynchronous copies: sizes, zero fill, groups, and when they land.
#include "test/passes/Sim/SimKernel.h"

#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;

namespace {

Words counting(size_t count) {
  Words words(count);
  for (size_t i = 0; i < count; ++i)
    words[i] = 0x01000193 * uint32_t(i + 1);
  return words;
}

std::string copy(const std::string &kind, int size, const std::string &to, const std::string &from,
                 const std::string &read = "") {
  return "  call void @llvm.nvvm.cp.async." + kind + ".shared.global." + std::to_string(size) +
         (read.empty() ? "" : ".s") + "(ptr3 %" + to + ", ptr1 %" + from + (read.empty() ? "" : ", i32 " + read) +
         ")\n";
}
const std::string kCommit = "  call void @llvm.nvvm.cp.async.commit.group()\n";
std::string wait(int groups) {
  return "  call void @llvm.nvvm.cp.async.wait.group(i32 " + std::to_string(groups) + ")\n";
}
const std::string kBarrier = "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n";

/// Each thread writes word `t` of shared memory, `count` times 32 of them, to the result.
std::string storeShared(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    std::string n = std::to_string(i);
    text += "  %si" + n + " = add i32 %t, " + std::to_string(32 * i) + "\n  %so" + n + " = shl i32 %si" + n + ", 2\n" +
            sharedAt("sp" + n, "%so" + n) + "  %sv" + n + " = load i32, ptr3 %sp" + n + "\n" +
            wordOf("sq" + n, "out", "%si" + n) + "  store i32 %sv" + n + ", ptr1 %sq" + n + "\n";
  }
  return text;
}

/// %to and %from: piece `t` of `size` bytes of shared memory and, in reverse order, of the input.
std::string pieces(int size) {
  return "  %o = mul i32 %t, " + std::to_string(size) + "\n  %u = sub i32 31, %t\n  %v = mul i32 %u, " +
         std::to_string(size) + "\n" + sharedAt("to", "%o") + "  %from = getelementptr i8, ptr1 %in0, i32 %v\n";
}

TEST(Copies, EverySize) {
  for (auto [kind, size] : {std::pair("ca", 4), {"ca", 8}, {"ca", 16}, {"cg", 16}}) {
    SCOPED_TRACE(std::string(kind) + " " + std::to_string(size));
    int words = size / 4;
    Words input = counting(32 * words);
    Words got = runEverywhere(
        {pieces(size) + copy(kind, size, "to", "from") + kCommit + wait(0) + kBarrier + storeShared(words),
         32,
         1,
         uint32_t(32 * size),
         {input},
         size_t(32 * words)});
    for (int t = 0; t < 32; ++t)
      for (int w = 0; w < words; ++w)
        EXPECT_EQ(got[t * words + w], input[(31 - t) * words + w]);
  }
}

TEST(Copies, ZerosBehindWhatIsRead) {
  for (auto [kind, size] : {std::pair("ca", 4), {"ca", 8}, {"ca", 16}, {"cg", 16}}) {
    SCOPED_TRACE(std::string(kind) + " " + std::to_string(size));
    int words = size / 4;
    Words input = counting(32 * words);
    // Thread t reads t % (size + 1) bytes.
    std::string body = pieces(size) + "  %read = urem i32 %t, " + std::to_string(size + 1) + "\n" +
                       copy(kind, size, "to", "from", "%read") + kCommit + wait(0) + kBarrier + storeShared(words);
    Words got = runEverywhere({body, 32, 1, uint32_t(32 * size), {input}, size_t(32 * words)});
    for (int t = 0; t < 32; ++t)
      for (int byte = 0; byte < size; ++byte) {
        uint32_t from = input[(31 - t) * words + byte / 4] >> byte % 4 * 8 & 0xff;
        EXPECT_EQ(got[t * words + byte / 4] >> byte % 4 * 8 & 0xff, byte < t % (size + 1) ? from : 0)
            << t << " " << byte;
      }
  }
}

TEST(Copies, NothingIsReadWhereNothingIsAskedFor) {
  // A source far outside of every buffer, as a clamped row of a tail has.
  std::string body = "  %o = shl i32 %t, 4\n" + sharedAt("to", "%o") +
                     "  %from = getelementptr i8, ptr1 %in0, i64 1099511627776\n" + copy("cg", 16, "to", "from", "0") +
                     kCommit + wait(0) + kBarrier + storeShared(4);
  EXPECT_EQ(runEverywhere({body, 32, 1, 512, {counting(4)}, 128}), Words(128, 0));
}

/// Three groups of a copy each; the wait leaves `left` of them, and then shared memory is read without further waiting.
Words readAfterWait(int left, bool late) {
  std::string body;
  for (int i = 0; i < 3; ++i) {
    std::string n = std::to_string(i);
    body += "  %i" + n + " = add i32 %t, " + std::to_string(32 * i) + "\n  %o" + n + " = shl i32 %i" + n + ", 2\n" +
            sharedAt("to" + n, "%o" + n) + wordOf("from" + n, "in0", "%i" + n) + copy("ca", 4, "to" + n, "from" + n) +
            kCommit;
  }
  body += wait(left) + kBarrier + storeShared(3);
  Outcome outcome = run({body, 32, 1, 384, {counting(96)}, 96}, {.lateCopies = late});
  EXPECT_TRUE(outcome.status.isOk()) << outcome.status.message();
  return outcome.result;
}

TEST(Copies, WaitLeavesTheYoungestGroups) {
  Words input = counting(96);
  for (int left = 0; left <= 4; ++left)
    for (bool late : {true, false}) {
      Words expected = input;
      if (late) // until it lands, the destination is garbage
        std::fill(expected.begin() + 32 * std::max(0, 3 - left), expected.end(), 0xffffffff);
      EXPECT_EQ(readAfterWait(left, late), expected) << left << late;
    }
}

TEST(Copies, WhatIsNotCommittedIsNotWaitedFor) {
  std::string body = pieces(4) + copy("ca", 4, "to", "from") + wait(0) + kBarrier + storeShared(1);
  EXPECT_EQ(run({body, 32, 1, 128, {counting(32)}, 32}, {}).result, Words(32, 0xffffffff));
}

// The usual pipeline: while stage s is summed, stage s + 1 is on its way; groups may be empty at the end.
TEST(Copies, DoubleBuffering) {
  std::string body = R"(
  %own = shl i32 %t, 2
  %shared0 = getelementptr i8, ptr3 @smem, i32 %own
  %global0 = getelementptr i32, ptr1 %in0, i32 %t
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr3 %shared0, ptr1 %global0)
  call void @llvm.nvvm.cp.async.commit.group()
  br label %loop
loop:
  %stage = phi i32 [0, %entry], [%next, %fetched]
  %sum = phi i32 [0, %entry], [%more, %fetched]
  %next = add i32 %stage, 1
  %any = icmp ult i32 %next, 7
  br i1 %any, label %fetch, label %fetched
fetch:
  %parity = and i32 %next, 1
  %base = shl i32 %parity, 8
  %place = add i32 %base, %own
  %to = getelementptr i8, ptr3 @smem, i32 %place
  %offset = shl i32 %next, 6
  %word = add i32 %offset, %t
  %from = getelementptr i32, ptr1 %in0, i32 %word
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr3 %to, ptr1 %from)
  br label %fetched
fetched:
  call void @llvm.nvvm.cp.async.commit.group()
  call void @llvm.nvvm.cp.async.wait.group(i32 1)
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %now = and i32 %stage, 1
  %nowbase = shl i32 %now, 8
  %other = sub i32 252, %own
  %at = add i32 %nowbase, %other
  %p = getelementptr i8, ptr3 @smem, i32 %at
  %x = load i32, ptr3 %p
  %weighted = mul i32 %sum, 3
  %more = add i32 %weighted, %x
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br i1 %any, label %loop, label %done
done:
)" + wordOf("result", "out", "%t") +
                     "  store i32 %more, ptr1 %result\n";
  Words input = counting(7 * 64), expected(64);
  for (int t = 0; t < 64; ++t)
    for (int stage = 0; stage < 7; ++stage)
      expected[t] = expected[t] * 3 + input[stage * 64 + 63 - t];
  EXPECT_EQ(runEverywhere({body, 64, 1, 512, {input}, 64}), expected);
}

} // namespace
