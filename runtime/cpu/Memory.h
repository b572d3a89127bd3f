// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Large blocks of zeroed memory for arenas and state: huge pages where the system has them, a guard page behind.
#pragma once

#include "runtime/core/Status.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace vlp {

class Memory {
public:
  /// `size` bytes of zeros at a page boundary (2 MiB for large blocks); pages are taken from the system when first
  /// touched. An access behind the last page faults. `purpose` is named in the error, which says what is free.
  static Expected<Memory> allocate(uint64_t size, const std::string &purpose);
  /// Memory of someone else, which must outlive this; never freed here.
  static Memory borrow(void *data, uint64_t size);

  Memory() = default;
  Memory(Memory &&other) noexcept;
  Memory &operator=(Memory &&other) noexcept;
  ~Memory();

  std::byte *data() const { return begin; }
  uint64_t size() const { return bytes; }

private:
  std::byte *begin = nullptr;
  uint64_t bytes = 0;
  /// What munmap gets; null for borrowed memory.
  void *mapping = nullptr;
  size_t mappingSize = 0;
};

/// Bytes that can still be had without swapping others out: what the kernel says is available, narrowed by the cgroup's
/// limit. The largest number when neither can be read.
uint64_t availableMemory();

/// "1.4 GB", "512 bytes": for messages.
std::string describeBytes(uint64_t bytes);

/// The parts of the memory that a session takes.
struct MemoryNeed {
  uint64_t state = 0, arena = 0, inputsAndOutputs = 0, scratch = 0;
};

/// Refuses a session of the file `path` that cannot fit in `available` bytes, naming every part, rather than failing
/// half way through a step. `where` is empty or " on NAME".
Status checkMemory(const std::string &path, const MemoryNeed &need, uint64_t available, const std::string &where);

/// Memory of the caller for intermediate values must be aligned and have the `needed` bytes.
Status checkCallersArena(const std::string &path, const void *arena, uint64_t given, uint64_t needed);

} // namespace vlp
