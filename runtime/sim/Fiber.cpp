// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The switch between stacks (System V ABI for x86-64) and their memory.
#include "runtime/sim/Fiber.h"

#include <cstring>

#if defined(VLP_SIM_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "the simulator runs kernels that were compiled for x86-64"
#endif

// The control words of SSE and x87 are the same in all fibers of a host thread and stay.
asm(R"(
.text
.globl vlp_sim_switch
.type vlp_sim_switch,@function
vlp_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
.globl vlp_sim_resume
vlp_sim_resume:
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size vlp_sim_switch,.-vlp_sim_switch

.globl vlp_sim_enter
.type vlp_sim_enter,@function
vlp_sim_enter:
  movq %r12, %rdi
  callq *%rbx
  ud2
.size vlp_sim_enter,.-vlp_sim_enter
)");
extern "C" void vlp_sim_enter(void);

namespace vlp::sim {

/// Address space of one stack, its guard page included; only what is touched takes memory.
static constexpr uint64_t kStackBytes = 256 << 10;

#if defined(VLP_SIM_ASAN)
/// The fiber that was left last. Its own stack's bounds, unknown for a host thread, come from the sanitizer afterwards.
static thread_local Fiber *left = nullptr;

static void arrive(void *fake) {
  const void *bottom = nullptr;
  size_t size = 0;
  __sanitizer_finish_switch_fiber(fake, &bottom, &size);
  if (left && !left->bottom) {
    left->bottom = static_cast<std::byte *>(const_cast<void *>(bottom));
    left->size = size;
  }
}

void switchFiber(Fiber &from, Fiber &to) {
  void *fake = nullptr;
  left = &from;
  __sanitizer_start_switch_fiber(&fake, to.bottom, to.size);
  vlp_sim_switch(&from.stackPointer, to.stackPointer);
  arrive(fake);
}

void announceSwitch(Fiber &from, Fiber &to) {
  void *fake = nullptr;
  left = &from;
  __sanitizer_start_switch_fiber(&fake, to.bottom, to.size);
}

namespace {
struct Start {
  void (*entry)(void *);
  void *argument;
};
} // namespace

/// What __asan_unpoison_memory_region does, also where allow_user_poisoning=0 turns that off, as programs need that
/// link an LLVM without sanitizers.
__attribute__((no_sanitize("address"))) static void forgetFrames(const std::byte *from, size_t size) {
  size_t scale, offset;
  __asan_get_shadow_mapping(&scale, &offset);
  auto *shadow = reinterpret_cast<volatile uint64_t *>((reinterpret_cast<uintptr_t>(from) >> scale) + offset);
  for (size_t i = 0; i < size >> scale >> 3; ++i) // pages: whole words of shadow
    shadow[i] = 0;
}

static void enter(void *start) {
  arrive(nullptr);
  Start &own = *static_cast<Start *>(start);
  own.entry(own.argument);
}
#else
void announceSwitch(Fiber &, Fiber &) {}
#endif

bool FiberStacks::reserve(uint32_t wanted) {
  if (wanted <= count)
    return true;
  count = 0;
  pages = Pages();
  pages = Pages(kStackBytes * wanted);
  if (!pages.data())
    return false;
  for (uint32_t i = 0; i < wanted; ++i)
    if (!pages.forbid(kStackBytes * i, kPage))
      return false;
  count = wanted;
  return true;
}

void FiberStacks::prepare(Fiber &fiber, uint32_t index, void (*entry)(void *), void *argument) {
  fiber.bottom = pages.data() + kStackBytes * index + kPage;
  fiber.size = kStackBytes - kPage;
  // Coloured: frames at equal offsets in all stacks would fight for the same cache sets.
  std::byte *top = fiber.bottom + fiber.size - (uint64_t(index) * 576) % (2 * kPage) - 64;
#if defined(VLP_SIM_ASAN)
  // A block that was given up has left frames behind.
  forgetFrames(fiber.bottom, fiber.size);
  auto *start = reinterpret_cast<Start *>(top);
  *start = {entry, argument};
  entry = &enter;
  argument = start;
#endif
  void *frame[] = {nullptr,
                   nullptr,
                   nullptr,
                   argument,
                   reinterpret_cast<void *>(entry),
                   nullptr,
                   reinterpret_cast<void *>(&vlp_sim_enter)}; // r15 r14 r13 r12 rbx rbp, return address
  // After the return the stack pointer is a multiple of 16, as a call needs it.
  fiber.stackPointer = top - sizeof frame;
  std::memcpy(fiber.stackPointer, frame, sizeof frame);
}

} // namespace vlp::sim
