// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the threads of a block in turns, and lets them meet at barriers.
#include "runtime/sim/Block.h"

#include "runtime/core/GeneratedCode.h"
#include "runtime/sim/Checker.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

namespace vlp::sim {

using Kind = Finding::Kind;

bool Block::reserve(const LaunchConfig &config, bool communicates) {
  uint64_t inner = roundUp(std::max(config.shared, 1u), kPage);
  if (sharedPages.size() < inner + 2 * kGuard) {
    sharedPages = Pages(inner + 2 * kGuard);
    if (!sharedPages.data() || !sharedPages.forbid(0, kGuard) || !sharedPages.forbid(kGuard + inner, kGuard))
      return false;
  }
  // Its end at the guard pages, as near as the alignment of the symbol allows.
  sharedBytes = config.shared;
  shared = sharedPages.data() + sharedPages.size() - kGuard - roundUp(config.shared, 128);
  uint32_t flows = communicates ? config.threads : 1;
  if (threads.size() < flows)
    threads.resize(flows);
  warps.resize((config.threads + kWarp - 1) / kWarp);
  return stacks.reserve(flows);
}

void Block::reset(Launch &owner, uint32_t number) {
  launch = &owner;
  index = number;
  live = owner.kernel.communicates ? owner.config.threads : 1;
  atBarrier = 0;
  random = RandomOrder(owner.options.seed * 0x100000001b3 + number);
  std::memset(shared, 0xff, sharedBytes);
  std::memset(static_cast<void *>(warps.data()), 0, warps.size() * sizeof(Warp));
  for (uint32_t i = 0; i < live; ++i) {
    Thread &thread = threads[i];
    thread.context = {
        &kCalls, reinterpret_cast<uint8_t *>(shared), i, number, owner.config.threads, owner.config.blocks};
    thread.block = this;
    thread.lane = i % kWarp;
    thread.warp = i / kWarp;
    thread.queue.copies.clear();
    thread.queue.groups.clear();
    warps[thread.warp].live |= 1u << thread.lane;
    setReady(thread);
    stacks.prepare(thread.fiber, i, owner.kernel.communicates ? &threadMain : &independentMain, &thread);
  }
  if (owner.checker)
    owner.checker->beginBlock(*this);
}

void Block::run(Launch &owner, uint32_t number) {
  reset(owner, number);
  blocksRun.fetch_add(1, std::memory_order_relaxed);
  running = nextThread(nullptr);
  switchFiber(host, running->fiber);
  faulted = running;
  running = nullptr;
}

void Block::abandon() {
  launch->stopped.store(true, std::memory_order_relaxed);
  if (launch->checker)
    launch->checker->forgetShared();
  switchFiber(running->fiber, host);
  __builtin_unreachable();
}

VLP_CALLS_GENERATED_CODE void Block::threadMain(void *argument) {
  Thread &thread = *static_cast<Thread *>(argument);
  Launch &launch = *thread.block->launch;
  (launch.checker ? launch.kernel.checked : launch.kernel.plain)(&thread.context, launch.parameters);
  thread.block->leave(thread);
}

/// Threads that never meet run one after the other, on one stack.
VLP_CALLS_GENERATED_CODE void Block::independentMain(void *argument) {
  Thread &thread = *static_cast<Thread *>(argument);
  Block &block = *thread.block;
  Launch &launch = *block.launch;
  vlp_sim_function function = launch.checker ? launch.kernel.checked : launch.kernel.plain;
  uint32_t count = launch.config.threads, first = 0, step = 1;
  if (launch.options.order == ThreadOrder::Reverse) {
    first = step = count - 1;
  } else if (launch.options.order == ThreadOrder::Random) {
    first = block.random.below(count);
    do
      step = 1 + block.random.below(count);
    while (std::gcd(step, count) != 1);
  }
  for (uint32_t i = 0, at = first; i < count; ++i, at = (at + step) % count) {
    thread.context.thread = at;
    thread.lane = at % kWarp;
    thread.warp = at / kWarp;
    function(&thread.context, launch.parameters);
  }
  switchFiber(thread.fiber, block.host);
  __builtin_unreachable();
}

void Block::setReady(Thread &thread) {
  thread.state = Thread::State::Ready;
  warps[thread.warp].ready |= 1u << thread.lane;
}

Thread *Block::nextThread(const Thread *after) {
  uint32_t count = warps.size();
  switch (launch->options.order) {
  case ThreadOrder::Forward: {
    // First the rest of the warp: what its lanes wait for is then soon complete.
    uint32_t warp = after ? after->warp : 0;
    for (uint32_t i = 0; i < count; ++i) {
      if (uint32_t ready = warps[warp].ready) {
        uint32_t above = i == 0 && after ? ready & ~((2u << after->lane) - 1) : ready;
        return &threads[warp * kWarp + std::countr_zero(above ? above : ready)];
      }
      warp = warp + 1 == count ? 0 : warp + 1;
    }
    return nullptr;
  }
  case ThreadOrder::Reverse: {
    uint32_t warp = after ? after->warp : count - 1;
    for (uint32_t i = 0; i < count; ++i) {
      if (uint32_t ready = warps[warp].ready) {
        uint32_t below = i == 0 && after ? ready & ((1u << after->lane) - 1) : ready;
        return &threads[warp * kWarp + 31 - std::countl_zero(below ? below : ready)];
      }
      warp = warp == 0 ? count - 1 : warp - 1;
    }
    return nullptr;
  }
  case ThreadOrder::Random: {
    uint32_t start = random.below(count);
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t warp = (start + i) % count, ready = warps[warp].ready;
      if (!ready)
        continue;
      for (uint32_t skip = random.below(std::popcount(ready)); skip; --skip)
        ready &= ready - 1;
      return &threads[warp * kWarp + std::countr_zero(ready)];
    }
    return nullptr;
  }
  }
  return nullptr;
}

