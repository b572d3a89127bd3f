// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Asynchronous copies, and the table of calls that device code sees.
#include "runtime/sim/Block.h"
#include "runtime/sim/Checker.h"

#include <cstring>

namespace vlp::sim {

using Kind = Finding::Kind;

static void move(const Copy &copy) {
  if (copy.read == 16) { // nearly all of them
    std::memcpy(copy.to, copy.from, 16);
    return;
  }
  std::memcpy(copy.to, copy.from, copy.read);
  std::memset(copy.to + copy.read, 0, copy.size - copy.read);
}

void Block::copyAsync(Thread &thread, const Copy &copy) {
  thread.site = copy.site; // should the copy fault
  auto to = reinterpret_cast<uintptr_t>(copy.to), from = reinterpret_cast<uintptr_t>(copy.from);
  uint64_t offset = to - reinterpret_cast<uintptr_t>(shared);
  if ((to | from) & (copy.size - 1)) {
    report(Kind::Misaligned, copy.site, [&] {
      return where(thread, copy.site) + ", expected addresses that are multiples of " + std::to_string(copy.size);
    });
    abandon();
  }
  if (offset >= sharedBytes || sharedBytes - offset < copy.size) {
    report(Kind::OutOfBounds, copy.site, [&] {
      return where(thread, copy.site) + " writes byte " + std::to_string(int64_t(offset)) + " of " +
             std::to_string(sharedBytes) + " bytes of shared memory";
    });
    abandon();
  }
  if (launch->checker)
    launch->checker->beginCopy(thread, copy);
  if (!launch->options.lateCopies)
    move(copy);
  else if (copy.size == 16) // garbage until somebody waits
    std::memset(copy.to, 0xff, 16);
  else
    std::memset(copy.to, 0xff, copy.size);
  thread.queue.copies.push_back(copy);
}

void Block::commitCopies(Thread &thread) { thread.queue.groups.push_back(thread.queue.copies.size()); }

void Block::land(Thread &thread, size_t count) {
  std::vector<Copy> &copies = thread.queue.copies;
  for (size_t i = 0; i < count; ++i) {
    thread.site = copies[i].site;
    if (launch->options.lateCopies)
      move(copies[i]);
    if (launch->checker)
      launch->checker->endCopy(thread, copies[i]);
  }
  copies.erase(copies.begin(), copies.begin() + count);
}

void Block::landAll(Thread &thread) {
  land(thread, thread.queue.copies.size());
  thread.queue.groups.clear();
}

void Block::waitCopies(Thread &thread, uint32_t groupsLeft) {
  std::vector<size_t> &groups = thread.queue.groups;
  if (groups.size() <= groupsLeft)
    return;
  size_t done = groups.size() - groupsLeft, count = groups[done - 1];
  land(thread, count);
  groups.erase(groups.begin(), groups.begin() + done);
  for (size_t &end : groups)
    end -= count;
}

static Thread &threadOf(vlp_sim_context *context) { return *reinterpret_cast<Thread *>(context); }

const vlp_sim_calls kCalls = {
    .barrier = [](vlp_sim_context *c, uint32_t site) { threadOf(c).block->barrier(threadOf(c), site); },
    .warp_barrier = [](vlp_sim_context *c, uint32_t site,
                       uint32_t mask) { threadOf(c).block->warpBarrier(threadOf(c), site, mask); },
    .shuffle =
        [](vlp_sim_context *c, uint32_t site, uint32_t mode, uint32_t mask, uint32_t value, uint32_t source,
           uint32_t bounds) {
          return threadOf(c).block->shuffle(threadOf(c), site, mode, mask, value, source, bounds);
        },
    .mma = [](vlp_sim_context *c, uint32_t site, const vlp_sim_products *products,
              uint32_t *registers) { threadOf(c).block->multiply(threadOf(c), site, *products, registers); },
    .ldmatrix = [](vlp_sim_context *c, uint32_t site, const vlp_sim_matrices *matrices, const void *const *rows,
                   uint32_t *out) { threadOf(c).block->loadMatrices(threadOf(c), site, *matrices, rows, out); },
    .copy_async =
        [](vlp_sim_context *c, uint32_t site, void *to, const void *from, uint32_t size, uint32_t read) {
          Copy copy{static_cast<std::byte *>(to), static_cast<const std::byte *>(from), size, read < size ? read : size,
                    site};
          threadOf(c).block->copyAsync(threadOf(c), copy);
        },
    .commit_copies = [](vlp_sim_context *c) { threadOf(c).block->commitCopies(threadOf(c)); },
    .wait_copies = [](vlp_sim_context *c, uint32_t left) { threadOf(c).block->waitCopies(threadOf(c), left); },
    .access =
        [](vlp_sim_context *c, uint32_t site, void *address, uint32_t size, uint32_t flags, uint32_t alignment) {
          Thread &thread = threadOf(c);
          thread.block->launch->checker->access(thread, site, address, size, flags, alignment);
        },
};

} // namespace vlp::sim
