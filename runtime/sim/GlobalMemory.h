// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the engine knows about an allocation of device memory.
#pragma once

#include "runtime/sim/Engine.h"
#include "runtime/sim/Pages.h"

namespace vlp::sim {

/// Who last wrote and read each two bytes of a memory, for the race detector: four parallel arrays, so that an access
/// of 16 bytes is checked by a few vector instructions.
struct AccessShadow {
  explicit AccessShadow(uint64_t bytes) : cells(roundUp(bytes, 2) / 2 + kWidest), pages(cells * 4 * sizeof(uint32_t)) {}

  static constexpr uint64_t kWidest = 8; // cells of a 16-byte access, which may start at the last one
  uint64_t cells;
  Pages pages;
  uint32_t *writeTime() const { return pages.as<uint32_t>(); }
  uint32_t *writeBy() const { return writeTime() + cells; }
  uint32_t *readTime() const { return writeBy() + cells; }
  uint32_t *readBy() const { return readTime() + cells; }
};

struct GlobalMemory::Allocation {
  std::byte *base;
  uint64_t size; // what was asked for
  Pages pages;   // guard pages, the allocation, guard pages
  /// One bit a byte: whether anybody has written it.
  Pages written;
  /// Plain code, which keeps no account of its writes, has had it.
  bool untracked = false;
  bool freed = false;
  /// Made by a checked engine when it first meets the allocation; `tracker` tells whose times it holds.
  std::unique_ptr<AccessShadow> shadow;
  uint64_t tracker = 0;

  bool contains(uintptr_t address, uint64_t bytes) const {
    uint64_t offset = address - reinterpret_cast<uintptr_t>(base);
    return offset < size && bytes <= size - offset;
  }
  void markWritten(uint64_t offset, uint64_t bytes);
  /// The first of these bytes that nobody has written; `offset + bytes` if there is none. At most 32 bytes.
  uint64_t firstUnwritten(uint64_t offset, uint32_t bytes) const;
};

} // namespace vlp::sim