void Block::suspend(Thread &thread) {
  Thread *next = nextThread(&thread);
  if (!next)
    reportStandstill();
  if (next == &thread)
    return;
  running = next;
  switchFiber(thread.fiber, next->fiber);
}

void Block::leave(Thread &thread) {
  if (!thread.queue.copies.empty()) {
    if (launch->checker) {
      uint32_t site = thread.queue.copies.front().site;
      report(Kind::CopyNotWaited, site,
             [&] { return where(thread, site) + " is still under way when the kernel ends"; });
    }
    landAll(thread);
  }
  Warp &warp = warps[thread.warp];
  warp.ready &= ~(1u << thread.lane);
  warp.live &= ~(1u << thread.lane);
  thread.state = Thread::State::Done;
  if (--live == 0) {
    switchFiber(thread.fiber, host);
    __builtin_unreachable();
  }
  Thread *next = nextThread(&thread);
  if (!next)
    reportStandstill();
  running = next;
  switchFiber(thread.fiber, next->fiber);
  __builtin_unreachable();
}

std::string Block::instruction(uint32_t site) const {
  std::string_view text = launch->code.describe(site);
  return text.empty() ? "an unknown instruction" : "`" + std::string(text) + "`";
}

std::string Block::where(uint32_t thread, uint32_t site) const {
  return std::string("kernel ") + launch->kernel.name + ", block " + std::to_string(index) + ", thread " +
         std::to_string(thread) + ", at " + instruction(site);
}

std::string Block::where(const Thread &thread, uint32_t site) const { return where(thread.index(), site); }

/// "3 threads from 16 on wait in `...`; 16 have ended".
std::string Block::waitingGroups() const {
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> groups; // site -> first thread, how many
  uint32_t ended = 0;
  for (uint32_t i = 0; i < launch->config.threads; ++i)
    if (threads[i].state == Thread::State::Done)
      ++ended;
    else
      ++groups.try_emplace(threads[i].site, i, 0).first->second.second;
  std::string text;
  for (const auto &[site, group] : groups)
    text += (text.empty() ? "" : "; ") + std::to_string(group.second) + " threads, the first one " +
            std::to_string(group.first) + ", wait in " + instruction(site);
  return text + "; " + std::to_string(ended) + " have ended";
}

void Block::reportStandstill() {
  const Thread *first = nullptr;
  bool warpOp = false;
  for (uint32_t i = 0; i < launch->config.threads; ++i) {
    bool here = threads[i].state == Thread::State::AtWarpOp;
    if (threads[i].state != Thread::State::Done && (!first || (here && !warpOp)))
      first = &threads[i];
    warpOp |= here;
  }
  report(warpOp ? Kind::DivergentWarpOp : Kind::DivergentBarrier, first->site,
         [&] { return where(*first, first->site) + " waits for ever: " + waitingGroups(); });
  abandon();
}

void Block::barrier(Thread &thread, uint32_t site) {
  Warp &warp = warps[thread.warp];
  thread.state = Thread::State::AtBarrier;
  thread.site = site;
  warp.ready &= ~(1u << thread.lane);
  // Threads that have ended never come: the others then stand still, which is reported.
  if (++atBarrier == launch->config.threads)
    releaseBarrier(thread);
  suspend(thread);
}

void Block::releaseBarrier(Thread &last) {
  atBarrier = 0;
  for (uint32_t i = 0; i < launch->config.threads; ++i) {
    // The instruction is .aligned: all lanes of a warp execute the same one.
    const Thread &lead = threads[i / kWarp * kWarp];
    if (threads[i].site != lead.site) {
      report(Kind::DivergentBarrier, threads[i].site, [&] {
        return where(threads[i], threads[i].site) + " meets thread " + std::to_string(lead.index()) +
               " of its warp in another barrier, " + instruction(lead.site);
      });
      abandon();
    }
    setReady(threads[i]);
  }
  if (launch->checker)
    launch->checker->blockBarrier();
}

} // namespace vlp::sim
