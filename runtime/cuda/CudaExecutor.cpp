// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The executor of GPUs. Three streams: one computes, one brings inputs, one takes outputs away. Events keep their
// order:
//
//   uploads    wait taken, host -> staged, record uploaded
//   compute    wait uploaded, staged -> inputs, record taken, ops ... record made[i] ... ops, wait downloaded
//   downloads  wait made[i], outputs -> host, record downloaded
//
// The first run of an entry waits for each launch, so that an error names the kernel that made it; the second captures
// the ops and downloads as a graph; from then on the graph is replayed.
#include "runtime/cuda/CudaExecutor.h"

#include "runtime/cpu/Memory.h"
#include "runtime/cuda/CudaEntry.h"
#include "runtime/cuda/Nvtx.h"
#include "runtime/cuda/StateMirror.h"

#include <algorithm>

namespace vlp::cuda {

namespace {

class CudaExecutor final : public Executor {
public:
  CudaExecutor(const LoadedProgram &loaded, const DeviceCode &code, const DeviceName &name)
      : loaded(loaded), code(code), device(*code.device()), driver(device.driver()), name(name) {}
  ~CudaExecutor() override;

  Status allocate(const DeviceOptions &options);

  Expected<std::span<std::byte>> inputs(size_t entry) override;
  std::span<const std::byte> outputs(size_t entry) const override;
  Expected<std::span<std::byte>> state(size_t tensor, bool write) override;
  Expected<std::span<const std::byte>> view(size_t entry, const format::Slot &slot) override;
  Status fill(size_t entry, std::byte byte) override;

  Status stage(size_t entry) override;
  Status start(size_t entry) override;
  Status wait() override;
  Status runTimed(size_t entry, std::vector<OpTiming> &timings) override;

  Status beginOps(size_t entry) override;
  Status runOp(size_t entry, size_t op) override;
  Status endOps(size_t entry) override;

private:
  uint64_t arenaSize() const;
  Status checkDeviceMemory(bool ownArena) const;
  Status takeArena(const DeviceOptions &options);
  Status makeStreams(const DeviceOptions &options);

  /// Ok, or the failure of the GPU, which later calls then repeat. `step` is what failed if that is known.
  Status check(Result result, const CudaEntry &entry, const Step *step = nullptr);
  Status upload(CudaEntry &entry);
  /// State and inputs to where the ops read them.
  Status bringOperands(CudaEntry &entry);
  Status enqueueDownloads(const CudaEntry &entry, size_t op, size_t &next);
  Status enqueueAll(const CudaEntry &entry);
  Status runStep(const CudaEntry &entry, const Step &step);
  Status runStepByStep(CudaEntry &entry);
  Status capture(CudaEntry &entry);
  Status download(const CudaEntry &entry);

