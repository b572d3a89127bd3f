// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels with planted bugs, each of which must be reported, and their mended twins, which must not.
#include "test/passes/Sim/SimKernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;
using sim::ThreadOrder;
using testing::HasSubstr;
using Kind = sim::Finding::Kind;

namespace {

const std::string kBarrier = "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n";
const std::string kWarpBarrier = "  call void @llvm.nvvm.bar.warp.sync(i32 -1)\n";
const std::string kCommit = "  call void @llvm.nvvm.cp.async.commit.group()\n";
const std::string kWaitAll = "  call void @llvm.nvvm.cp.async.wait.group(i32 0)\n";

/// %own and %other: shared words t and t xor `mask`. %mine: word t of the result.
std::string pointers(int mask) {
  return "  %o0 = shl i32 %t, 2\n  %x0 = xor i32 %t, " + std::to_string(mask) + "\n  %o1 = shl i32 %x0, 2\n" +
         sharedAt("own", "%o0") + sharedAt("other", "%o1") + wordOf("mine", "out", "%t");
}

void expectClean(const KernelText &kernel) { runEverywhere(kernel); }

/// Every checked order reports a finding of `kind` whose message has all of `parts`, and no order reports another kind;
/// and the launch fails.
void expectFinding(const KernelText &kernel, Kind kind, const std::vector<std::string> &parts) {
  for (ThreadOrder order : {ThreadOrder::Forward, ThreadOrder::Reverse, ThreadOrder::Random})
    for (bool late : {true, false}) {
      SCOPED_TRACE("order " + std::to_string(int(order)) + (late ? ", late copies" : ""));
      Outcome outcome = run(kernel, {.checked = true, .order = order, .seed = 5, .lateCopies = late});
      EXPECT_FALSE(outcome.status.isOk());
      ASSERT_FALSE(outcome.findings.empty());
      EXPECT_EQ(outcome.status.message(), outcome.findings.front().message);
      for (const sim::Finding &finding : outcome.findings) {
        EXPECT_EQ(finding.kind, kind) << finding.message;
        EXPECT_THAT(finding.message, HasSubstr("kernel k, block "));
      }
      for (const std::string &part : parts)
        EXPECT_THAT(outcome.findings.front().message, HasSubstr(part));
    }
}

// Races in shared memory.

std::string exchange(int mask, const std::string &between, const std::string &after) {
  return pointers(mask) + "  store i32 %t, ptr3 %own\n" + between + "  %x = load i32, ptr3 %other\n" + after +
         "  store i32 %x, ptr3 %own\n" + "  store i32 %x, ptr1 %mine\n";
}

TEST(SharedRace, WriteAndReadWithoutABarrier) {
  // Somebody reads before the other has written, or after it: the first is an uninitialised read as well.
  std::string body = pointers(32) + "  store i32 0, ptr3 %own\n" + kBarrier +
                     "  store i32 %t, ptr3 %own\n  %x = load i32, ptr3 %other\n" + "  store i32 %x, ptr1 %mine\n";
  expectFinding({body, 64, 1, 256, {}, 64}, Kind::SharedRace,
                {"of shared memory, which thread ", "with no barrier in between", "`store i32", "`%x = load i32"});
}

TEST(SharedRace, OverwrittenWhileOthersRead) {
  expectFinding({exchange(32, kBarrier, ""), 64, 1, 256, {}, 64}, Kind::SharedRace, {"with no barrier in between"});
  expectClean({exchange(32, kBarrier, kBarrier), 64, 1, 256, {}, 64});
}

TEST(SharedRace, AllThreadsWriteOneWord) {
  expectFinding({"  store i32 1, ptr3 @smem\n", 64, 1, 128}, Kind::SharedRace,
                {"writes byte 0 of shared memory", "has written"});
  expectFinding({"  store i32 1, ptr3 @smem\n", 32, 1, 128}, Kind::SharedRace,
                {"writes byte 0 of shared memory", "has written"});
  std::string single = "  %first = icmp eq i32 %t, 0\n  br i1 %first, label %yes, label %no\nyes:\n  store i32 1, ptr3 "
                       "@smem\n  br label %no\nno:\n";
  expectClean({single, 64, 1, 128});
}

TEST(SharedRace, LanesOfAWarpNeedAWarpBarrier) {
  expectFinding({exchange(1, kWarpBarrier, ""), 32, 1, 128, {}, 32}, Kind::SharedRace, {"with no barrier in between"});
  expectClean({exchange(1, kWarpBarrier, kWarpBarrier), 64, 1, 256, {}, 64});
  // A shuffle makes lanes meet, but orders no memory.
  std::string shuffle = "  %s = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %t, i32 0, i32 31)\n";
  expectFinding({exchange(1, kWarpBarrier, shuffle), 32, 1, 128, {}, 32}, Kind::SharedRace,
                {"with no barrier in between"});
}

TEST(SharedRace, AWarpBarrierDoesNotOrderWarps) {
  expectFinding({exchange(32, kBarrier, kWarpBarrier), 64, 1, 256, {}, 64}, Kind::SharedRace,
                {"with no barrier in between"});
}

TEST(SharedRace, ABarrierOfSomeLanesDoesNotOrderTheOthers) {
  std::string body =
      pointers(16) + "  store i32 0, ptr3 %own\n" + kBarrier +
      "  %low = icmp ult i32 %t, 16\n  br i1 %low, label %yes, label %no\n"
      "yes:\n  store i32 1, ptr3 %own\n  call void @llvm.nvvm.bar.warp.sync(i32 65535)\n  br label %join\n"
      "no:\n  %x = load i32, ptr3 %other\n  store i32 %x, ptr1 %mine\n  br label %join\njoin:\n";
  expectFinding({body, 32, 1, 128, {}, 32}, Kind::SharedRace, {"with no barrier in between"});
}

TEST(SharedRace, HalvesOfAWordAreApart) {
  // Neighbours write the two bf16 of a word; then each reads the whole word.
  std::string body = "  %o = shl i32 %t, 1\n" + sharedAt("own", "%o") +
                     "  %h = trunc i32 %t to i16\n  store i16 %h, ptr3 %own\n" + kBarrier + "  %e = and i32 %o, -4\n" +
                     sharedAt("word", "%e") + "  %x = load i32, ptr3 %word\n" + wordOf("mine", "out", "%t") +
                     "  store i32 %x, ptr1 %mine\n";
  expectClean({body, 64, 1, 128, {}, 64});
  std::string racing = "  %all = shl i32 %t, 2\n" + sharedAt("w", "%all") + "  store i32 0, ptr3 %w\n" + kBarrier +
                       with(body, {{kBarrier, ""}});
  expectFinding({racing, 64, 1, 256, {}, 64}, Kind::SharedRace, {"with no barrier in between"});
}

TEST(SharedRace, ReadAgainAfterAWarpBarrierAndThenWritten) {
  // All lanes read word 0; after a barrier of the warp lane 0 alone reads and writes it.
  std::string body =
      "  %first = icmp eq i32 %t, 0\n  br i1 %first, label %init, label %ready\ninit:\n  store i32 7, ptr3 @smem\n  br "
      "label %ready\n"
      "ready:\n" +
      kBarrier + "  %x = load volatile i32, ptr3 @smem\n" + kWarpBarrier +
      "  br i1 %first, label %again, label %done\nagain:\n  %y = load volatile i32, ptr3 @smem\n  %z = add i32 %x, %y\n"
      "  store i32 %z, ptr3 @smem\n  br label %done\ndone:\n";
  expectClean({body, 32, 1, 128});
  expectFinding({body, 64, 1, 128}, Kind::SharedRace, {"byte 0 of shared memory"}); // the second warp reads as well
}

TEST(SharedRace, ReadByTwoLanesAndWrittenByOne) {
  std::string body = "  %first = icmp eq i32 %t, 0\n  br i1 %first, label %init, label %ready\ninit:\n  store i32 7, "
                     "ptr3 @smem\n  br label %ready\n"
                     "ready:\n" +
                     kWarpBarrier +
                     "  %x = load volatile i32, ptr3 @smem\n  %writes = icmp eq i32 %t, 31\n"
                     "  br i1 %writes, label %yes, label %no\nyes:\n  store i32 %x, ptr3 @smem\n  br label %no\nno:\n";
  expectFinding({body, 32, 1, 128}, Kind::SharedRace, {"byte 0 of shared memory"});
}

TEST(SharedRace, ReadByTwoWarpsAndWrittenByOne) {
  // The writer's own read, which may be the last one, must not hide the other warp's.
  std::string body = "  %first = icmp eq i32 %t, 0\n  br i1 %first, label %init, label %ready\ninit:\n  store i32 7, "
                     "ptr3 @smem\n  br label %ready\n"
                     "ready:\n" +
                     kBarrier + "  %x = load volatile i32, ptr3 @smem\n" + kWarpBarrier +
                     "  %writes = icmp eq i32 %t, 32\n  br i1 %writes, label %yes, label %no\nyes:\n  store i32 %x, "
                     "ptr3 @smem\n  br label %no\nno:\n";
  expectFinding({body, 64, 1, 128}, Kind::SharedRace, {"byte 0 of shared memory"});
  expectClean({with(body, {{kWarpBarrier, kBarrier}}), 64, 1, 128});
}

// Races in global memory.

TEST(GlobalRace, BlocksWriteOneBuffer) {
  expectFinding({pointers(0) + "  store i32 %b, ptr1 %mine\n", 32, 2, 128, {}, 32}, Kind::GlobalRace,
                {"of a buffer of 128 bytes, parameter 0, which thread ", "of block ", "in the same launch"});
}

TEST(GlobalRace, ABlockReadsWhatAnotherWrites) {
  // Block b writes word b and reads word 1 - b of an initialised buffer.
  std::string body =
      wordOf("own", "in0", "%b") + "  %o = sub i32 1, %b\n" + wordOf("other", "in0", "%o") +
      "  %first = icmp eq i32 %t, 0\n  br i1 %first, label %yes, label %no\nyes:\n  %x = load i32, ptr1 %other\n" +
      "  store i32 %x, ptr1 %own\n  br label %no\nno:\n";
  expectFinding({body, 32, 2, 0, {Words(2)}}, Kind::GlobalRace, {"of a buffer of 8 bytes, parameter 0", "of block "});
}

TEST(GlobalRace, ReadByManyBlocksAndWrittenByOne) {
  // Every block reads word 0, also the one that writes it: its own read must not hide the others'.
  std::string body = "  %x = load volatile i32, ptr1 %in0\n  %last = icmp eq i32 %b, 2\n  %first = icmp eq i32 %t, 0\n"
                     "  %both = and i1 %last, %first\n" +
                     kBarrier +
                     "  br i1 %both, label %yes, label %no\nyes:\n  store i32 %x, ptr1 %in0\n"
                     "  br label %no\nno:\n";
  expectFinding({body, 32, 5, 0, {Words(2)}}, Kind::GlobalRace, {"byte 0 of a buffer"});
  expectClean({body, 32, 1, 0, {Words(2)}});
}

TEST(GlobalRace, ThreadsOfABlockWithoutABarrier) {
  std::string exchangeGlobal = wordOf("own", "out", "%t") + "  %x0 = xor i32 %t, 32\n" + wordOf("other", "out", "%x0") +
                               "  store i32 %t, ptr1 %own\n" + kBarrier + "  %x = load i32, ptr1 %other\n";
  expectFinding({exchangeGlobal + "  store i32 %x, ptr1 %own\n", 64, 1, 0, {}, 64}, Kind::GlobalRace,
                {"with no barrier in between"});
  expectClean({exchangeGlobal + kBarrier + "  store i32 %x, ptr1 %own\n", 64, 1, 0, {}, 64});
}

TEST(GlobalRace, LaunchesAreOrdered) {
  // In place, twice: what the blocks of one launch wrote, others read in the next. runEverywhere launches once; a block
  // reads what it writes.
  std::string body = "  %base = mul i32 %b, 32\n  %i = add i32 %base, %t\n" + wordOf("p", "in0", "%i") +
                     "  %x = load i32, ptr1 %p\n  %y = add i32 %x, 1\n  store i32 %y, ptr1 %p\n";
  expectClean({body, 32, 4, 0, {Words(128)}});
}

// Bounds.

TEST(OutOfBounds, OneElementPastTheEnd) {
  std::string body = "  %base = mul i32 %b, 32\n  %i = add i32 %base, %t\n" + wordOf("p", "in0", "%i") +
                     "  %x = load i32, ptr1 %p\n" + wordOf("q", "out", "%i") + "  store i32 %x, ptr1 %q\n";
  expectFinding(
      {body, 32, 2, 0, {Words(63)}, 64}, Kind::OutOfBounds,
      {"kernel k, block 1, thread 31, at `%x = load i32", "reads 4 bytes at byte 252 of a buffer of 252 bytes"});
  expectFinding({body, 32, 2, 0, {Words(64)}, 63}, Kind::OutOfBounds,
                {"writes 4 bytes at byte 252 of a buffer of 252 bytes"});
  expectClean({body, 32, 2, 0, {Words(64)}, 64});
}

TEST(OutOfBounds, AVectorThatSticksOut) {
  std::string body = "  %x = load <4 x i32>, ptr1 %in0, align 4\n  store <4 x i32> %x, ptr1 %out, align 4\n";
  expectFinding({body, 1, 1, 0, {Words(3)}, 4}, Kind::OutOfBounds,
                {"reads 16 bytes at byte 0 of a buffer of 12 bytes"});
}

TEST(OutOfBounds, BeforeTheStartAndNowhere) {
  expectFinding({wordOf("p", "out", "-1") + "  store i32 0, ptr1 %p\n", 1, 1, 0, {}, 4}, Kind::OutOfBounds,
                {"writes 4 bytes at byte -4 of a buffer"});
  expectFinding({"  %p = getelementptr i8, ptr1 %out, i64 70368744177664\n  store i32 0, ptr1 %p\n", 1, 1, 0, {}, 4},
                Kind::OutOfBounds, {"where no buffer is"});
  expectFinding({"  store i32 0, ptr1 null\n  store i32 1, ptr1 %out\n", 1, 1, 0, {}, 4}, Kind::OutOfBounds,
                {"where no buffer is"});
}

TEST(OutOfBounds, SharedMemory) {
  expectFinding({pointers(0) + "  store i32 %t, ptr3 %own\n", 64, 1, 252, {}, 64}, Kind::OutOfBounds,
                {"thread 63, at `store i32", "writes 4 bytes at byte 252 of 252 bytes of shared memory"});
  expectFinding({pointers(0) + "  store i32 %t, ptr3 %own\n", 32, 1, 0, {}, 64}, Kind::OutOfBounds,
                {"of 0 bytes of shared memory"});
}

TEST(OutOfBounds, AVectorThatSticksOutOfSharedMemory) {
  std::string body = sharedAt("p", "16") + "  store <4 x i32> zeroinitializer, ptr3 %p, align 4\n";
  expectFinding({body, 1, 1, 24}, Kind::OutOfBounds, {"writes 16 bytes at byte 16 of 24 bytes of shared memory"});
  expectClean({body, 1, 1, 32});
}

const std::string kLoadMatrix = R"(
  %m = call i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16.p3(ptr3 %row)
  store i32 %m, ptr1 %mine
)";

