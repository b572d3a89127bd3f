// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Signal handlers for device code.
#include "runtime/sim/Faults.h"

#include "runtime/sim/Checker.h"
#include "runtime/sim/GlobalMemory.h"

#include <mutex>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace vlp::sim {

using Kind = Finding::Kind;

/// The watchdog looks so often before the limit is over: a block is given up only while device code runs, never inside
/// the engine.
static constexpr uint32_t kTicks = 16;
static constexpr int kWatchdogSignal = SIGVTALRM;
static constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, kWatchdogSignal};

thread_local FaultGuard *FaultGuard::current = nullptr;

namespace {

/// The handlers of before; installed as long as anybody guards.
struct Handlers {
  std::mutex mutex;
  unsigned guards = 0;
  struct sigaction previous[NSIG];

  void acquire(void (*handler)(int, siginfo_t *, void *)) {
    std::lock_guard lock(mutex);
    if (guards++)
      return;
    struct sigaction action = {};
    action.sa_sigaction = handler;
    // SA_NODEFER: the handler is left by going on elsewhere, with the signal unblocked.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (int signal : kSignals)
      sigaction(signal, &action, &previous[signal]);
  }

  void release() {
    std::lock_guard lock(mutex);
    if (--guards)
      return;
    for (int signal : kSignals)
      sigaction(signal, &previous[signal], nullptr);
  }
};

Handlers handlers;

/// What would have happened without us.
void forward(int signal, siginfo_t *info, void *context) {
  const struct sigaction &previous = handlers.previous[signal];
  if (previous.sa_flags & SA_SIGINFO)
    return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN)
    sigaction(signal, &previous, nullptr); // the instruction faults again
  else
    previous.sa_handler(signal);
}

} // namespace

FaultGuard::FaultGuard(Block &block, double limitSeconds)
    : block(block), limitSeconds(limitSeconds), signalStack(64 << 10) {
  stack_t stack = {};
  stack.ss_sp = signalStack.data();
  stack.ss_size = signalStack.size();
  sigaltstack(&stack, &previousStack);
  handlers.acquire(&handle);
  current = this;
  sigset_t ours;
  sigemptyset(&ours);
  for (int signal : kSignals)
    sigaddset(&ours, signal);
  pthread_sigmask(SIG_UNBLOCK, &ours, &previousMask);
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kWatchdogSignal;
  event._sigev_un._tid = pid_t(syscall(SYS_gettid));
  hasTimer = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0;
  if (!hasTimer)
    return;
  double period = std::max(limitSeconds / kTicks, 1e-3);
  timespec interval = {time_t(period), long((period - double(time_t(period))) * 1e9)};
  itimerspec times = {interval, interval};
  timer_settime(timer, 0, &times, nullptr);
}

FaultGuard::~FaultGuard() {
  if (hasTimer)
    timer_delete(timer);
  pthread_sigmask(SIG_SETMASK, &previousMask, nullptr);
  current = nullptr;
  handlers.release();
  sigaltstack(&previousStack, nullptr);
}

void FaultGuard::handle(int signal, siginfo_t *info, void *context) {
  FaultGuard *guard = current;
  if (signal == kWatchdogSignal && guard)
    return guard->tick(context);
  if (!guard || !guard->block.running || guard->pending.signal)
    return forward(signal, info, context);
  guard->fault(signal, *info, context);
}

static uintptr_t programCounter(void *context) {
  return uintptr_t(static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_RIP]);
}

void FaultGuard::fault(int signal, const siginfo_t &info, void *context) {
  pending = {signal, info.si_code, reinterpret_cast<uintptr_t>(info.si_addr), programCounter(context)};
  backToHost(context);
}

void FaultGuard::tick(void *context) {
  uint64_t run = block.blocksRun.load(std::memory_order_relaxed);
  if (run != watchedBlock || !block.running) {
    watchedBlock = run;
    ticks = 0;
    return;
  }
  if (++ticks < kTicks || !block.launch->code.contains(programCounter(context)))
    return;
  pending = {kWatchdogSignal, 0, 0, programCounter(context)};
  backToHost(context);
}

/// Makes the handler return into Block::run, as if the fiber had switched to it.
void FaultGuard::backToHost(void *context) {
  announceSwitch(block.running->fiber, block.host);
  auto &registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  registers[REG_RSP] = greg_t(block.host.stackPointer);
  registers[REG_RIP] = greg_t(&vlp_sim_resume);
}

void FaultGuard::reportFault() {
  if (!pending.signal)
    return;
  describe(*block.faulted);
  pending = {};
  block.launch->stopped.store(true, std::memory_order_relaxed);
  if (block.launch->checker)
    block.launch->checker->forgetShared();
}

void FaultGuard::describe(const Thread &thread) {
  const Code &code = block.launch->code;
  bool inDevice = code.contains(pending.instruction);
  uint32_t site = inDevice ? code.siteAt(pending.instruction) : thread.site;
  auto where = [&] { return block.where(thread, site); };
  if (pending.signal == kWatchdogSignal)
    return block.report(Kind::SpinWait, site, [&] {
      return where() + " is not done after " + std::to_string(limitSeconds) +
             " seconds of processor time; does it wait for another block?";
    });
  if (pending.signal == SIGFPE)
    return block.report(Kind::DivisionByZero, site, where);
  // A general protection fault has no address: an aligned vector instruction, or an address that no pointer can have.
  if (pending.signal == SIGSEGV && pending.code == SI_KERNEL && !pending.address)
    return block.report(Kind::Misaligned, site,
                        [&] { return where() + " accesses a vector at an address that is no multiple of its size"; });
  if (pending.signal == SIGBUS)
    return block.report(Kind::Misaligned, site, where);
  reportAddress(thread, site);
}

void FaultGuard::reportAddress(const Thread &thread, uint32_t site) {
  uintptr_t address = pending.address;
  block.report(Kind::OutOfBounds, site, [&] {
    std::string text = block.where(thread, site);
    if (block.stacks.contains(address))
      return text + " needs more stack than the simulator has";
    auto past = int64_t(address - reinterpret_cast<uintptr_t>(block.shared));
    if (block.ownsShared(address))
      return text + " accesses byte " + std::to_string(past) + " of " + std::to_string(block.sharedBytes) +
             " bytes of shared memory";
    const GlobalMemory::Allocation *allocation = block.launch->memory.find(address);
    if (!allocation)
      return text + " accesses memory where no buffer is";
    auto offset = int64_t(address - reinterpret_cast<uintptr_t>(allocation->base));
    return text + " accesses byte " + std::to_string(offset) + " of a buffer of " + std::to_string(allocation->size) +
           " bytes" + (allocation->freed ? " that has been freed" : "");
  });
}

} // namespace vlp::sim
