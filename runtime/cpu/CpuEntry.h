// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One entry bound to host memory: its ops with kernels and pointers resolved, ready to be walked without allocating.
#pragma once

#include "runtime/cpu/ThreadPool.h"
#include "runtime/format/KernelABI.h"
#include "runtime/format/manifest.pb.h"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace vlp {

/// The base pointer of each format::Region.
using RegionBases = std::array<std::byte *, 5>;

/// Scratch of the workers: worker w has `stride` bytes at base + w * stride.
struct Scratch {
  std::byte *base = nullptr;
  uint64_t stride = 0;
};

class CpuEntry {
public:
  /// Binds the ops of `entry`, which must have been validated and must outlive this.
  CpuEntry(const format::Entry &entry, std::span<const vlp_cpu_kernel> kernels, const RegionBases &bases);

  size_t size() const { return steps.size(); }
  const format::Op &op(size_t index) const { return *steps[index].op; }
  /// Runs one op on the team; returns when its results are in memory.
  void runOp(size_t index, ThreadPool &pool, const Scratch &scratch) const;
  void runAll(ThreadPool &pool, const Scratch &scratch) const;

private:
  struct Step {
    /// Null for a copy, whose arguments are destination and source.
    vlp_cpu_kernel kernel;
    /// The first of its pointers in `arguments`.
    size_t firstArgument;
    int64_t tasks;
    uint64_t copied;
    /// Too little work to be worth waking the team.
    bool alone;
    const format::Op *op;
  };
  void runStep(const Step &step, ThreadPool &pool, const Scratch &scratch) const;

  std::vector<Step> steps;
  std::vector<void *> arguments;
};

} // namespace vlp
