// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The watch over memory accesses in checked mode: bounds, alignment, initialisation, races, copies under way.
//
// A race detector with one clock: it counts block starts, barriers and warp barriers, of all blocks, which run one
// after the other. An access is ordered before the one at hand if it is the same thread's, or older than the last
// barrier that both took part in. Every two bytes keep their last write and their last read (FastTrack, with a note
// where several threads have read since).
#pragma once

#include "runtime/sim/Block.h"
#include "runtime/sim/GlobalMemory.h"

#include <array>

namespace vlp::sim {

class Checker {
public:
  Checker();
  /// Allocations that the parameters point to are looked through first.
  void beginLaunch(GlobalMemory &memory, const Launch &launch);
  void beginBlock(const Block &block);
  void blockBarrier() { blockSync = ++now; }
  void warpBarrier(uint32_t warp) { warpSync[warp] = ++now; }
  /// What the block at hand has left in shared memory means nothing.
  void forgetShared() { shared.pages.clear(); }

  /// Gives the block up where going on would fault.
  void access(Thread &thread, uint32_t site, const void *address, uint32_t size, uint32_t flags, uint32_t alignment);
  void beginCopy(Thread &thread, const Copy &copy);
  void endCopy(Thread &thread, const Copy &copy);

private:
  /// Bytes of one memory and their shadow.
  struct Range {
    const AccessShadow &shadow;
    GlobalMemory::Allocation *allocation; // null: shared memory
    uint64_t offset;
    uint32_t size;
    uint64_t first() const { return offset / 2; }
    uint64_t cells() const { return (offset + size - 1) / 2 - offset / 2 + 1; }
  };
  /// How many threads a read record stands for.
  enum Readers : uint32_t { One = 0, OfWarp = 1, OfBlock = 2, OfBlocks = 3 };

  GlobalMemory::Allocation *findAllocation(uintptr_t address);
  const AccessShadow &shadowOf(GlobalMemory::Allocation &allocation);
  void checkAlignment(const Thread &thread, uint32_t site, uintptr_t address, uint32_t alignment);
  Range sharedRange(const Thread &thread, uint32_t site, uintptr_t address, uint32_t size, const char *verb);
  Range globalRange(const Thread &thread, uint32_t site, uintptr_t address, uint32_t size, const char *verb);
  bool onOwnStack(const Thread &thread, uintptr_t address) const;
  [[noreturn]] void outOfBounds(const Thread &thread, uint32_t site, uint32_t size, const char *verb,
                                std::string where);

  void read(Thread &thread, uint32_t site, const Range &range);
  void write(Thread &thread, uint32_t site, const Range &range);
  void checkRead(Thread &thread, uint32_t site, const Range &range);
  void checkWrite(Thread &thread, uint32_t site, const Range &range);
  void recordRead(Thread &thread, uint32_t by, const Range &range);
  void checkInitialised(Thread &thread, uint32_t site, const Range &range);

  /// The oldest time that can be part of a race.
  uint32_t horizon(const Range &range) const { return range.allocation ? launchStart : blockStart; }
  bool ordered(const Thread &thread, uint32_t time, uint32_t by, uint32_t oldest) const;
  Readers readersWith(const Thread &thread, uint32_t time, uint32_t by, uint32_t oldest) const;
  static uint32_t identify(const Thread &thread, uint32_t site);
  void reportRace(const Thread &thread, uint32_t site, const Range &range, uint64_t cell, const char *verb,
                  bool otherReads);
  void reportCopyUse(const Thread &thread, uint32_t site, const Range &range, uint64_t cell, const char *verb);
  std::string place(const Range &range, uint64_t byte) const;

  uint64_t tracker; // unlike that of every other checker
  const Launch *launch = nullptr;
  GlobalMemory *memory = nullptr;
  std::vector<GlobalMemory::Allocation *> recent; // those that this launch has met, the last one first

  uint32_t now = 1, launchStart = 1, blockStart = 1, blockSync = 1;
  std::array<uint32_t, kMaxThreads / kWarp> warpSync = {};
  std::vector<std::pair<uint32_t, uint32_t>> blocks; // start and number of the launch's blocks so far

  AccessShadow shared;
};

} // namespace vlp::sim