/// Writes the first 128 bytes of shared memory.
std::string rows() { return pointers(0) + "  store i32 %t, ptr3 %own\n" + kBarrier; }

TEST(OutOfBounds, RowsOfAMatrixLoad) {
  std::string body = rows() + "  %o = shl i32 %t, 4\n" + sharedAt("row", "%o") + kLoadMatrix;
  expectFinding({body, 32, 1, 124, {}, 32}, Kind::OutOfBounds, {});
  expectFinding(
      {with(body, {{"shl i32 %t, 4", "shl i32 %t, 5"}}), 32, 1, 128, {}, 32}, Kind::OutOfBounds,
      {"thread 4, at `%m = call i32 @llvm.nvvm.ldmatrix", "reads a row at byte 128 of 128 bytes of shared memory"});
  expectClean({body, 32, 1, 128, {}, 32});
}

TEST(OutOfBounds, AsynchronousCopies) {
  std::string body = R"(
  %o = shl i32 %t, 4
  %to = getelementptr i8, ptr3 @smem, i32 %o
  %from = getelementptr i8, ptr1 %in0, i32 %o
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr3 %to, ptr1 %from)
)" + kCommit + kWaitAll;
  expectFinding({body, 32, 1, 496, {Words(128)}}, Kind::OutOfBounds,
                {"thread 31, at `call void @llvm.nvvm.cp.async", "byte 496 of 496 bytes of shared memory"});
  expectFinding({body, 32, 1, 512, {Words(127)}}, Kind::OutOfBounds,
                {"reads 16 bytes at byte 496 of a buffer of 508 bytes"});
  expectClean({body, 32, 1, 512, {Words(128)}});
}

