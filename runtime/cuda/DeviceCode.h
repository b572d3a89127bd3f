// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The code of a compiled file on a GPU: its kernels and constants. Shared by the sessions of a module.
#pragma once

#include "runtime/cuda/Device.h"
#include "runtime/format/manifest.pb.h"

#include <span>
#include <vector>

namespace vlp::cuda {

class DeviceCode {
public:
  /// Loads `image`, which the driver understands (a cubin, NUL-terminated PTX, or the simulator's own), finds the
  /// kernels of `program` in it, lets those that need it have more than the usual shared memory, and brings `constants`
  /// over.
  static Expected<std::unique_ptr<DeviceCode>> load(std::shared_ptr<const Device> device, const void *image,
                                                    const format::Program &program,
                                                    std::span<const std::byte> constants, const std::string &path);
  ~DeviceCode();

  const std::shared_ptr<const Device> &device() const { return gpu; }
  /// In the order of the program's kernels.
  std::span<const FunctionHandle> functions() const { return kernels; }
  DevicePointer constants() const { return constantMemory.get(); }

private:
  explicit DeviceCode(std::shared_ptr<const Device> device) : gpu(std::move(device)) {}
  Status findKernels(const format::Program &program, const std::string &path);
  Status copyConstants(std::span<const std::byte> constants, const std::string &path);

  std::shared_ptr<const Device> gpu;
  LoadedModule module;
  std::vector<FunctionHandle> kernels;
  DeviceMemory constantMemory;
};

/// Refuses a driver that is older than the program's code needs.
Status checkDriverVersion(const DriverApi &driver, const format::Program &program, const std::string &path);

} // namespace vlp::cuda