  LoadedProgram loaded;
  const DeviceCode &code;
  const Device &device;
  const DriverApi &driver;
  const DeviceName &name;
  Stream ownCompute, uploads, downloads;
  StreamHandle compute = nullptr;
  DeviceMemory ownArena;
  DevicePointer arena = 0;
  StateMirror mirror;
  std::vector<std::unique_ptr<CudaEntry>> entries;
  /// The host's copy of the arena, for view().
  Memory arenaView;
  /// What runs, until wait().
  const CudaEntry *running = nullptr;
  Status failure;
};

uint64_t CudaExecutor::arenaSize() const {
  uint64_t size = 0;
  for (const format::Entry &entry : loaded.program.entries())
    size = std::max(size, entry.arena_size());
  return size;
}

Status CudaExecutor::checkDeviceMemory(bool ownArena) const {
  MemoryNeed need;
  need.state = loaded.manifest.state_bytes();
  need.arena = ownArena ? arenaSize() : 0;
  for (const format::Entry &entry : loaded.program.entries())
    need.inputsAndOutputs += 2 * entry.input_size() + entry.output_size();
  return checkMemory(loaded.path, need, device.freeMemory(), " on " + device.name());
}

Status CudaExecutor::takeArena(const DeviceOptions &options) {
  if (options.arena) {
    VLP_RETURN_IF_ERROR(checkCallersArena(loaded.path, options.arena, options.arenaSize, arenaSize()));
    arena = reinterpret_cast<DevicePointer>(options.arena);
    return Status::ok();
  }
  auto memory = device.allocate(arenaSize(), "the intermediate values of " + loaded.path);
  if (!memory)
    return memory.status();
  ownArena = std::move(*memory);
  arena = ownArena.get();
  return Status::ok();
}

Status CudaExecutor::makeStreams(const DeviceOptions &options) {
  for (Stream *stream : {&ownCompute, &uploads, &downloads}) {
    if (stream == &ownCompute && options.stream)
      continue;
    auto made = device.makeStream();
    if (!made)
      return made.status();
    *stream = std::move(*made);
  }
  compute = options.stream ? static_cast<StreamHandle>(options.stream) : ownCompute.get();
  return Status::ok();
}

Status CudaExecutor::allocate(const DeviceOptions &options) {
  ContextScope scope(device);
  VLP_RETURN_IF_ERROR(checkDeviceMemory(options.arena == nullptr));
  VLP_RETURN_IF_ERROR(makeStreams(options));
  VLP_RETURN_IF_ERROR(takeArena(options));
  VLP_RETURN_IF_ERROR(mirror.allocate(device, loaded.manifest, loaded.path));
  RegionAddresses shared{};
  shared[format::ARENA] = arena;
  shared[format::STATE] = mirror.onDevice();
  shared[format::CONSTANTS] = code.constants();
  for (const format::Entry &entry : loaded.program.entries()) {
    auto bound = CudaEntry::bind(device, entry, loaded.manifest, code.functions(), shared);
    if (!bound)
      return bound.status();
    entries.push_back(std::move(*bound));
  }
  return Status::ok();
}

CudaExecutor::~CudaExecutor() {
  ContextScope scope(device);
  for (StreamHandle stream : {compute, uploads.get(), downloads.get()})
    if (stream)
      (void)driver.cuStreamSynchronize(stream);
  entries.clear();
  mirror = {};
  ownArena = {};
  ownCompute = {};
  uploads = {};
  downloads = {};
}

/// What to add to an error that does not say which launch made it.
static std::string advice(const DeviceName &name, const CudaEntry &entry) {
  std::string device =
      name.kind == DeviceName::Kind::Cuda ? "cuda:" + std::to_string(name.ordinal) + ",sync" : "sim:sync";
  return " in one of its " + std::to_string(entry.steps().size()) + " ops; run with --device=" + device +
         " to learn which";
}

Status CudaExecutor::check(Result result, const CudaEntry &entry, const Step *step) {
  if (result == kSuccess)
    return Status::ok();
  std::string said;
  if (driver.simLastFailure) {
    const char *text = nullptr;
    void *const *parameters = nullptr;
    driver.simLastFailure(&text, &parameters);
    if (text)
      said = std::string(": ") + text;
    if (const Step *found = entry.find(parameters))
      step = found;
  }
  std::string where = step ? entry.describe(*step, loaded.program) : "entry '" + entry.entry().name() + "'";
  failure =
      Status(errorCode(result), where + ": " + errorName(driver, result) + said + (step ? "" : advice(name, entry)));
  return failure;
}

Expected<std::span<std::byte>> CudaExecutor::inputs(size_t index) {
  CudaEntry &entry = *entries[index];
  if (entry.isStaged) {
    VLP_RETURN_IF_ERROR(failure);
    ContextScope scope(device);
    VLP_RETURN_IF_ERROR(check(driver.cuEventSynchronize(entry.uploaded.get()), entry));
    entry.isStaged = false;
  }
  return std::span(static_cast<std::byte *>(entry.hostInputs.get()), entry.entry().input_size());
}

std::span<const std::byte> CudaExecutor::outputs(size_t index) const {
  const CudaEntry &entry = *entries[index];
  return {static_cast<const std::byte *>(entry.hostOutputs.get()), entry.entry().output_size()};
}

Expected<std::span<std::byte>> CudaExecutor::state(size_t tensor, bool write) {
  VLP_RETURN_IF_ERROR(wait());
  ContextScope scope(device);
  return mirror.access(tensor, write, compute);
}

Expected<std::span<const std::byte>> CudaExecutor::view(size_t index, const format::Slot &slot) {
  const CudaEntry &entry = *entries[index];
  auto *host = static_cast<std::byte *>(entry.hostInputs.get());
  if (slot.region() == format::INPUT)
    return std::span<const std::byte>(host + slot.offset(), slot.size());
  if (slot.region() == format::CONSTANTS)
    return loaded.constants.subspan(slot.offset(), slot.size());
  VLP_RETURN_IF_ERROR(wait());
  ContextScope scope(device);
  if (slot.region() == format::STATE)
    return mirror.view(slot, compute);
  DevicePointer from = slot.region() == format::ARENA ? arena : entry.outputs.get();
  host = static_cast<std::byte *>(entry.hostOutputs.get());
  if (slot.region() == format::ARENA) {
    if (!arenaView.data()) {
      auto memory = Memory::allocate(arenaSize(), "a copy of the intermediate values of " + loaded.path);
      if (!memory)
        return memory.status();
      arenaView = std::move(*memory);
    }
    host = arenaView.data();
  }
  if (slot.size()) {
    Result result = driver.cuMemcpyDtoHAsync(host + slot.offset(), from + slot.offset(), slot.size(), compute);
    VLP_RETURN_IF_ERROR(check(result, entry));
    VLP_RETURN_IF_ERROR(check(driver.cuStreamSynchronize(compute), entry));
  }
  return std::span<const std::byte>(host + slot.offset(), slot.size());
}

Status CudaExecutor::fill(size_t index, std::byte byte) {
  VLP_RETURN_IF_ERROR(wait());
  ContextScope scope(device);
  const CudaEntry &entry = *entries[index];
  bool garbage = byte == std::byte(0xff) && driver.simDiscard;
  for (auto [memory, size] : {std::pair(arena, arenaSize()), {entry.outputs.get(), entry.entry().output_size()}}) {
    if (size == 0)
      continue;
    Result result = garbage ? driver.simDiscard(memory, size, compute)
                            : driver.cuMemsetD8Async(memory, static_cast<unsigned char>(byte), size, compute);
    VLP_RETURN_IF_ERROR(check(result, entry));
  }
  return Status::ok();
}

Status CudaExecutor::upload(CudaEntry &entry) {
  if (entry.isStaged)
    return Status::ok();
  if (uint64_t size = entry.entry().input_size()) {
    VLP_RETURN_IF_ERROR(check(driver.cuStreamWaitEvent(uploads.get(), entry.taken.get(), 0), entry));
    Result result = driver.cuMemcpyHtoDAsync(entry.staged.get(), entry.hostInputs.get(), size, uploads.get());
    VLP_RETURN_IF_ERROR(check(result, entry));
    VLP_RETURN_IF_ERROR(check(driver.cuEventRecord(entry.uploaded.get(), uploads.get()), entry));
  }
  entry.isStaged = true;
  return Status::ok();
}

Status CudaExecutor::stage(size_t index) {
  VLP_RETURN_IF_ERROR(failure);
  ContextScope scope(device);
  return upload(*entries[index]);
}

Status CudaExecutor::bringOperands(CudaEntry &entry) {
  VLP_RETURN_IF_ERROR(mirror.push(compute));
  VLP_RETURN_IF_ERROR(upload(entry));
  entry.isStaged = false;
  uint64_t size = entry.entry().input_size();
  if (!size)
    return Status::ok();
  VLP_RETURN_IF_ERROR(check(driver.cuStreamWaitEvent(compute, entry.uploaded.get(), 0), entry));
  VLP_RETURN_IF_ERROR(check(driver.cuMemcpyDtoDAsync(entry.inputs.get(), entry.staged.get(), size, compute), entry));
  return check(driver.cuEventRecord(entry.taken.get(), compute), entry);
}

/// Gives the downloads that op `op` makes possible to their stream; `next` is the first that was not yet.
Status CudaExecutor::enqueueDownloads(const CudaEntry &entry, size_t op, size_t &next) {
  auto *host = static_cast<std::byte *>(entry.hostOutputs.get());
  for (bool first = true; next < entry.downloads().size() && entry.downloads()[next].lastOp == op;
       ++next, first = false) {
    const Download &copy = entry.downloads()[next];
    if (first) {
      VLP_RETURN_IF_ERROR(check(driver.cuEventRecord(entry.made[next].get(), compute), entry));
      VLP_RETURN_IF_ERROR(check(driver.cuStreamWaitEvent(downloads.get(), entry.made[next].get(), 0), entry));
    }
    Result result =
        driver.cuMemcpyDtoHAsync(host + copy.offset, entry.outputs.get() + copy.offset, copy.size, downloads.get());
    VLP_RETURN_IF_ERROR(check(result, entry));
  }
  if (next < entry.downloads().size() || next == 0 || op + 1 < entry.steps().size())
    return Status::ok();
  VLP_RETURN_IF_ERROR(check(driver.cuEventRecord(entry.downloaded.get(), downloads.get()), entry));
  return check(driver.cuStreamWaitEvent(compute, entry.downloaded.get(), 0), entry);
}

static const std::string &layerOf(const Step &step) {
  return step.function ? step.op->launch().layer() : step.op->copy().layer();
}

Status CudaExecutor::enqueueAll(const CudaEntry &entry) {
  size_t next = 0;
  std::optional<NvtxRange> range;
  for (size_t i = 0; i < entry.steps().size(); ++i) {
    const Step &step = entry.steps()[i];
    if (range)
      range->rename(layerOf(step));
    else
      range.emplace(layerOf(step));
    VLP_RETURN_IF_ERROR(check(entry.enqueue(step, compute), entry, &step));
    VLP_RETURN_IF_ERROR(enqueueDownloads(entry, i, next));
  }
  return Status::ok();
}

Status CudaExecutor::runStep(const CudaEntry &entry, const Step &step) {
  NvtxRange range(layerOf(step));
  VLP_RETURN_IF_ERROR(check(entry.enqueue(step, compute), entry, &step));
  return check(driver.cuStreamSynchronize(compute), entry, &step);
}

Status CudaExecutor::runStepByStep(CudaEntry &entry) {
  // What came before is not the first op's fault.
  VLP_RETURN_IF_ERROR(check(driver.cuStreamSynchronize(compute), entry));
  for (const Step &step : entry.steps())
    VLP_RETURN_IF_ERROR(runStep(entry, step));
  entry.isWarm = true;
  return download(entry);
}

Status CudaExecutor::capture(CudaEntry &entry) {
  VLP_RETURN_IF_ERROR(check(driver.cuStreamBeginCapture(compute, kCaptureThreadLocal), entry));
  Status captured = enqueueAll(entry);
  GraphHandle handle = nullptr;
  Result result = driver.cuStreamEndCapture(compute, &handle);
  Graph graph;
  if (result == kSuccess)
    graph = Graph(driver, handle);
  VLP_RETURN_IF_ERROR(captured);
  VLP_RETURN_IF_ERROR(check(result, entry));
  GraphExecHandle exec = nullptr;
  VLP_RETURN_IF_ERROR(check(driver.cuGraphInstantiate(&exec, graph.get(), 0), entry));
  entry.graph = GraphExec(driver, exec);
  return Status::ok();
}

Status CudaExecutor::download(const CudaEntry &entry) {
  auto *host = static_cast<std::byte *>(entry.hostOutputs.get());
  for (const Download &copy : entry.downloads())
    VLP_RETURN_IF_ERROR(check(
        driver.cuMemcpyDtoHAsync(host + copy.offset, entry.outputs.get() + copy.offset, copy.size, compute), entry));
  return Status::ok();
}

Status CudaExecutor::start(size_t index) {
  VLP_RETURN_IF_ERROR(wait());
  ContextScope scope(device);
  CudaEntry &entry = *entries[index];
  NvtxRange range(entry.entry().name());
  VLP_RETURN_IF_ERROR(bringOperands(entry));
  running = &entry;
  mirror.changedOnDevice(entry.writtenState());
  if (!entry.isWarm || name.sync) {
    VLP_RETURN_IF_ERROR(runStepByStep(entry));
  } else if (!name.graph) {
    VLP_RETURN_IF_ERROR(enqueueAll(entry));
  } else {
    if (!entry.graph)
      VLP_RETURN_IF_ERROR(capture(entry));
    VLP_RETURN_IF_ERROR(check(driver.cuGraphLaunch(entry.graph.get(), compute), entry));
  }
  return entry.entry().input_size() ? check(driver.cuEventSynchronize(entry.uploaded.get()), entry) : Status::ok();
}

Status CudaExecutor::wait() {
  VLP_RETURN_IF_ERROR(failure);
  if (!running)
    return Status::ok();
  ContextScope scope(device);
  const CudaEntry &entry = *running;
  running = nullptr;
  return check(driver.cuStreamSynchronize(compute), entry);
}

Status CudaExecutor::runTimed(size_t index, std::vector<OpTiming> &timings) {
  VLP_RETURN_IF_ERROR(wait());
  ContextScope scope(device);
  CudaEntry &entry = *entries[index];
  while (entry.marks.size() <= entry.steps().size()) {
    auto event = device.makeEvent(kEventDefault);
    if (!event)
      return event.status();
    entry.marks.push_back(std::move(*event));
  }
  VLP_RETURN_IF_ERROR(bringOperands(entry));
  mirror.changedOnDevice(entry.writtenState());
  // So that the first op does not count as waiting for its inputs.
  VLP_RETURN_IF_ERROR(check(driver.cuStreamSynchronize(compute), entry));
  VLP_RETURN_IF_ERROR(check(driver.cuEventRecord(entry.marks[0].get(), compute), entry));
  for (size_t i = 0; i < entry.steps().size(); ++i) {
    const Step &step = entry.steps()[i];
    VLP_RETURN_IF_ERROR(check(entry.enqueue(step, compute), entry, &step));
    VLP_RETURN_IF_ERROR(check(driver.cuEventRecord(entry.marks[i + 1].get(), compute), entry));
  }
  VLP_RETURN_IF_ERROR(download(entry));
  VLP_RETURN_IF_ERROR(check(driver.cuStreamSynchronize(compute), entry));
  timings.resize(entry.steps().size());
  double end = 0;
  for (size_t i = 0; i < timings.size(); ++i) {
    float milliseconds = 0;
    Result result = driver.cuEventElapsedTime(&milliseconds, entry.marks[i].get(), entry.marks[i + 1].get());
    VLP_RETURN_IF_ERROR(check(result, entry, &entry.steps()[i]));
    timings[i] = {entry.steps()[i].op, end, end + 1e-3 * double(milliseconds)};
    end = timings[i].end;
  }
  return Status::ok();
}

Status CudaExecutor::beginOps(size_t index) {
  VLP_RETURN_IF_ERROR(wait());
  ContextScope scope(device);
  CudaEntry &entry = *entries[index];
  VLP_RETURN_IF_ERROR(bringOperands(entry));
  mirror.changedOnDevice(entry.writtenState());
  return check(driver.cuStreamSynchronize(compute), entry);
}

Status CudaExecutor::runOp(size_t index, size_t op) {
  VLP_RETURN_IF_ERROR(failure);
  ContextScope scope(device);
  const CudaEntry &entry = *entries[index];
  return runStep(entry, entry.steps()[op]);
}

Status CudaExecutor::endOps(size_t index) {
  VLP_RETURN_IF_ERROR(failure);
  ContextScope scope(device);
  const CudaEntry &entry = *entries[index];
  VLP_RETURN_IF_ERROR(download(entry));
  return check(driver.cuStreamSynchronize(compute), entry);
}

} // namespace

Expected<std::unique_ptr<Executor>> makeCudaExecutor(const LoadedProgram &loaded, const DeviceCode &code,
                                                     const DeviceName &name, const DeviceOptions &options) {
  auto executor = std::make_unique<CudaExecutor>(loaded, code, name);
  VLP_RETURN_IF_ERROR(executor->allocate(options));
  return std::unique_ptr<Executor>(std::move(executor));
}

} // namespace vlp::cuda