// Uninitialised memory.

TEST(UninitialisedRead, SharedMemory) {
  std::string body = pointers(32) +
                     "  %low = icmp ult i32 %t, 32\n  br i1 %low, label %yes, label %no\nyes:\n  store i32 %t, ptr3 "
                     "%own\n  br label %no\nno:\n" +
                     kBarrier + "  %x = load i32, ptr3 %own\n  store i32 %x, ptr1 %mine\n";
  expectFinding({body, 64, 1, 256, {}, 64}, Kind::UninitialisedRead, {"of shared memory, which nobody has written"});
  expectClean({with(body, {{"ult i32 %t, 32", "ult i32 %t, 64"}}), 64, 1, 256, {}, 64});
}

TEST(UninitialisedRead, WhatTheBlockBeforeHasLeftInSharedMemory) {
  std::string body = pointers(0) +
                     "  %zero = icmp eq i32 %b, 0\n  br i1 %zero, label %yes, label %no\nyes:\n  store i32 %t, ptr3 "
                     "%own\n  br label %no\nno:\n  "
                     "%x = load i32, ptr3 %own\n  %first = mul i32 %b, 32\n  %i = add i32 %first, %t\n" +
                     wordOf("p", "out", "%i") + "  store i32 %x, ptr1 %p\n";
  expectFinding({body, 32, 2, 128, {}, 64}, Kind::UninitialisedRead, {"block 1", "which nobody has written"});
}

