// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The executor of the processor: device memory is host memory, and a run has ended when start() returns.
#include "runtime/cpu/CpuExecutor.h"

#include "runtime/cpu/Memory.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace vlp {

namespace {

class CpuExecutor final : public Executor {
public:
  CpuExecutor(const LoadedProgram &loaded, ThreadPool &pool) : loaded(loaded), pool(pool) {}

  Status allocate(std::span<const vlp_cpu_kernel> kernels, const DeviceOptions &options);

  Expected<std::span<std::byte>> inputs(size_t entry) override { return bytesOf(entries[entry].inputs); }
  std::span<const std::byte> outputs(size_t entry) const override { return bytesOf(entries[entry].outputs); }
  Expected<std::span<std::byte>> state(size_t tensor, bool) override {
    const format::Slot &slot = loaded.manifest.state(int(tensor)).tensor().slot();
    return std::span(stateMemory.data() + slot.offset(), slot.size());
  }
  Expected<std::span<const std::byte>> view(size_t entry, const format::Slot &slot) override {
    return std::span<const std::byte>(entries[entry].bases[size_t(slot.region())] + slot.offset(), slot.size());
  }
  Status fill(size_t entry, std::byte byte) override;

  Status stage(size_t) override { return Status::ok(); }
  Status start(size_t entry) override {
    entries[entry].code->runAll(pool, scratch);
    return Status::ok();
  }
  Status wait() override { return Status::ok(); }
  Status runTimed(size_t entry, std::vector<OpTiming> &timings) override;

  Status beginOps(size_t) override { return Status::ok(); }
  Status runOp(size_t entry, size_t op) override {
    entries[entry].code->runOp(op, pool, scratch);
    return Status::ok();
  }
  Status endOps(size_t) override { return Status::ok(); }

private:
  /// An entry with memory for its inputs and outputs.
  struct Bound {
    Memory inputs, outputs;
    RegionBases bases{};
    std::optional<CpuEntry> code;
  };
  static std::span<std::byte> bytesOf(const Memory &memory) { return {memory.data(), memory.size()}; }
  uint64_t arenaSize() const;
  Status takeArena(const DeviceOptions &options);
  Status bind(const format::Entry &entry, std::span<const vlp_cpu_kernel> kernels);

  LoadedProgram loaded;
  ThreadPool &pool;
  Memory stateMemory, arena, scratchMemory;
  Scratch scratch;
  std::vector<Bound> entries;
};

/// The scratch that the greediest launch of the file needs for one worker, in whole pages.
uint64_t scratchStride(const format::Program &program) {
  uint64_t largest = 64;
  for (const format::Entry &entry : program.entries())
    for (const format::Op &op : entry.ops())
      largest = std::max(largest, op.launch().scratch());
  return (largest + 4095) / 4096 * 4096;
}

uint64_t CpuExecutor::arenaSize() const {
  uint64_t size = 0;
  for (const format::Entry &entry : loaded.program.entries())
    size = std::max(size, entry.arena_size());
  return size;
}

Status CpuExecutor::takeArena(const DeviceOptions &options) {
  if (options.arena) {
    VLP_RETURN_IF_ERROR(checkCallersArena(loaded.path, options.arena, options.arenaSize, arenaSize()));
    arena = Memory::borrow(options.arena, arenaSize());
    return Status::ok();
  }
  auto memory = Memory::allocate(arenaSize(), "the intermediate values of " + loaded.path);
  if (memory)
    arena = std::move(*memory);
  return memory.status();
}

Status CpuExecutor::bind(const format::Entry &entry, std::span<const vlp_cpu_kernel> kernels) {
  Bound &bound = entries.emplace_back();
  auto inputMemory = Memory::allocate(entry.input_size(), "the inputs of entry '" + entry.name() + "'");
  auto outputMemory = Memory::allocate(entry.output_size(), "the outputs of entry '" + entry.name() + "'");
  if (!inputMemory || !outputMemory)
    return inputMemory ? outputMemory.status() : inputMemory.status();
  bound.inputs = std::move(*inputMemory);
  bound.outputs = std::move(*outputMemory);
  bound.bases[format::ARENA] = arena.data();
  bound.bases[format::STATE] = stateMemory.data();
  bound.bases[format::INPUT] = bound.inputs.data();
  bound.bases[format::OUTPUT] = bound.outputs.data();
  // Validation has made sure that no op writes there.
  bound.bases[format::CONSTANTS] = const_cast<std::byte *>(loaded.constants.data());
  bound.code.emplace(entry, kernels, bound.bases);
  return Status::ok();
}

Status CpuExecutor::allocate(std::span<const vlp_cpu_kernel> kernels, const DeviceOptions &options) {
  scratch.stride = scratchStride(loaded.program);
  MemoryNeed need;
  if (__builtin_mul_overflow(scratch.stride, uint64_t(pool.size()), &need.scratch))
    need.scratch = UINT64_MAX / 2;
  need.state = loaded.manifest.state_bytes();
  need.arena = options.arena ? 0 : arenaSize();
  for (const format::Entry &entry : loaded.program.entries())
    need.inputsAndOutputs += entry.input_size() + entry.output_size();
  VLP_RETURN_IF_ERROR(checkMemory(loaded.path, need, availableMemory(), ""));
  VLP_RETURN_IF_ERROR(takeArena(options));
  auto newState = Memory::allocate(need.state, "the state of " + loaded.path);
  auto newScratch = Memory::allocate(need.scratch, "the workers' scratch of " + loaded.path);
  if (!newState || !newScratch)
    return newState ? newScratch.status() : newState.status();
  stateMemory = std::move(*newState);
  scratchMemory = std::move(*newScratch);
  scratch.base = scratchMemory.data();
  entries.reserve(size_t(loaded.program.entries_size()));
  for (const format::Entry &entry : loaded.program.entries())
    VLP_RETURN_IF_ERROR(bind(entry, kernels));
  return Status::ok();
}

Status CpuExecutor::fill(size_t entry, std::byte byte) {
  for (const Memory *memory : {&arena, &entries[entry].outputs, &scratchMemory})
    std::memset(memory->data(), int(byte), memory->size());
  return Status::ok();
}

Status CpuExecutor::runTimed(size_t entry, std::vector<OpTiming> &timings) {
  const CpuEntry &code = *entries[entry].code;
  timings.resize(code.size());
  auto begin = std::chrono::steady_clock::now();
  auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  for (size_t i = 0; i < code.size(); ++i) {
    timings[i].op = &code.op(i);
    timings[i].begin = seconds();
    code.runOp(i, pool, scratch);
    timings[i].end = seconds();
  }
  return Status::ok();
}

} // namespace

Expected<std::unique_ptr<Executor>> makeCpuExecutor(const LoadedProgram &loaded,
                                                    std::span<const vlp_cpu_kernel> kernels, ThreadPool &pool,
                                                    const DeviceOptions &options) {
  auto executor = std::make_unique<CpuExecutor>(loaded, pool);
  VLP_RETURN_IF_ERROR(executor->allocate(kernels, options));
  return std::unique_ptr<Executor>(std::move(executor));
}

} // namespace vlp
