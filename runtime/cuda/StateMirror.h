// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The state of a session on a GPU, with a copy on the host for reading and writing between runs.
#pragma once

#include "runtime/cpu/Memory.h"
#include "runtime/cuda/Device.h"
#include "runtime/format/manifest.pb.h"

#include <span>
#include <vector>

namespace vlp::cuda {

/// Tensors are known by their index in the manifest. Each is copied when it must be and not before: to the host when it
/// is asked for after the device has changed it, to the device before a run when it was handed out for writing.
class StateMirror {
public:
  Status allocate(const Device &device, const format::Manifest &manifest, const std::string &path);
  DevicePointer onDevice() const { return device.get(); }

  /// The tensor on the host; after a copy on `stream` if need be, which then has done all its work.
  Expected<std::span<std::byte>> access(size_t tensor, bool write, StreamHandle stream);
  /// Some bytes of the state as they are now.
  Expected<std::span<const std::byte>> view(const format::Slot &slot, StreamHandle stream);
  /// Gives `stream` the copies of what was written to the device. The host's copy must stay as it is until they are
  /// done.
  Status push(StreamHandle stream);
  /// The device writes these tensors (one flag each) in work that was given to it.
  void changedOnDevice(const std::vector<bool> &tensors);

private:
  struct Tensor {
    uint64_t offset, size;
    /// Handed out for writing since the last push: the host's copy counts.
    bool written = false;
    /// Changed by the device since it was copied to the host.
    bool stale = false;
  };
  Status download(uint64_t offset, uint64_t size, StreamHandle stream);

  const DriverApi *driver = nullptr;
  Memory host;
  DeviceMemory device;
  std::vector<Tensor> tensors;
};

} // namespace vlp::cuda