TEST(UninitialisedRead, GlobalMemory) {
  std::string body =
      wordOf("p", "out", "%t") + "  %x = load i32, ptr1 %p\n  %y = add i32 %x, 1\n  store i32 %y, ptr1 %p\n";
  expectFinding({body, 32, 1, 0, {}, 32}, Kind::UninitialisedRead,
                {"of a buffer of 128 bytes, parameter 0, which nobody has written"});
}

TEST(UninitialisedRead, HalfOfAWord) {
  std::string body = "  store i16 1, ptr3 @smem\n  %x = load i32, ptr3 @smem\n  store i32 %x, ptr1 %out\n";
  expectFinding({body, 1, 1, 128, {}, 1}, Kind::UninitialisedRead, {"reads byte 2 of shared memory"});
  body = "  store i16 1, ptr1 %out\n  %x = load i32, ptr1 %out\n  store i32 %x, ptr1 %out\n";
  expectFinding({body, 1, 1, 0, {}, 1}, Kind::UninitialisedRead, {"reads byte 2 of a buffer of 4 bytes"});
}

// Alignment.

TEST(Misaligned, Vectors) {
  std::string global = "  %i = mul i32 %t, 3\n" + wordOf("p", "in0", "%i") +
                       "  %x = load <4 x i32>, ptr1 %p, align 16\n  %o = shl i32 %t, 4\n  %q = getelementptr i8, ptr1 "
                       "%out, i32 %o\n  store <4 x i32> %x, ptr1 %q, align 16\n";
  expectFinding({global, 32, 1, 0, {Words(128)}, 128}, Kind::Misaligned,
                {"at `%x = load <4 x i32>", "a multiple of 16"});
  std::string shared =
      "  %i = mul i32 %t, 12\n" + sharedAt("p", "%i") + "  store <2 x i32> zeroinitializer, ptr3 %p, align 8\n";
  expectFinding({shared, 32, 1, 1024}, Kind::Misaligned, {"a multiple of 8, got one that is 4 more"});
}

