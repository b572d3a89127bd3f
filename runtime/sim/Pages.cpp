// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mmap.
#include "runtime/sim/Pages.h"

#include <sys/mman.h>

namespace vlp::sim {

Pages::Pages(uint64_t bytes) {
  bytes = roundUp(bytes ? bytes : 1, kPage);
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return;
  begin = static_cast<std::byte *>(memory);
  length = bytes;
}

Pages::~Pages() {
  if (begin)
    munmap(begin, length);
}

bool Pages::forbid(uint64_t offset, uint64_t bytes) { return mprotect(begin + offset, bytes, PROT_NONE) == 0; }

void Pages::clear() {
  if (begin)
    madvise(begin, length, MADV_DONTNEED);
}

} // namespace vlp::sim
