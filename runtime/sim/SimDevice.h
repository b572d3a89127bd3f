// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One simulated device: its limits, memory, code and streams. The functions of the driver are in SimDriver.cpp.
#pragma once

#include "runtime/sim/Scheduler.h"
#include "runtime/sim/SimDriver.h"

#include <map>
#include <mutex>

namespace vlp::sim {

/// What a chip allows (CUDA C++ Programming Guide, technical specifications by compute capability).
struct ChipLimits {
  int major = 0, minor = 0;
  uint32_t largestShared = 0;
  static constexpr uint32_t threads = 1024, registers = 64 << 10;
};

/// False where `name` is no chip that is known.
bool findChip(std::string_view name, ChipLimits &limits);

struct SimFunction {
  const Code *code;
  const vlp_sim_kernel *kernel;
  KernelFacts facts;
  uint32_t largestDynamic;
};

struct SimModule {
  std::unique_ptr<Code> code;
  std::vector<KernelFacts> facts;
  std::map<std::string, std::unique_ptr<SimFunction>> functions;
};

struct SimGraph {
  std::shared_ptr<const WorkGraph> work;
};

/// A launch as it was asked for.
struct SimLaunch {
  uint32_t blocks, threads, shared;
  void *const *parameters;
};

class SimDevice {
public:
  SimDevice(const ChipLimits &chip, const DriverOptions &options)
      : chip(chip), options(options), engine(memory, options.engine),
        scheduler(options.engine.seed, options.forgottenWait) {}

  ~SimDevice();
  SimDevice(const SimDevice &) = delete;
  SimDevice &operator=(const SimDevice &) = delete;

  Result allocate(cuda::DevicePointer *pointer, uint64_t size);
  Result release(cuda::DevicePointer pointer);
  uint64_t freeMemory() const;
  /// Whether these bytes lie in one allocation.
  bool holds(cuda::DevicePointer pointer, uint64_t size) const;
  /// Makes bytes garbage that nobody has written.
  void discard(cuda::DevicePointer pointer, uint64_t size);

  Result loadModule(const Image &image, SimModule **module);
  /// Refuses what the chip would refuse.
  Result checkLaunch(const SimFunction &function, const SimLaunch &launch);
  Result launch(const SimFunction &function, const SimLaunch &launch, SimStream &stream);

  /// Remembers why a call fails, for simLastFailure.
  Result explain(Result result, std::string text, void *const *parameters = nullptr);

  std::recursive_mutex mutex;
  const ChipLimits chip;
  const DriverOptions options;
  GlobalMemory memory;
  Engine engine;
  Scheduler scheduler;
  uint64_t allocated = 0;
  std::map<cuda::DevicePointer, uint64_t> allocations;
  std::map<void *, uint64_t> pinned;
  std::vector<std::unique_ptr<SimModule>> modules;
  std::vector<std::shared_ptr<SimEvent>> events;
  std::vector<std::unique_ptr<SimGraph>> graphs;
  unsigned retained = 0;
  std::string failureText;
  void *const *failedParameters = nullptr;
};

} // namespace vlp::sim
