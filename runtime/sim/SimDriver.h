// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of the CUDA driver API over the simulator's engine. Work that is given to a stream is done as late as
// the API permits, and streams take turns at random by a seed, so that a missing wait shows as a wrong result on a
// machine without a GPU. Launches that the chip would refuse are refused.
#pragma once

#include "runtime/cuda/DriverApi.h"
#include "runtime/sim/Engine.h"

namespace vlp::sim {

struct DriverOptions {
  /// Its seed also orders the streams.
  EngineOptions engine;
  /// Bytes of device memory; 0: what the host has free.
  uint64_t memory = 0;
  /// For tests of the tests: this call of cuStreamWaitEvent, counted from 1, does nothing. 0: none.
  uint64_t forgottenWait = 0;
};

/// What the assembler says of a kernel on the chip, for launches that do not fit. Zeros where it is not known.
struct KernelFacts {
  std::string name;
  uint32_t registers = 0, staticShared = 0;
};

/// What cuModuleLoadDataEx gets in the place of a cubin: a sim section.
struct Image {
  std::span<const char> object;
  std::vector<KernelFacts> kernels;
};

struct SimulatedDevice {
  std::shared_ptr<const cuda::DriverApi> driver;
  /// For cuDeviceGet.
  int ordinal;
};

/// Adds a device of `chip` ("sm_80") to the simulated driver. It is gone when its primary context has been released.
Expected<SimulatedDevice> addDevice(std::string_view chip, const DriverOptions &options);

} // namespace vlp::sim
