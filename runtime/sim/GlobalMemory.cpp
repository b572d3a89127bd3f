// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Allocations of device memory between guard pages.
#include "runtime/sim/GlobalMemory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>

namespace vlp::sim {

/// What the emitters rely on: slots start at multiples of it.
static constexpr uint64_t kAlignment = 64;
/// So many freed allocations keep their addresses, so that a late access is told apart from one to memory that never
/// was.
static constexpr size_t kRemembered = 64;

struct GlobalMemory::Impl {
  mutable std::shared_mutex mutex;
  std::map<uintptr_t, std::unique_ptr<Allocation>> allocations; // by the first page's address
  std::deque<uintptr_t> freed;                                  // keys, oldest first
};

GlobalMemory::GlobalMemory() : impl(std::make_unique<Impl>()) {}
GlobalMemory::~GlobalMemory() = default;

std::byte *GlobalMemory::allocate(uint64_t bytes) {
  if (bytes > uint64_t(1) << 46)
    return nullptr;
  uint64_t body = roundUp(std::max<uint64_t>(bytes, 1), kAlignment), inner = roundUp(body, kPage);
  auto allocation = std::make_unique<Allocation>();
  allocation->pages = Pages(inner + 2 * kGuard);
  allocation->written = Pages(body / 8 + sizeof(uint64_t));
  std::byte *first = allocation->pages.data();
  if (!first || !allocation->written.data() || !allocation->pages.forbid(0, kGuard) ||
      !allocation->pages.forbid(kGuard + inner, kGuard))
    return nullptr;
  allocation->base = first + kGuard + inner - body;
  allocation->size = bytes;
  std::memset(first + kGuard, 0xff, inner); // NaN as f32 and as bf16
  std::byte *base = allocation->base;
  std::unique_lock lock(impl->mutex);
  impl->allocations[reinterpret_cast<uintptr_t>(first)] = std::move(allocation);
  return base;
}

bool GlobalMemory::free(void *pointer) {
  Allocation *allocation = find(reinterpret_cast<uintptr_t>(pointer));
  std::unique_lock lock(impl->mutex);
  if (!allocation || allocation->freed || allocation->base != pointer)
    return false;
  Pages &pages = allocation->pages;
  pages.clear();
  if (!pages.forbid(0, pages.size()))
    return false;
  allocation->freed = true;
  allocation->written = Pages();
  allocation->shadow.reset();
  impl->freed.push_back(reinterpret_cast<uintptr_t>(pages.data()));
  if (impl->freed.size() > kRemembered) {
    impl->allocations.erase(impl->freed.front());
    impl->freed.pop_front();
  }
  return true;
}

GlobalMemory::Allocation *GlobalMemory::find(uintptr_t address) const {
  std::shared_lock lock(impl->mutex);
  auto after = impl->allocations.upper_bound(address);
  if (after == impl->allocations.begin())
    return nullptr;
  Allocation *allocation = std::prev(after)->second.get();
  return allocation->pages.contains(address) ? allocation : nullptr;
}

void GlobalMemory::markInitialised(const void *pointer, uint64_t bytes) {
  auto address = reinterpret_cast<uintptr_t>(pointer);
  Allocation *allocation = find(address);
  if (!allocation || allocation->freed)
    return;
  auto base = reinterpret_cast<uintptr_t>(allocation->base);
  uint64_t begin = std::max(address, base) - base, end = std::min(address + bytes, base + allocation->size) - base;
  if (begin < end)
    allocation->markWritten(begin, end - begin);
}

void GlobalMemory::Allocation::markWritten(uint64_t offset, uint64_t bytes) {
  auto *bits = written.as<uint8_t>();
  if (bytes <= 32) {
    uint64_t word;
    std::memcpy(&word, bits + offset / 8, sizeof word);
    word |= ((uint64_t(1) << bytes) - 1) << offset % 8;
    std::memcpy(bits + offset / 8, &word, sizeof word);
    return;
  }
  uint64_t end = offset + bytes, first = roundUp(offset, 8), last = end / 8 * 8;
  markWritten(offset, first - offset);
  std::memset(bits + first / 8, 0xff, (last - first) / 8);
  markWritten(last, end - last);
}

uint64_t GlobalMemory::Allocation::firstUnwritten(uint64_t offset, uint32_t bytes) const {
  uint64_t word;
  std::memcpy(&word, written.as<uint8_t>() + offset / 8, sizeof word);
  uint64_t missing = ~(word >> offset % 8) & ((uint64_t(1) << bytes) - 1);
  return offset + (missing ? uint64_t(std::countr_zero(missing)) : bytes);
}

} // namespace vlp::sim
