// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs CUDA device code that was retargeted to x86: one fiber a GPU thread, warp operations, and, in checked mode, a
// watch over every memory access. Correctness, not speed.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/format/SimABI.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vlp {
class CodeSection;
}

namespace vlp::sim {

/// In which order the threads of a block take turns wherever the program leaves it open, and blocks follow one another.
enum class ThreadOrder { Forward, Reverse, Random };

struct EngineOptions {
  /// Run the instrumented code and report races, accesses out of bounds, uninitialised reads, ...
  bool checked = false;
  ThreadOrder order = ThreadOrder::Forward;
  /// Of the random order.
  uint64_t seed = 0;
  /// Asynchronous copies land when they are waited for and their destination is garbage before; otherwise they land at
  /// once.
  bool lateCopies = true;
  /// Host threads that run blocks; 0 means one a core. Results do not depend on it. Checked launches use one.
  unsigned workers = 0;
  /// Processor time after which a block that is not done counts as one that waits for ever.
  double watchdogSeconds = 60;
};

/// What was found. The message names the kernel, block and thread, the instruction, and the other party of a race.
struct Finding {
  enum class Kind {
    SharedRace, ///< two threads, one of them writing, without a barrier in between
    GlobalRace, ///< the same in global memory, or in two blocks of one launch
    OutOfBounds,
    UninitialisedRead,
    Misaligned,
    DivergentBarrier, ///< a barrier that not all threads of the block reach
    DivergentWarpOp,  ///< a warp operation that not all lanes reach
    CopyNotWaited, ///< bytes used while an asynchronous copy to them is under way, or the kernel ended with such copies
    LaunchLimit,
    SpinWait,      ///< a block that does not come to its end
    DivisionByZero ///< of integers; a GPU would go on with an arbitrary quotient
  };
  Kind kind;
  std::string message;
};

/// A loaded code section: the shared object that passes/Sim writes.
class Code {
public:
  static Expected<std::unique_ptr<Code>> load(std::span<const char> bytes);
  ~Code();
  const vlp_sim_kernel *find(std::string_view name) const;
  const vlp_sim_module &module() const { return *table; }

  /// Whether device code, of any kernel, is at `address`.
  bool contains(uintptr_t address) const { return address >= textBegin && address < textEnd; }
  /// The number of the instruction that a machine instruction of plain code belongs to; -1 where unknown.
  uint32_t siteAt(uintptr_t address) const;
  /// What the instruction is; empty where unknown.
  std::string_view describe(uint32_t site) const;

private:
  Code();
  std::unique_ptr<CodeSection> section;
  const vlp_sim_module *table = nullptr;
  uintptr_t textBegin = 0, textEnd = 0;
};

/// Global memory of the simulated device. Every allocation lies between guard pages, is filled with 0xFF (NaN) and is
/// uninitialised.
class GlobalMemory {
public:
  GlobalMemory();
  ~GlobalMemory();
  /// Null when the host has no memory left. 64-byte aligned.
  std::byte *allocate(uint64_t bytes);
  /// False if `pointer` is no allocation.
  bool free(void *pointer);
  /// Bytes that the host side has written.
  void markInitialised(const void *pointer, uint64_t bytes);

  struct Allocation;
  /// The allocation whose pages, the guard page included, hold `address`; null if none.
  Allocation *find(uintptr_t address) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

struct LaunchConfig {
  uint32_t blocks = 1, threads = 32;
  /// Bytes of dynamic shared memory.
  uint32_t shared = 0;
  /// What the chip allows a block that asked for more than the usual 48 KiB: 163 KiB on sm_80.
  uint32_t largestShared = 163 << 10;
};

class Engine {
public:
  Engine(GlobalMemory &memory, EngineOptions options);
  ~Engine();

  /// Runs one launch to its end. A launch with findings fails with the first one's message; all of them are in
  /// findings(). In fast mode only what stops the program is found: an address outside of all memory, a misaligned
  /// vector, barriers and warp operations that not all reach, limits.
  Status launch(const Code &code, const vlp_sim_kernel &kernel, const LaunchConfig &config,
                std::span<const uint64_t> parameters);
  /// Since the engine was made or cleared; one for each kind and instruction.
  const std::vector<Finding> &findings() const;
  void clearFindings();

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace vlp::sim
