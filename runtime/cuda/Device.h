// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A GPU, real or simulated, with its primary context.
#pragma once

#include "runtime/cuda/DriverApi.h"

namespace vlp::cuda {

/// An opened GPU. Its primary context, which other users of the process share, is kept as long as this lives.
class Device {
public:
  /// Opens GPU `ordinal` of `driver`. `family` is how messages call such devices ("cuda").
  static Expected<std::shared_ptr<const Device>> open(std::shared_ptr<const DriverApi> driver, int ordinal,
                                                      const std::string &family);
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  const DriverApi &driver() const { return *api; }
  /// "NVIDIA A100-SXM4-80GB (sm_80)".
  const std::string &name() const { return title; }
  int major() const { return capability[0]; }
  int minor() const { return capability[1]; }
  /// Dynamic shared memory that a block can ask for.
  uint64_t largestShared() const { return shared; }
  /// Bytes that can still be allocated.
  uint64_t freeMemory() const;

  /// Memory on the device; garbage. `purpose` is named in the error, which says what is free.
  Expected<DeviceMemory> allocate(uint64_t size, const std::string &purpose) const;
  /// Zeroed memory of the host that the device copies from and to without the processor.
  Expected<PinnedMemory> allocatePinned(uint64_t size, const std::string &purpose) const;
  Expected<Stream> makeStream() const;
  Expected<Event> makeEvent(unsigned flags = kEventDisableTiming) const;

private:
  friend class ContextScope;
  Device() = default;
  std::shared_ptr<const DriverApi> api;
  DeviceNumber number = 0;
  ContextHandle context = nullptr;
  std::string title;
  int capability[2] = {0, 0};
  uint64_t shared = 0;
};

/// Makes the device's context the calling thread's for its lifetime, and then the one that was before: the caller may
/// use CUDA too.
class ContextScope {
public:
  explicit ContextScope(const Device &device) : driver(device.driver()) {
    (void)driver.cuCtxPushCurrent(device.context);
  }
  ~ContextScope() {
    ContextHandle popped;
    (void)driver.cuCtxPopCurrent(&popped);
  }
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;

private:
  const DriverApi &driver;
};

} // namespace vlp::cuda
