// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Small GPU kernels in LLVM IR, compiled for the simulator and run by its engine.
#pragma once

#include "runtime/sim/Engine.h"

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

namespace vlp::test {

using Words = std::vector<uint32_t>;

/// The instructions of a kernel, without its last `ret void`, in LLVM IR with abbreviations: ptr1 and ptr3 for pointers
/// to global and shared memory; @smem is dynamic shared memory. %t is the thread, %b the block, %in0, %in1, ... the
/// inputs and %out the result, all ptr1.
struct KernelText {
  std::string body;
  uint32_t threads = 32, blocks = 1, shared = 0;
  std::vector<Words> inputs = {};
  size_t resultWords = 0;
};

/// The whole module, with every intrinsic declared that the simulator knows.
std::string moduleText(const KernelText &kernel);

/// The shared object of a module in LLVM IR; fails the test if there is none.
std::string compile(const std::string &module);
/// What the simulator's compiler says; empty if it takes the module.
std::string compileError(const std::string &module);

struct Outcome {
  Status status;
  std::vector<sim::Finding> findings;
  Words result; // 0xffffffff where nothing was written
};

/// A kernel, compiled once for several launches, in several host threads if need be (the compiler is for one at a
/// time).
class LoadedKernel {
public:
  explicit LoadedKernel(const KernelText &kernel);
  Outcome run(const sim::EngineOptions &options) const;

private:
  KernelText kernel;
  std::unique_ptr<sim::Code> code;
};

/// One launch.
Outcome run(const KernelText &kernel, const sim::EngineOptions &options);

/// Runs in every thread order, with copies that land late and at once, with one and several host threads, and checked.
/// Expects no finding anywhere and the same result everywhere, and returns it.
Words runEverywhere(const KernelText &kernel);

/// `body` with every `name` replaced by `value`.
std::string with(std::string body, const std::vector<std::pair<std::string, std::string>> &values);

inline uint32_t bits(float value) { return std::bit_cast<uint32_t>(value); }
inline float asFloat(uint32_t word) { return std::bit_cast<float>(word); }

/// %name = byte `offset` (an i32 value) of shared memory.
std::string sharedAt(const std::string &name, const std::string &offset);
/// %name = word `index` (an i32 value) of a parameter.
std::string wordOf(const std::string &name, const std::string &parameter, const std::string &index);

} // namespace vlp::test