TEST(Misaligned, MatrixLoadsAndCopies) {
  expectFinding({rows() + "  %o = mul i32 %t, 8\n  %p = and i32 %o, 63\n" + sharedAt("row", "%p") + kLoadMatrix,
                 32,
                 1,
                 128,
                 {},
                 32},
                Kind::Misaligned, {"reads a row at byte 8 of shared memory, expected a multiple of 16"});
  std::string body = "  %o = shl i32 %t, 3\n" + sharedAt("to", "%o") +
                     "  %f = mul i32 %t, 12\n  %from = getelementptr i8, ptr1 %in0, i32 %f\n" +
                     "  call void @llvm.nvvm.cp.async.ca.shared.global.8(ptr3 %to, ptr1 %from)\n" + kCommit + kWaitAll;
  expectFinding({body, 32, 1, 256, {Words(128)}}, Kind::Misaligned, {"multiples of 8"});
}

// Divergence.

std::string divergent(const std::string &low, const std::string &high) {
  return "  %low = icmp ult i32 %t, 16\n  br i1 %low, label %yes, label %no\nyes:\n" + low + "  br label %join\nno:\n" +
         high + "  br label %join\njoin:\n";
}

TEST(DivergentBarrier, OnlySomeThreadsReachIt) {
  expectFinding(
      {divergent(kBarrier, ""), 32, 1, 0}, Kind::DivergentBarrier,
      {"waits for ever: 16 threads, the first one 0, wait in `call void @llvm.nvvm.barrier", "16 have ended"});
}

