// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a session asks of the device it runs on: memory as the host sees it, whole runs, and runs op by op. Implemented
// for the processor (runtime/cpu) and for GPUs, real and simulated (runtime/cuda).
#pragma once

#include "runtime/core/Module.h"

namespace vlp {

/// What an executor runs. All of it outlives the executor.
struct LoadedProgram {
  const format::Manifest &manifest;
  const format::Program &program;
  const std::string &path;
  /// The file's constants, on the host.
  std::span<const std::byte> constants;
};

/// Entries and state tensors are known by their index in the manifest.
class Executor {
public:
  virtual ~Executor() = default;

  /// The inputs and outputs of an entry on the host, at addresses that stay. Asking for inputs, which the caller may
  /// then write, undoes stage().
  virtual Expected<std::span<std::byte>> inputs(size_t entry) = 0;
  virtual std::span<const std::byte> outputs(size_t entry) const = 0;
  /// A state tensor on the host, at an address that stays, as the last run left it. With `write`, the next run starts
  /// from what the caller puts there.
  virtual Expected<std::span<std::byte>> state(size_t tensor, bool write) = 0;
  /// What a slot holds right now, between ops; valid until the next op.
  virtual Expected<std::span<const std::byte>> view(size_t entry, const format::Slot &slot) = 0;
  /// Fills the arena, the entry's outputs and scratch with `byte`.
  virtual Status fill(size_t entry, std::byte byte) = 0;

  /// Begins to bring the inputs to the device, if it has memory of its own.
  virtual Status stage(size_t entry) = 0;
  /// Runs an entry; returns when the inputs may be written anew, maybe before the run has ended.
  virtual Status start(size_t entry) = 0;
  /// Returns when the last run has ended and its outputs are in place.
  virtual Status wait() = 0;
  /// A whole run with a time for each op.
  virtual Status runTimed(size_t entry, std::vector<OpTiming> &timings) = 0;

  /// A run op by op: beginOps(), runOp() for each op, which returns when its results are in memory, endOps().
  virtual Status beginOps(size_t entry) = 0;
  virtual Status runOp(size_t entry, size_t op) = 0;
  virtual Status endOps(size_t entry) = 0;
};

} // namespace vlp
