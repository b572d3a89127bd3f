// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One entry bound to device memory: its launches with functions and pointers resolved, ready to be given to streams.
#pragma once

#include "runtime/cuda/Device.h"
#include "runtime/format/manifest.pb.h"

#include <array>
#include <span>
#include <vector>

namespace vlp::cuda {

/// The device address of each format::Region.
using RegionAddresses = std::array<DevicePointer, 5>;

/// A kernel launch or a copy.
struct Step {
  const format::Op *op;
  /// Null for a copy.
  FunctionHandle function = nullptr;
  /// One pointer to each argument, as cuLaunchKernel takes them. Tells launches apart: no other step has the same.
  void **parameters = nullptr;
  DevicePointer to = 0, from = 0;
};

/// Outputs that come to the host while later ops run.
struct Download {
  /// Made by the ops up to this one.
  size_t lastOp;
  uint64_t offset, size;
};

class CudaEntry {
public:
  /// Takes memory for inputs and outputs, and binds the ops to it and to `shared` (arena, state, constants).
  static Expected<std::unique_ptr<CudaEntry>> bind(const Device &device, const format::Entry &entry,
                                                   const format::Manifest &manifest,
                                                   std::span<const FunctionHandle> functions, RegionAddresses shared);

  const format::Entry &entry() const { return *description; }
  std::span<const Step> steps() const { return ops; }
  /// In the order of their last ops.
  std::span<const Download> downloads() const { return copies; }
  /// For each state tensor whether the entry writes it.
  const std::vector<bool> &writtenState() const { return written; }
  /// Gives one step to a stream.
  Result enqueue(const Step &step, StreamHandle stream) const;
  /// "entry 'train', layer 'loss', kernel toy_loss (1 blocks of 32 threads, 0 bytes of shared memory)".
  std::string describe(const Step &step, const format::Program &program) const;
  /// The step that was launched with `parameters`; null if none was.
  const Step *find(void *const *parameters) const;

  /// Inputs and outputs of the host, and of the device. Inputs wait in `staged` until the run before has taken its own.
  PinnedMemory hostInputs, hostOutputs;
  DeviceMemory staged, inputs, outputs;
  /// When the inputs have left the host, and when they have left `staged`.
  Event uploaded, taken;
  /// One for each download: when what it copies is made. And when all have been copied.
  std::vector<Event> made;
  Event downloaded;
  bool isStaged = false;
  /// Has run once, launch by launch.
  bool isWarm = false;
  /// The run as one graph, once it has been captured.
  GraphExec graph;
  /// Before the first op and after each, for times; made when first asked for.
  std::vector<Event> marks;

private:
  explicit CudaEntry(const format::Entry &entry) : description(&entry) {}
  Status allocate(const Device &device);
  void bindOps(std::span<const FunctionHandle> functions, const RegionAddresses &addresses);
  void findWrittenState(const format::Manifest &manifest);
  void planDownloads();

  const DriverApi *driver = nullptr;
  const format::Entry *description;
  std::vector<Step> ops;
  std::vector<DevicePointer> arguments;
  std::vector<void *> argumentPointers;
  std::vector<Download> copies;
  std::vector<bool> written;
};

} // namespace vlp::cuda