TEST(DivergentBarrier, LanesInTwoBarriers) {
  std::string low = pointers(0) + "  store i32 1, ptr1 %mine\n" + kBarrier,
              high = kBarrier + wordOf("mine2", "out", "%t") + "  store i32 2, ptr1 %mine2\n";
  expectFinding({divergent(low, high), 32, 1, 0, {}, 32}, Kind::DivergentBarrier,
                {"meets thread ", "in another barrier"});
}

TEST(DivergentBarrier, AnEarlyReturn) {
  std::string body =
      "  %go = icmp ult i32 %t, 48\n  br i1 %go, label %on, label %out0\nout0:\n  ret void\non:\n" + kBarrier;
  expectFinding({body, 64, 1, 0}, Kind::DivergentBarrier, {"48 threads, the first one 0", "16 have ended"});
}

TEST(DivergentWarpOp, OnlySomeLanesReachIt) {
  std::string shuffle = "  %s = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %t, i32 1, i32 31)\n" +
                        wordOf("p", "out", "%t") + "  store i32 %s, ptr1 %p\n";
  expectFinding({divergent(shuffle, ""), 32, 1, 0, {}, 32}, Kind::DivergentWarpOp,
                {"waits for ever: 16 threads", "16 have ended"});
  // Some in the shuffle, some in a barrier.
  expectFinding({divergent(shuffle, kBarrier), 32, 1, 0, {}, 32}, Kind::DivergentWarpOp,
                {"wait in `call void @llvm.nvvm.barrier"});
}

TEST(DivergentWarpOp, LanesInTwoOperations) {
  std::string up = "  %s = call i32 @llvm.nvvm.shfl.sync.up.i32(i32 -1, i32 %t, i32 1, i32 0)\n" +
                   wordOf("p", "out", "%t") + "  store i32 %s, ptr1 %p\n";
  std::string down = "  %d = call i32 @llvm.nvvm.shfl.sync.down.i32(i32 -1, i32 %t, i32 1, i32 31)\n" +
                     wordOf("q", "out", "%t") + "  store i32 %d, ptr1 %q\n";
  expectFinding({divergent(up, down), 32, 1, 0, {}, 32}, Kind::DivergentWarpOp,
                {"meets thread ", "in another operation"});
}

TEST(DivergentWarpOp, Masks) {
  std::string body = "  %s = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 65535, i32 %t, i32 1, i32 31)\n" +
                     wordOf("p", "out", "%t") + "  store i32 %s, ptr1 %p\n";
  expectFinding({body, 32, 1, 0, {}, 32}, Kind::DivergentWarpOp, {"a mask that lacks its own lane"});
  std::string reach = "  %s = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 65535, i32 %t, i32 16, i32 31)\n" +
                      wordOf("p", "out", "%t") + "  store i32 %s, ptr1 %p\n";
  expectFinding({divergent(reach, ""), 32, 1, 0, {}, 32}, Kind::DivergentWarpOp, {"which takes no part"});
}

TEST(DivergentWarpOp, MatrixOperationsNeedAWholeWarp) {
  expectFinding({rows() + "  %row = getelementptr i8, ptr3 @smem, i32 0\n" + kLoadMatrix, 24, 1, 128, {}, 32},
                Kind::DivergentWarpOp, {"needs a warp of 32 threads"});
}

// Asynchronous copies.

const std::string kCopy = R"(
  %o = shl i32 %t, 2
  %to = getelementptr i8, ptr3 @smem, i32 %o
  %from = getelementptr i8, ptr1 %in0, i32 %o
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr3 %to, ptr1 %from)
)";

std::string readCopied(const std::string &between, int mask = 0) {
  return kCopy + between + "  %x0 = xor i32 %t, " + std::to_string(mask) + "\n  %x1 = shl i32 %x0, 2\n" +
         sharedAt("p", "%x1") + "  %x = load i32, ptr3 %p\n" + wordOf("mine", "out", "%t") +
         "  store i32 %x, ptr1 %mine\n";
}

