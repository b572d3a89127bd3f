// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stacks that the engine switches between by hand: one a GPU thread.
#pragma once

#include "runtime/sim/Pages.h"

#include <cstddef>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VLP_SIM_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define VLP_SIM_ASAN 1
#endif

extern "C" {
/// Saves the registers that a function must keep on the stack, the stack pointer in `*save`, and goes on where `load`
/// was saved.
void vlp_sim_switch(void **save, void *load);
/// The second half: where to go on with the stack pointer set to what was saved.
void vlp_sim_resume(void);
}

namespace vlp::sim {

/// A suspended flow of control: the host thread's own, or one on a stack of FiberStacks.
struct Fiber {
  void *stackPointer = nullptr;
  std::byte *bottom = nullptr; // lowest address of its stack
  size_t size = 0;
};

#if defined(VLP_SIM_ASAN)
void switchFiber(Fiber &from, Fiber &to);
#else
inline void switchFiber(Fiber &from, Fiber &to) { vlp_sim_switch(&from.stackPointer, to.stackPointer); }
#endif
/// To be called before leaving `from` for `to` by other means than switchFiber.
void announceSwitch(Fiber &from, Fiber &to);

class FiberStacks {
public:
  /// Room for `count` fibers; false when the system has no memory left.
  bool reserve(uint32_t count);
  /// The next switch to `fiber` calls entry(argument), which must never return, on stack `index`.
  void prepare(Fiber &fiber, uint32_t index, void (*entry)(void *), void *argument);
  bool contains(uintptr_t address) const { return pages.contains(address); }

private:
  Pages pages;
  uint32_t count = 0;
};

} // namespace vlp::sim
