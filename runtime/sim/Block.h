// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A block of GPU threads while it runs: who waits for what, and whose turn it is.
#pragma once

#include "runtime/sim/Fiber.h"
#include "runtime/sim/Findings.h"

#include <atomic>

namespace vlp::sim {

class Block;
class Checker;

inline constexpr uint32_t kWarp = 32;
inline constexpr uint32_t kMaxThreads = 1024;

/// What all blocks of a launch share.
struct Launch {
  const Code &code;
  const vlp_sim_kernel &kernel;
  const LaunchConfig &config;
  const EngineOptions &options;
  const uint64_t *parameters;
  GlobalMemory &memory;
  Findings &findings;
  Checker *checker; // null in plain mode
  std::atomic<bool> stopped{false};
};

/// A copy from global to shared memory that a thread has asked for.
struct Copy {
  std::byte *to;
  const std::byte *from;
  uint32_t size, read, site;
};

/// The copies of one thread that have not landed, oldest first.
struct CopyQueue {
  std::vector<Copy> copies;
  std::vector<size_t> groups; // one past the last copy of each committed group, oldest first
};

enum class WarpOp : uint8_t { Barrier, Shuffle, Multiply, LoadMatrices };

struct Thread {
  vlp_sim_context context; // first: the pointer that device code has is the thread's
  Fiber fiber;
  Block *block;
  uint32_t lane, warp;
  enum class State : uint8_t { Ready, AtBarrier, AtWarpOp, Done } state;
  WarpOp op;
  uint32_t site, mask; // of what it waits in
  CopyQueue queue;

  uint32_t index() const { return context.thread; }
};

/// Lanes as bits; and the operands of the operation that they meet in.
struct Warp {
  uint32_t ready, waiting, live;
  /// Whether all waiting lanes ask for the same: for `op` at `site` with `mask`.
  bool uniform;
  WarpOp op;
  uint32_t site, mask;

  const void *descriptor;         // of a Multiply or LoadMatrices
  const void *const *rows[kWarp]; // of LoadMatrices
  uint32_t *registers[kWarp];     // of Multiply and LoadMatrices
  // of Shuffle
  uint32_t value[kWarp], source[kWarp], bounds[kWarp], result[kWarp];
};

/// Small, fast, and equal everywhere.
class RandomOrder {
public:
  explicit RandomOrder(uint64_t seed = 0) : state(seed) {}
  /// Of [0, bound).
  uint32_t below(uint32_t bound) {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return uint32_t(((z >> 32) * bound) >> 32);
  }

private:
  uint64_t state;
};

/// What a host thread needs to run blocks: reused from block to block and from launch to launch.
class Block {
public:
  /// Memory for a launch; false when the system has none left.
  bool reserve(const LaunchConfig &config, bool communicates);
  void run(Launch &launch, uint32_t index);

  // What device code asks for.
  void barrier(Thread &thread, uint32_t site);
  void warpBarrier(Thread &thread, uint32_t site, uint32_t mask);
  uint32_t shuffle(Thread &thread, uint32_t site, uint32_t mode, uint32_t mask, uint32_t value, uint32_t source,
                   uint32_t bounds);
  void multiply(Thread &thread, uint32_t site, const vlp_sim_products &products, uint32_t *registers);
  void loadMatrices(Thread &thread, uint32_t site, const vlp_sim_matrices &matrices, const void *const *rows,
                    uint32_t *out);
  void copyAsync(Thread &thread, const Copy &copy);
  void commitCopies(Thread &thread);
  void waitCopies(Thread &thread, uint32_t groupsLeft);

  /// Reports and goes on.
  template <typename Message>
  void report(Finding::Kind kind, uint32_t site, Message message) {
    launch->findings.add(kind, launch->kernel, site, message);
  }
  /// Gives the block up; the launch runs no further blocks.
  [[noreturn]] void abandon();
  /// "kernel k, block 0, thread 1, at `store ...`".
  std::string where(const Thread &thread, uint32_t site) const;
  std::string where(uint32_t thread, uint32_t site) const;
  /// "`store ...`".
  std::string instruction(uint32_t site) const;

  Launch *launch = nullptr;
  uint32_t index = 0;
  std::byte *shared = nullptr; // dynamic shared memory
  uint32_t sharedBytes = 0;
  FiberStacks stacks;
  /// The host thread's flow of control, and what runs now: null in the host's own code.
  Fiber host;
  Thread *running = nullptr;
  /// What ran when run() last came to its end.
  const Thread *faulted = nullptr;
  bool ownsShared(uintptr_t address) const { return sharedPages.contains(address); }
  /// Blocks that this object has run: tells the watchdog whether the one at hand is still the same.
  std::atomic<uint64_t> blocksRun{0};

private:
  void reset(Launch &launch, uint32_t index);
  void runFibers();
  static void threadMain(void *thread);
  static void independentMain(void *thread);

  Thread *nextThread(const Thread *after);
  /// Waits until another thread makes `thread` ready again.
  void suspend(Thread &thread);
  [[noreturn]] void leave(Thread &thread);
  void setReady(Thread &thread);
  [[noreturn]] void reportStandstill();
  std::string waitingGroups() const;

  void releaseBarrier(Thread &last);
  /// True if this was the last lane to come.
  void meet(Thread &thread, WarpOp op, uint32_t site, uint32_t mask);
  bool allHere(const Warp &warp, const Thread &first, uint32_t mask) const;
  void checkUniform(const Warp &warp, const Thread &first, const Thread &last, uint32_t mask);
  void perform(Warp &warp, Thread *lanes, const Thread &last, uint32_t mask);
  void performShuffle(Warp &warp, const Thread *lanes, uint32_t mask);
  void performLoads(Warp &warp, Thread *lanes);
  void checkRow(const Thread &lane, uint32_t site, const void *row);
  void land(Thread &thread, size_t copies);
  void landAll(Thread &thread);

  Pages sharedPages;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<float> scratch; // decoded tiles
  uint32_t live = 0, atBarrier = 0;
  RandomOrder random;
};

extern const vlp_sim_calls kCalls;

} // namespace vlp::sim
