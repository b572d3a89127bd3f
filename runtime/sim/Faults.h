// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns faults of device code, and blocks that never end, into findings.
#pragma once

#include "runtime/sim/Block.h"

#include <csignal>
#include <ctime>

namespace vlp::sim {

/// A host thread's readiness to run device code: while it lives, a fault in a fiber of `block` abandons that block and
/// reports why. Once the last one in the process is gone, the signal handlers are those of before.
class FaultGuard {
public:
  /// A block that takes more than `limitSeconds` of processor time is abandoned as well.
  FaultGuard(Block &block, double limitSeconds);
  ~FaultGuard();
  FaultGuard(const FaultGuard &) = delete;
  FaultGuard &operator=(const FaultGuard &) = delete;

  /// To be called after each Block::run: reports the fault that ended it, if one did.
  void reportFault();

private:
  struct Fault {
    int signal = 0, code = 0;
    uintptr_t address = 0, instruction = 0;
  };

  static void handle(int signal, siginfo_t *info, void *context);
  void fault(int signal, const siginfo_t &info, void *context);
  void tick(void *context);
  void backToHost(void *context);
  void describe(const Thread &thread);
  void reportAddress(const Thread &thread, uint32_t site);

  static thread_local FaultGuard *current;
  Block &block;
  double limitSeconds;
  Pages signalStack;
  stack_t previousStack;
  sigset_t previousMask;
  timer_t timer;
  bool hasTimer = false;
  uint64_t watchedBlock = 0;
  uint32_t ticks = 0;
  Fault pending;
};

} // namespace vlp::sim
