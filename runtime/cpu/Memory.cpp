// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory by anonymous mmap.
#include "runtime/cpu/Memory.h"

#include "runtime/format/KernelABI.h"

#include <algorithm>
#include <cstdio>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include <utility>

namespace vlp {

static constexpr uint64_t kHugePage = uint64_t(2) << 20;

std::string describeBytes(uint64_t bytes) {
  static constexpr const char *units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
  double value = double(bytes);
  unsigned unit = 0;
  for (; value >= 1000 && unit < 6; ++unit)
    value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

Status checkMemory(const std::string &path, const MemoryNeed &need, uint64_t available, const std::string &where) {
  uint64_t needed = need.state + need.arena + need.inputsAndOutputs + need.scratch;
  if (needed <= available)
    return Status::ok();
  return {StatusCode::Unavailable, "out of memory: " + path + " needs " + describeBytes(needed) + where + " (state " +
                                       describeBytes(need.state) + ", intermediate values " +
                                       describeBytes(need.arena) + ", inputs and outputs " +
                                       describeBytes(need.inputsAndOutputs) + ", scratch " +
                                       describeBytes(need.scratch) + "), " + describeBytes(available) +
                                       " are free; compile it for a smaller batch (vlpc --entry=NAME:batch=N)"};
}

Status checkCallersArena(const std::string &path, const void *arena, uint64_t given, uint64_t needed) {
  if (reinterpret_cast<uintptr_t>(arena) % VLP_SLOT_ALIGNMENT != 0)
    return Status::invalid("the caller's arena must start at a multiple of 64 bytes");
  if (given < needed)
    return Status::invalid("the caller's arena has " + std::to_string(given) + " bytes, " + path + " needs " +
                           std::to_string(needed));
  return Status::ok();
}

/// The number that follows `key` in a file of lines "key number kB"; 0 when there is none.
static uint64_t readKilobytes(const char *path, const char *key) {
  std::FILE *file = std::fopen(path, "re");
  if (!file)
    return 0;
  char line[256];
  unsigned long long value = 0;
  std::string format = std::string(key) + " %llu";
  while (std::fgets(line, sizeof line, file))
    if (std::sscanf(line, format.c_str(), &value) == 1)
      break;
  std::fclose(file);
  return uint64_t(value) * 1024;
}

/// The memory limit of the process's cgroup (v2), or the largest number.
static uint64_t cgroupLimit() {
  std::FILE *file = std::fopen("/sys/fs/cgroup/memory.max", "re");
  if (!file)
    return UINT64_MAX;
  unsigned long long limit = 0;
  int fields = std::fscanf(file, "%llu", &limit);
  std::fclose(file);
  return fields == 1 ? uint64_t(limit) : UINT64_MAX;
}

uint64_t availableMemory() {
  uint64_t available = readKilobytes("/proc/meminfo", "MemAvailable:");
  if (available) {
    available += readKilobytes("/proc/meminfo", "SwapFree:");
  } else {
    struct sysinfo info;
    if (sysinfo(&info) != 0)
      return cgroupLimit();
    // Without /proc the page cache cannot be told from what is in use: take all memory as reachable.
    available = (uint64_t(info.totalram) + info.totalswap) * info.mem_unit;
  }
  return std::min(available, cgroupLimit());
}

Expected<Memory> Memory::allocate(uint64_t size, const std::string &purpose) {
  uint64_t page = uint64_t(sysconf(_SC_PAGESIZE));
  uint64_t alignment = size >= kHugePage ? kHugePage : page;
  uint64_t rounded, total;
  bool overflow = __builtin_add_overflow(size, page - 1, &rounded);
  rounded = rounded / page * page;
  overflow |= __builtin_add_overflow(rounded, alignment + page, &total);
  uint64_t available = availableMemory();
  void *mapping = MAP_FAILED;
  if (!overflow && size <= available)
    mapping = mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED)
    return Status(StatusCode::Unavailable, "out of memory: " + purpose + " needs " + describeBytes(size) + ", " +
                                               describeBytes(available) + " are free; use a smaller batch or model");
  Memory memory;
  memory.mapping = mapping;
  memory.mappingSize = total;
  auto address = (reinterpret_cast<uintptr_t>(mapping) + alignment - 1) / alignment * alignment;
  memory.begin = reinterpret_cast<std::byte *>(address);
  memory.bytes = size;
  mprotect(memory.begin + rounded, page, PROT_NONE);
#ifdef MADV_HUGEPAGE
  if (rounded >= kHugePage)
    madvise(memory.begin, rounded, MADV_HUGEPAGE);
#endif
  return memory;
}

Memory Memory::borrow(void *data, uint64_t size) {
  Memory memory;
  memory.begin = static_cast<std::byte *>(data);
  memory.bytes = size;
  return memory;
}

Memory::Memory(Memory &&other) noexcept
    : begin(std::exchange(other.begin, nullptr)), bytes(std::exchange(other.bytes, 0)),
      mapping(std::exchange(other.mapping, nullptr)), mappingSize(std::exchange(other.mappingSize, 0)) {}

Memory &Memory::operator=(Memory &&other) noexcept {
  std::swap(begin, other.begin);
  std::swap(bytes, other.bytes);
  std::swap(mapping, other.mapping);
  std::swap(mappingSize, other.mappingSize);
  return *this;
}

Memory::~Memory() {
  if (mapping)
    munmap(mapping, mappingSize);
}

} // namespace vlp
