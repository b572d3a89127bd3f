// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Walks the ops of an entry on the processor.
#include "runtime/cpu/CpuEntry.h"

#include "runtime/core/GeneratedCode.h"

#include <algorithm>
#include <cstring>

namespace vlp {

/// A task of a large copy.
static constexpr uint64_t kCopyChunk = uint64_t(256) << 10;
/// A launch of at most this many flops and bytes takes less time than starting the team (about half a microsecond).
static constexpr double kAloneFlops = 8192, kAloneBytes = 8192;

CpuEntry::CpuEntry(const format::Entry &entry, std::span<const vlp_cpu_kernel> kernels, const RegionBases &bases) {
  auto pointerTo = [&](const format::Slot &slot) -> void * { return bases[size_t(slot.region())] + slot.offset(); };
  steps.reserve(size_t(entry.ops_size()));
  for (const format::Op &op : entry.ops()) {
    Step step{nullptr, arguments.size(), 0, 0, false, &op};
    if (op.has_launch()) {
      const format::Launch &launch = op.launch();
      step.kernel = kernels[launch.kernel()];
      step.tasks = launch.tasks();
      step.alone =
          launch.tasks() == 1 || (launch.bytes() > 0 && launch.bytes() <= kAloneBytes && launch.flops() <= kAloneFlops);
      for (const format::Slot &slot : launch.args())
        arguments.push_back(pointerTo(slot));
    } else {
      step.copied = op.copy().src().size();
      step.tasks = int64_t((step.copied + kCopyChunk - 1) / kCopyChunk);
      arguments.push_back(pointerTo(op.copy().dst()));
      arguments.push_back(pointerTo(op.copy().src()));
    }
    steps.push_back(step);
  }
}

namespace {

struct LaunchContext {
  vlp_cpu_kernel kernel;
  void *const *args;
  Scratch scratch;
};

VLP_CALLS_GENERATED_CODE void runLaunch(void *context, int64_t begin, int64_t end, unsigned worker) {
  const auto &launch = *static_cast<const LaunchContext *>(context);
  launch.kernel(launch.args, begin, end, launch.scratch.base + worker * launch.scratch.stride);
}

struct CopyContext {
  std::byte *dst;
  const std::byte *src;
  uint64_t size;
};

void runCopy(void *context, int64_t begin, int64_t end, unsigned) {
  const auto &copy = *static_cast<const CopyContext *>(context);
  uint64_t first = uint64_t(begin) * kCopyChunk, last = std::min(copy.size, uint64_t(end) * kCopyChunk);
  std::memcpy(copy.dst + first, copy.src + first, last - first);
}

} // namespace

void CpuEntry::runStep(const Step &step, ThreadPool &pool, const Scratch &scratch) const {
  void *const *args = arguments.data() + step.firstArgument;
  if (!step.kernel) {
    CopyContext copy{static_cast<std::byte *>(args[0]), static_cast<const std::byte *>(args[1]), step.copied};
    if (copy.dst != copy.src)
      pool.run(step.tasks, runCopy, &copy);
    return;
  }
  LaunchContext launch{step.kernel, args, scratch};
  if (step.alone)
    runLaunch(&launch, 0, step.tasks, 0);
  else
    pool.run(step.tasks, runLaunch, &launch);
}

void CpuEntry::runOp(size_t index, ThreadPool &pool, const Scratch &scratch) const {
  DefaultFloatMode mode;
  runStep(steps[index], pool, scratch);
}

void CpuEntry::runAll(ThreadPool &pool, const Scratch &scratch) const {
  DefaultFloatMode mode;
  for (const Step &step : steps)
    runStep(step, pool, scratch);
}

} // namespace vlp