TEST(CopyNotWaited, AtTheEndOfTheKernel) {
  expectFinding({kCopy, 32, 1, 128, {Words(32)}}, Kind::CopyNotWaited, {"is still under way when the kernel ends"});
  expectFinding({kCopy + kCommit, 32, 1, 128, {Words(32)}}, Kind::CopyNotWaited,
                {"is still under way when the kernel ends"});
  expectClean({kCopy + kCommit + kWaitAll, 32, 1, 128, {Words(32)}});
}

TEST(CopyNotWaited, ReadWhileUnderWay) {
  expectFinding({readCopied(kCommit + kBarrier) + kWaitAll, 32, 1, 128, {Words(32)}, 32}, Kind::CopyNotWaited,
                {"reads byte ", "while the copy of thread ", "is under way"});
  expectFinding({readCopied(kCommit + "  call void @llvm.nvvm.cp.async.wait.group(i32 1)\n" + kBarrier) + kWaitAll,
                 32,
                 1,
                 128,
                 {Words(32)},
                 32},
                Kind::CopyNotWaited, {"while the copy of thread "});
  expectFinding({readCopied(kWaitAll + kBarrier) + kCommit + kWaitAll, 32, 1, 128, {Words(32)}, 32},
                Kind::CopyNotWaited, {"while the copy of thread "});
  expectClean({readCopied(kCommit + kWaitAll), 32, 1, 128, {Words(32)}, 32}); // its own copy needs no barrier
}

TEST(CopyNotWaited, WrittenWhileUnderWay) {
  expectFinding({kCopy + "  store i32 0, ptr3 %to\n" + kCommit + kWaitAll, 32, 1, 128, {Words(32)}},
                Kind::CopyNotWaited, {"writes byte "});
}

TEST(SharedRace, ACopyThatOnlyItsOwnThreadHasWaitedFor) {
  std::string before = "  %i0 = shl i32 %t, 2\n" + sharedAt("i1", "%i0") + "  store i32 0, ptr3 %i1\n" + kBarrier;
  expectFinding({before + readCopied(kCommit + kWaitAll, 32), 64, 1, 256, {Words(64)}, 64}, Kind::SharedRace,
                {"with no barrier in between"});
  expectClean({readCopied(kCommit + kWaitAll + kBarrier, 32), 64, 1, 256, {Words(64)}, 64});
}

TEST(SharedRace, ABufferRefilledWhileOthersRead) {
  std::string body = readCopied(kCommit + kWaitAll + kBarrier, 32);
  std::string again = "  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr3 %to, ptr1 %from)\n" + kCommit + kWaitAll;
  expectFinding({body + again, 64, 1, 256, {Words(64)}, 64}, Kind::SharedRace, {"with no barrier in between"});
  expectClean({body + kBarrier + again, 64, 1, 256, {Words(64)}, 64});
}

// Launches, loops, arithmetic: reported in plain mode as well.

TEST(SpinWait, ABlockThatWaitsForAnother) {
  // Block 0 waits for a word that block 1 sets.
  std::string body = "  %zero = icmp eq i32 %b, 0\n  br i1 %zero, label %spin, label %set\nspin:\n  %x = load volatile "
                     "i32, ptr1 %in0\n"
                     "  %done = icmp ne i32 %x, 0\n  br i1 %done, label %end, label %spin\nset:\n  store volatile i32 "
                     "1, ptr1 %in0\n  br label %end\nend:\n";
  KernelText kernel{body, 1, 2, 0, {Words(1)}};
  for (bool checked : {false, true}) {
    Outcome outcome = run(kernel, {.checked = checked, .workers = 1, .watchdogSeconds = 0.2});
    ASSERT_EQ(outcome.findings.size(), 1u);
    EXPECT_EQ(outcome.findings[0].kind, Kind::SpinWait) << outcome.findings[0].message;
    EXPECT_THAT(outcome.findings[0].message, HasSubstr("kernel k, block 0"));
  }
  // Also where the loop keeps meeting.
  Outcome outcome = run({with(body, {{"spin:\n", "spin:\n" + kWarpBarrier}}), 32, 2, 0, {Words(1)}},
                        {.workers = 1, .watchdogSeconds = 0.2});
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].kind, Kind::SpinWait) << outcome.findings[0].message;
}

TEST(DivisionByZero, OfIntegers) {
  std::string body =
      "  %d = load i32, ptr1 %in0\n  %q = udiv i32 %t, %d\n" + wordOf("p", "out", "%t") + "  store i32 %q, ptr1 %p\n";
  for (bool checked : {false, true}) {
    Outcome outcome = run({body, 32, 1, 0, {Words(1)}, 32}, {.checked = checked});
    ASSERT_EQ(outcome.findings.size(), 1u);
    EXPECT_EQ(outcome.findings[0].kind, Kind::DivisionByZero);
  }
}

