// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks behind every access.
#include "runtime/sim/Checker.h"

#include <algorithm>
#include <cstring>

namespace vlp::sim {

using Kind = Finding::Kind;

/// Larger than any chip's shared memory of a block.
static constexpr uint64_t kMostShared = 256 << 10;
/// Write time of bytes that a copy under way will overwrite: younger than every barrier.
static constexpr uint32_t kUnderWay = UINT32_MAX;
/// Who an access is by: the instruction in 20 bits, Readers in two, the thread in ten.
static constexpr uint32_t kSiteShift = 12, kReadersShift = 10, kThreadMask = 1023, kUnknownSite = (1u << 20) - 1;

static uint32_t siteOf(uint32_t by) {
  uint32_t site = by >> kSiteShift;
  return site == kUnknownSite ? Findings::kNoSite : site;
}

static uint64_t nextTracker() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

Checker::Checker() : tracker(nextTracker()), shared(kMostShared) {}

void Checker::beginLaunch(GlobalMemory &of, const Launch &owner) {
  launch = &owner;
  memory = &of;
  if (now > 0xc0000000) { // before the clock runs over, all start anew
    now = 1;
    tracker = nextTracker();
    forgetShared();
  }
  launchStart = ++now;
  blocks.clear();
  recent.clear();
  for (uint32_t i = 0; i < owner.kernel.parameters; ++i) {
    GlobalMemory::Allocation *allocation = memory->find(owner.parameters[i]);
    if (allocation && std::find(recent.begin(), recent.end(), allocation) == recent.end())
      recent.push_back(allocation);
  }
}

void Checker::beginBlock(const Block &block) {
  blockStart = blockSync = ++now;
  warpSync.fill(now);
  blocks.emplace_back(now, block.index);
}

uint32_t Checker::identify(const Thread &thread, uint32_t site) {
  return std::min(site, kUnknownSite) << kSiteShift | thread.index();
}

GlobalMemory::Allocation *Checker::findAllocation(uintptr_t address) {
  for (size_t i = 0; i < recent.size(); ++i)
    if (recent[i]->pages.contains(address)) {
      if (i)
        std::swap(recent[i], recent[i - 1]);
      return recent[i ? i - 1 : 0];
    }
  GlobalMemory::Allocation *allocation = memory->find(address);
  if (allocation)
    recent.push_back(allocation);
  return allocation;
}

const AccessShadow &Checker::shadowOf(GlobalMemory::Allocation &allocation) {
  if (!allocation.shadow)
    allocation.shadow = std::make_unique<AccessShadow>(allocation.size);
  else if (allocation.tracker != tracker)
    allocation.shadow->pages.clear();
  allocation.tracker = tracker;
  return *allocation.shadow;
}

bool Checker::onOwnStack(const Thread &thread, uintptr_t address) const {
  return address - reinterpret_cast<uintptr_t>(thread.fiber.bottom) < thread.fiber.size;
}

void Checker::outOfBounds(const Thread &thread, uint32_t site, uint32_t size, const char *verb, std::string what) {
  thread.block->report(Kind::OutOfBounds, site, [&] {
    return thread.block->where(thread, site) + " " + verb + " " + std::to_string(size) + " bytes " + what;
  });
  std::string().swap(what); // nobody returns to destroy it
  thread.block->abandon();
}

void Checker::checkAlignment(const Thread &thread, uint32_t site, uintptr_t address, uint32_t alignment) {
  if ((address & (alignment - 1)) == 0)
    return;
  thread.block->report(Kind::Misaligned, site, [&] {
    return thread.block->where(thread, site) + ", expected an address that is a multiple of " +
           std::to_string(alignment) + ", got one that is " + std::to_string(address % alignment) + " more";
  });
  thread.block->abandon();
}

Checker::Range Checker::sharedRange(const Thread &thread, uint32_t site, uintptr_t address, uint32_t size,
                                    const char *verb) {
  uint64_t offset = address - reinterpret_cast<uintptr_t>(thread.block->shared), all = thread.block->sharedBytes;
  if (offset >= all || size > all - offset)
    outOfBounds(thread, site, size, verb,
                "at byte " + std::to_string(int64_t(offset)) + " of " + std::to_string(all) +
                    " bytes of shared memory");
  return {shared, nullptr, offset, size};
}

Checker::Range Checker::globalRange(const Thread &thread, uint32_t site, uintptr_t address, uint32_t size,
                                    const char *verb) {
  GlobalMemory::Allocation *allocation = findAllocation(address);
  if (!allocation)
    outOfBounds(thread, site, size, verb, "where no buffer is");
  int64_t offset = int64_t(address - reinterpret_cast<uintptr_t>(allocation->base));
  if (allocation->freed)
    outOfBounds(thread, site, size, verb, "at byte " + std::to_string(offset) + " of a buffer that has been freed");
  if (!allocation->contains(address, size))
    outOfBounds(thread, site, size, verb,
                "at byte " + std::to_string(offset) + " of a buffer of " + std::to_string(allocation->size) + " bytes");
  return {shadowOf(*allocation), allocation, uint64_t(offset), size};
}

void Checker::access(Thread &thread, uint32_t site, const void *pointer, uint32_t size, uint32_t flags,
                     uint32_t alignment) {
  auto address = reinterpret_cast<uintptr_t>(pointer);
  checkAlignment(thread, site, address, alignment);
  const char *verb = flags & VLP_SIM_READ ? "reads" : "writes";
  if (!(flags & VLP_SIM_SHARED) && onOwnStack(thread, address))
    return;
  Range range = flags & VLP_SIM_SHARED ? sharedRange(thread, site, address, size, verb)
                                       : globalRange(thread, site, address, size, verb);
  if (flags & VLP_SIM_READ)
    read(thread, site, range);
  else
    write(thread, site, range);
}

/// Whether all of `count` times are before `limit`.
static inline bool allBefore(const uint32_t *times, uint64_t count, uint32_t limit) {
  auto all = [&]<int N>() {
    uint32_t late = 0;
    for (int i = 0; i < N; ++i)
      late |= uint32_t(times[i] >= limit);
    return late == 0;
  };
  switch (count) {
  case 1: return all.operator()<1>();
  case 2: return all.operator()<2>();
  case 4: return all.operator()<4>();
  case 8: return all.operator()<8>();
  default: return std::all_of(times, times + count, [&](uint32_t time) { return time < limit; });
  }
}

static inline void setAll(uint32_t *words, uint64_t count, uint32_t value) {
  auto all = [&]<int N>() {
    for (int i = 0; i < N; ++i)
      words[i] = value;
  };
  switch (count) {
  case 1: return all.operator()<1>();
  case 2: return all.operator()<2>();
  case 4: return all.operator()<4>();
  case 8: return all.operator()<8>();
  default: std::fill(words, words + count, value);
  }
}

bool Checker::ordered(const Thread &thread, uint32_t time, uint32_t by, uint32_t oldest) const {
  if (time < oldest)
    return true;
  uint32_t readers = by >> kReadersShift & 3, other = by & kThreadMask;
  if (time < blockStart || readers == OfBlocks)
    return false;
  if (time < blockSync)
    return true;
  if (readers == OfBlock || other / kWarp != thread.warp)
    return false;
  return time < warpSync[thread.warp] || (readers == One && other == thread.index());
}

/// What the record of a read says after one more by `thread`: reads that are ordered before this one need not be
/// remembered.
Checker::Readers Checker::readersWith(const Thread &thread, uint32_t time, uint32_t by, uint32_t oldest) const {
  auto readers = Readers(by >> kReadersShift & 3);
  if (time < oldest)
    return One;
  if (time < blockStart || readers == OfBlocks)
    return OfBlocks;
  if (time < blockSync)
    return One;
  uint32_t other = by & kThreadMask;
  if (readers == OfBlock || other / kWarp != thread.warp)
    return OfBlock;
  if (time < warpSync[thread.warp])
    return One;
  return readers == OfWarp || other != thread.index() ? OfWarp : One;
}

void Checker::read(Thread &thread, uint32_t site, const Range &range) {
  const AccessShadow &s = range.shadow;
  uint64_t first = range.first(), cells = range.cells();
  checkInitialised(thread, site, range);
  // The usual case at once: nothing written and nothing read since the last barrier (in global memory: in this launch).
  uint32_t limit = range.allocation ? launchStart : blockSync, by = identify(thread, site);
  if (!allBefore(s.writeTime() + first, cells, limit))
    checkRead(thread, site, range);
  if (allBefore(s.readTime() + first, cells, limit)) {
    setAll(s.readTime() + first, cells, now);
    setAll(s.readBy() + first, cells, by);
  } else {
    recordRead(thread, by, range);
  }
}

void Checker::checkRead(Thread &thread, uint32_t site, const Range &range) {
  const AccessShadow &s = range.shadow;
  for (uint64_t cell = range.first(), end = cell + range.cells(); cell < end; ++cell) {
    uint32_t time = s.writeTime()[cell];
    if (time == kUnderWay)
      return reportCopyUse(thread, site, range, cell, "reads");
    if (!ordered(thread, time, s.writeBy()[cell], horizon(range)))
      return reportRace(thread, site, range, cell, "reads", /*otherReads=*/false);
  }
}

void Checker::recordRead(Thread &thread, uint32_t by, const Range &range) {
  const AccessShadow &s = range.shadow;
  for (uint64_t cell = range.first(), end = cell + range.cells(); cell < end; ++cell) {
    Readers readers = readersWith(thread, s.readTime()[cell], s.readBy()[cell], horizon(range));
    s.readTime()[cell] = now;
    s.readBy()[cell] = by | readers << kReadersShift;
  }
}

void Checker::checkInitialised(Thread &thread, uint32_t site, const Range &range) {
  uint64_t missing = range.offset + range.size;
  if (range.allocation && range.allocation->untracked)
    return;
  if (range.allocation) {
    for (uint64_t at = range.offset, end = missing; at < end; at += 32) {
      uint64_t stop = std::min(at + 32, end), found = range.allocation->firstUnwritten(at, uint32_t(stop - at));
      if (found != stop) {
        missing = found;
        break;
      }
    }
  } else {
    const uint32_t *times = range.shadow.writeTime() + range.first();
    for (uint64_t i = 0; i < range.cells(); ++i)
      if (times[i] < blockStart) {
        missing = (range.first() + i) * 2;
        break;
      }
  }
  if (missing == range.offset + range.size)
    return;
  thread.block->report(Kind::UninitialisedRead, site, [&] {
    return thread.block->where(thread, site) + " reads " + place(range, missing) + ", which nobody has written";
  });
}

void Checker::write(Thread &thread, uint32_t site, const Range &range) {
  const AccessShadow &s = range.shadow;
  uint64_t first = range.first(), cells = range.cells();
  uint32_t limit = range.allocation ? launchStart : blockSync;
  if (!allBefore(s.writeTime() + first, cells, limit) || !allBefore(s.readTime() + first, cells, limit))
    checkWrite(thread, site, range);
  setAll(s.writeTime() + first, cells, now);
  setAll(s.writeBy() + first, cells, identify(thread, site));
  if (range.allocation)
    range.allocation->markWritten(range.offset, range.size);
}

void Checker::checkWrite(Thread &thread, uint32_t site, const Range &range) {
  const AccessShadow &s = range.shadow;
  for (uint64_t cell = range.first(), end = cell + range.cells(); cell < end; ++cell) {
    if (s.writeTime()[cell] == kUnderWay)
      return reportCopyUse(thread, site, range, cell, "writes");
    bool afterWrite = ordered(thread, s.writeTime()[cell], s.writeBy()[cell], horizon(range));
    if (!afterWrite || !ordered(thread, s.readTime()[cell], s.readBy()[cell], horizon(range)))
      return reportRace(thread, site, range, cell, "writes", afterWrite);
  }
}

void Checker::beginCopy(Thread &thread, const Copy &copy) {
  if (copy.read)
    access(thread, copy.site, copy.from, copy.read, VLP_SIM_READ | VLP_SIM_GLOBAL, 1);
  Range to = sharedRange(thread, copy.site, reinterpret_cast<uintptr_t>(copy.to), copy.size, "writes");
  write(thread, copy.site, to);
  setAll(shared.writeTime() + to.first(), to.cells(), kUnderWay);
}

void Checker::endCopy(Thread &thread, const Copy &copy) {
  if (copy.read) // the source may have changed until now
    access(thread, copy.site, copy.from, copy.read, VLP_SIM_READ | VLP_SIM_GLOBAL, 1);
  Range to = sharedRange(thread, copy.site, reinterpret_cast<uintptr_t>(copy.to), copy.size, "writes");
  setAll(shared.writeTime() + to.first(), to.cells(), now);
  setAll(shared.writeBy() + to.first(), to.cells(), identify(thread, copy.site));
}

std::string Checker::place(const Range &range, uint64_t byte) const {
  byte = std::clamp(byte, range.offset, range.offset + range.size - 1);
  if (!range.allocation)
    return "byte " + std::to_string(byte) + " of shared memory";
  std::string text =
      "byte " + std::to_string(byte) + " of a buffer of " + std::to_string(range.allocation->size) + " bytes";
  for (uint32_t i = 0; i < launch->kernel.parameters; ++i)
    if (memory->find(launch->parameters[i]) == range.allocation)
      return text + ", parameter " + std::to_string(i);
  return text;
}

void Checker::reportRace(const Thread &thread, uint32_t site, const Range &range, uint64_t cell, const char *verb,
                         bool otherReads) {
  Block &block = *thread.block;
  block.report(range.allocation ? Kind::GlobalRace : Kind::SharedRace, site, [&] {
    const AccessShadow &s = range.shadow;
    uint32_t by = (otherReads ? s.readBy() : s.writeBy())[cell],
             time = (otherReads ? s.readTime() : s.writeTime())[cell];
    uint32_t other = by & kThreadMask, otherBlock = block.index;
    if (time < blockStart) {
      auto after = std::upper_bound(blocks.begin(), blocks.end(), std::pair(time, UINT32_MAX));
      otherBlock = std::prev(after)->second;
    }
    std::string party = otherBlock == block.index && other == thread.index()
                            ? "several threads" // of which this one was the last
                            : "thread " + std::to_string(other) +
                                  (otherBlock == block.index ? "" : " of block " + std::to_string(otherBlock));
    return block.where(thread, site) + " " + verb + " " + place(range, cell * 2) + ", which " + party +
           (otherReads ? " has read" : " has written") + " at " + block.instruction(siteOf(by)) +
           (otherBlock == block.index ? " with no barrier in between" : " in the same launch");
  });
}

void Checker::reportCopyUse(const Thread &thread, uint32_t site, const Range &range, uint64_t cell, const char *verb) {
  Block &block = *thread.block;
  block.report(Kind::CopyNotWaited, site, [&] {
    uint32_t by = range.shadow.writeBy()[cell];
    return block.where(thread, site) + " " + verb + " " + place(range, cell * 2) + " while the copy of thread " +
           std::to_string(by & kThreadMask) + " at " + block.instruction(siteOf(by)) + " is under way";
  });
}

} // namespace vlp::sim
