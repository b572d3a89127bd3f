// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The account that device memory keeps of what has been written.
#include "runtime/sim/GlobalMemory.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace vlp::sim;

namespace {

uintptr_t addressOf(const void *pointer) { return reinterpret_cast<uintptr_t>(pointer); }

TEST(WrittenBytes, AreKnownOneByOne) {
  GlobalMemory memory;
  std::byte *p = memory.allocate(1000);
  GlobalMemory::Allocation &a = *memory.find(addressOf(p));
  std::vector<bool> model(1000);
  auto check = [&] {
    for (uint64_t offset = 0; offset < 1000; ++offset)
      for (uint32_t bytes : {1, 2, 4, 16, 32}) {
        if (offset + bytes > 1000)
          continue;
        uint64_t expected = offset;
        while (expected < offset + bytes && model[expected])
          ++expected;
        ASSERT_EQ(a.firstUnwritten(offset, bytes), expected) << offset << " " << bytes;
      }
  };
  check();
  uint64_t state = 1;
  for (int i = 0; i < 60; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    uint64_t offset = (state >> 33) % 1000, bytes = 1 + (state >> 20) % (i % 3 ? 40 : 7);
    bytes = std::min(bytes, 1000 - offset);
    memory.markInitialised(p + offset, bytes);
    std::fill(model.begin() + offset, model.begin() + offset + bytes, true);
    if (i % 10 == 0)
      check();
  }
  check();
}

TEST(WrittenBytes, AreMarkedInsideAnAllocationOnly) {
  GlobalMemory memory;
  std::byte *p = memory.allocate(100);
  GlobalMemory::Allocation &a = *memory.find(addressOf(p));
  memory.markInitialised(p + 90, 1000);
  EXPECT_EQ(a.firstUnwritten(89, 1), 89u);
  EXPECT_EQ(a.firstUnwritten(90, 10), 100u);
  memory.markInitialised(p - 10, 20);
  EXPECT_EQ(a.firstUnwritten(0, 11), 10u);
  memory.markInitialised(nullptr, 100);
  memory.markInitialised(p, 0);
  memory.free(p);
  memory.markInitialised(p, 10);
}

TEST(Allocations, AreRememberedAWhileAfterTheirEnd) {
  GlobalMemory memory;
  std::byte *p = memory.allocate(100);
  EXPECT_TRUE(memory.free(p));
  ASSERT_NE(memory.find(addressOf(p)), nullptr) << "so that a late access can be told";
  EXPECT_TRUE(memory.find(addressOf(p))->freed);
  for (int i = 0; i < 1000; ++i) // but not for ever
    EXPECT_TRUE(memory.free(memory.allocate(1)));
  GlobalMemory::Allocation *other = memory.find(addressOf(p));
  EXPECT_TRUE(!other || other->base != p || !other->freed);
}

TEST(Allocations, KnowTheirEnds) {
  GlobalMemory memory;
  std::byte *p = memory.allocate(100);
  const GlobalMemory::Allocation &a = *memory.find(addressOf(p));
  EXPECT_TRUE(a.contains(addressOf(p), 100));
  EXPECT_FALSE(a.contains(addressOf(p), 101));
  EXPECT_TRUE(a.contains(addressOf(p) + 99, 1));
  EXPECT_FALSE(a.contains(addressOf(p) + 100, 1));
  EXPECT_FALSE(a.contains(addressOf(p) - 1, 1));
}

} // namespace