// What stops a program is found in plain mode, and the instruction named.

TEST(PlainMode, GuardPages) {
  std::string body = "  %i = shl i32 %t, 10\n" + wordOf("p", "in0", "%i") + "  %x = load i32, ptr1 %p\n" +
                     wordOf("q", "out", "%t") + "  store i32 %x, ptr1 %q\n";
  Outcome outcome = run({body, 32, 1, 0, {Words(8192)}, 32}, {});
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].kind, Kind::OutOfBounds);
  EXPECT_THAT(outcome.findings[0].message,
              HasSubstr("kernel k, block 0, thread 8, at `%x = load i32, ptr addrspace(1) %p"));
  EXPECT_THAT(outcome.findings[0].message, HasSubstr("accesses byte 32768 of a buffer of 32768 bytes"));
  // The same through a fiber, in shared memory, and after it the engine still works: each run has its own, but one
  // process.
  outcome = run({kBarrier + "  %o = shl i32 %t, 7\n" + sharedAt("s", "%o") + "  store i32 %t, ptr3 %s\n", 64, 1, 4096},
                {.order = ThreadOrder::Random});
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].kind, Kind::OutOfBounds);
  EXPECT_THAT(outcome.findings[0].message, HasSubstr("at `store i32 %t, ptr addrspace(3) %s"));
  EXPECT_THAT(outcome.findings[0].message, HasSubstr("of 4096 bytes of shared memory"));
}

TEST(PlainMode, SharedMemoryStartsAsNaNInEveryBlock) {
  std::string body =
      pointers(0) +
      "  %x = load i32, ptr3 %own\n  store i32 7, ptr3 %own\n  %first = mul i32 %b, 32\n  %i = add i32 %first, %t\n" +
      wordOf("p", "out", "%i") + "  store i32 %x, ptr1 %p\n";
  EXPECT_EQ(run({body, 32, 3, 128, {}, 96}, {.workers = 1}).result, Words(96, 0xffffffff));
}

TEST(PlainMode, SourceOfACopy) {
  std::string body = "  %o = shl i32 %t, 2\n" + sharedAt("to", "%o") +
                     "  %from = getelementptr i8, ptr1 %in0, i64 4096\n" +
                     "  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr3 %to, ptr1 %from)\n" + kCommit + kWaitAll;
  Outcome outcome = run({body, 32, 1, 128, {Words(32)}}, {});
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].kind, Kind::OutOfBounds);
  EXPECT_THAT(outcome.findings[0].message, HasSubstr("at `call void @llvm.nvvm.cp.async.ca.shared.global.4"));
}

TEST(PlainMode, MisalignedVectors) {
  std::string body = "  %i = mul i32 %t, 3\n" + wordOf("p", "in0", "%i") +
                     "  store <4 x float> <float 1.0, float 2.0, float 3.0, float 4.0>, ptr1 %p, align 16\n";
  Outcome outcome = run({body, 32, 1, 0, {Words(128)}}, {});
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_EQ(outcome.findings[0].kind, Kind::Misaligned);
  EXPECT_THAT(outcome.findings[0].message, HasSubstr("thread 1, at `store <4 x float>"));
}

TEST(PlainMode, Divergence) {
  EXPECT_EQ(run({divergent(kBarrier, ""), 32, 1, 0}, {}).findings.at(0).kind, Kind::DivergentBarrier);
  std::string shuffle = "  %s = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %t, i32 1, i32 31)\n" +
                        wordOf("p", "out", "%t") + "  store i32 %s, ptr1 %p\n";
  EXPECT_EQ(run({divergent(shuffle, ""), 32, 1, 0, {}, 32}, {}).findings.at(0).kind, Kind::DivergentWarpOp);
}

TEST(PlainMode, StackOverflow) {
  std::string body = "  %local = alloca [400000 x i8], align 16, addrspace(5)\n  %l = getelementptr i8, ptr "
                     "addrspace(5) %local, i32 %t\n"
                     "  store volatile i8 1, ptr addrspace(5) %l\n";
  Outcome outcome = run({body, 32, 1, 0}, {});
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_THAT(outcome.findings[0].message, HasSubstr("more stack than the simulator has"));
}

} // namespace
