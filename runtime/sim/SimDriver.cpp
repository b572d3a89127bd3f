// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of the driver API, one after the other as in the table; each finds its device and leaves the work to
// it.
#include "runtime/sim/SimDriver.h"

#include "runtime/sim/GlobalMemory.h"
#include "runtime/sim/SimDevice.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace vlp::sim {

using namespace vlp::cuda;

namespace {

/// What cuDriverGetVersion says; no simulated chip needs a newer one.
constexpr int kVersion = 13000;

/// All simulated devices of the process, by ordinal.
struct Registry {
  std::mutex mutex;
  std::map<int, std::shared_ptr<SimDevice>> devices;
};

Registry &registry() {
  static Registry all;
  return all;
}

std::shared_ptr<SimDevice> deviceAt(int ordinal) {
  std::lock_guard lock(registry().mutex);
  auto found = registry().devices.find(ordinal);
  return found == registry().devices.end() ? nullptr : found->second;
}

/// The contexts that the calling thread has pushed; a context is its device.
thread_local std::vector<std::weak_ptr<SimDevice>> contexts;

/// Calls `body` with the device of the current context, which it may use alone.
template <typename Body>
Result onDevice(Body body) {
  std::shared_ptr<SimDevice> device = contexts.empty() ? nullptr : contexts.back().lock();
  if (!device)
    return kInvalidContext;
  std::lock_guard lock(device->mutex);
  return body(*device);
}

/// The same for what a stream is given.
template <typename Body>
Result onStream(StreamHandle handle, Body body) {
  return onDevice([&](SimDevice &device) -> Result {
    auto *stream = reinterpret_cast<SimStream *>(handle);
    return device.scheduler.knows(stream) ? body(device, *stream) : Result(kInvalidHandle);
  });
}

std::shared_ptr<SimEvent> findEvent(const SimDevice &device, EventHandle handle) {
  auto found = std::find_if(device.events.begin(), device.events.end(),
                            [&](auto &event) { return event.get() == reinterpret_cast<SimEvent *>(handle); });
  return found == device.events.end() ? nullptr : *found;
}

Result init(unsigned) { return kSuccess; }

Result driverGetVersion(int *version) {
  *version = kVersion;
  return kSuccess;
}

/// A row for each error that this driver gives.
constexpr struct {
  Result error;
  const char *name, *text;
} errors[] = {
    {kSuccess, "CUDA_SUCCESS", "no error"},
    {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidImage, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {kIllegalState, "CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state"},
    {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {kLaunchOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {kLaunchTimeout, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {kMisalignedAddress, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {kStreamCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {kStreamCaptureInvalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {kStreamCaptureMerge, "CUDA_ERROR_STREAM_CAPTURE_MERGE",
     "operation would result in a merge of separate capture sequences"},
    {kStreamCaptureUnmatched, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "capture was not ended in the same stream as it began"},
    {kStreamCaptureUnjoined, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
    {kStreamCaptureIsolation, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
     "dependency created on uncaptured work in another stream"},
    {kCapturedEvent, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event last recorded in a capturing stream"},
};

Result getErrorName(Result error, const char **text) {
  for (const auto &row : errors)
    if (row.error == error) {
      *text = row.name;
      return kSuccess;
    }
  return kInvalidValue;
}

Result getErrorString(Result error, const char **text) {
  for (const auto &row : errors)
    if (row.error == error) {
      *text = row.text;
      return kSuccess;
    }
  return kInvalidValue;
}

Result deviceGetCount(int *count) {
  std::lock_guard lock(registry().mutex);
  *count = registry().devices.empty() ? 0 : registry().devices.rbegin()->first + 1;
  return kSuccess;
}

Result deviceGet(DeviceNumber *number, int ordinal) {
  *number = ordinal;
  return deviceAt(ordinal) ? kSuccess : kInvalidDevice;
}

Result deviceGetName(char *name, int size, DeviceNumber number) {
  std::strncpy(name, "simulated GPU", size_t(size));
  return deviceAt(number) ? kSuccess : kInvalidDevice;
}

Result deviceGetAttribute(int *value, int attribute, DeviceNumber number) {
  std::shared_ptr<SimDevice> device = deviceAt(number);
  if (!device)
    return kInvalidDevice;
  switch (attribute) {
  case kAttributeMajor: *value = device->chip.major; return kSuccess;
  case kAttributeMinor: *value = device->chip.minor; return kSuccess;
  case kAttributeMaxSharedPerBlock: *value = int(kUsualShared); return kSuccess;
  case kAttributeMaxSharedPerBlockOptin: *value = int(device->chip.largestShared); return kSuccess;
  case kAttributeMaxThreadsPerBlock: *value = int(ChipLimits::threads); return kSuccess;
  case kAttributeMaxRegistersPerBlock: *value = int(ChipLimits::registers); return kSuccess;
  default: return kInvalidValue;
  }
}

Result primaryCtxRetain(ContextHandle *context, DeviceNumber number) {
  std::shared_ptr<SimDevice> device = deviceAt(number);
  if (!device)
    return kInvalidDevice;
  std::lock_guard lock(device->mutex);
  ++device->retained;
  *context = reinterpret_cast<ContextHandle>(device.get());
  return kSuccess;
}

Result primaryCtxRelease(DeviceNumber number) {
  std::shared_ptr<SimDevice> device = deviceAt(number);
  if (!device)
    return kInvalidDevice;
  std::lock_guard lock(device->mutex);
  if (device->retained == 0)
    return kInvalidContext;
  if (--device->retained == 0) {
    std::lock_guard all(registry().mutex);
    registry().devices.erase(number);
  }
  return kSuccess;
}

Result ctxPushCurrent(ContextHandle context) {
  std::lock_guard lock(registry().mutex);
  for (auto &[ordinal, device] : registry().devices)
    if (reinterpret_cast<ContextHandle>(device.get()) == context) {
      contexts.push_back(device);
      return kSuccess;
    }
  return kInvalidContext;
}

Result ctxPopCurrent(ContextHandle *context) {
  if (contexts.empty())
    return kInvalidContext;
  *context = reinterpret_cast<ContextHandle>(contexts.back().lock().get());
  contexts.pop_back();
  return kSuccess;
}

Result memGetInfo(size_t *free, size_t *total) {
  return onDevice([&](SimDevice &device) {
    *free = device.freeMemory();
    *total = device.options.memory ? device.options.memory : *free + device.allocated;
    return device.scheduler.failure();
  });
}

Result memAlloc(DevicePointer *pointer, size_t size) {
  return onDevice([&](SimDevice &device) {
    Result refused = device.scheduler.refuseInCapture();
    return refused != kSuccess ? refused : device.allocate(pointer, size);
  });
}

Result memFree(DevicePointer pointer) {
  return onDevice([&](SimDevice &device) { return device.release(pointer); });
}

Result memHostAlloc(void **pointer, size_t size, unsigned) {
  return onDevice([&](SimDevice &device) -> Result {
    if (Result refused = device.scheduler.refuseInCapture(); refused != kSuccess)
      return refused;
    if (size == 0)
      return kInvalidValue;
    *pointer = std::aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    if (!*pointer)
      return kOutOfMemory;
    device.pinned[*pointer] = size;
    return kSuccess;
  });
}

Result memFreeHost(void *pointer) {
  return onDevice([&](SimDevice &device) -> Result {
    if (!device.pinned.erase(pointer))
      return kInvalidValue;
    Result result = device.scheduler.synchronizeAll();
    std::free(pointer);
    return result;
  });
}

// Copies read their source and write their destination when they run, be the host's memory page-locked or not: the API
// lets the driver read what is not earlier, but does not make it.

Result memcpyHtoDAsync(DevicePointer to, const void *from, size_t size, StreamHandle handle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) -> Result {
    if (!device.holds(to, size))
      return device.explain(kInvalidValue,
                            "a copy of " + std::to_string(size) + " bytes to memory that is not the device's");
    auto run = [&device, to, from, size]() -> Result {
      std::memcpy(reinterpret_cast<void *>(to), from, size);
      device.memory.markInitialised(reinterpret_cast<void *>(to), size);
      return kSuccess;
    };
    return device.scheduler.give(stream, {std::move(run), {}});
  });
}

Result memcpyDtoHAsync(void *to, DevicePointer from, size_t size, StreamHandle handle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) -> Result {
    if (!device.holds(from, size))
      return device.explain(kInvalidValue,
                            "a copy of " + std::to_string(size) + " bytes from memory that is not the device's");
    auto run = [to, from, size]() -> Result {
      std::memcpy(to, reinterpret_cast<const void *>(from), size);
      return kSuccess;
    };
    // Until then the host finds garbage there.
    auto given = [to, size] { std::memset(to, 0xff, size); };
    return device.scheduler.give(stream, {std::move(run), std::move(given)});
  });
}

Result memcpyDtoDAsync(DevicePointer to, DevicePointer from, size_t size, StreamHandle handle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) -> Result {
    if (!device.holds(to, size) || !device.holds(from, size))
      return device.explain(kInvalidValue,
                            "a copy of " + std::to_string(size) + " bytes in memory that is not the device's");
    auto run = [&device, to, from, size]() -> Result {
      std::memmove(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), size);
      device.memory.markInitialised(reinterpret_cast<void *>(to), size);
      return kSuccess;
    };
    return device.scheduler.give(stream, {std::move(run), {}});
  });
}

Result memsetD8Async(DevicePointer to, unsigned char value, size_t size, StreamHandle handle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) -> Result {
    if (!device.holds(to, size))
      return device.explain(kInvalidValue,
                            "setting " + std::to_string(size) + " bytes of memory that is not the device's");
    auto run = [&device, to, value, size]() -> Result {
      std::memset(reinterpret_cast<void *>(to), value, size);
      device.memory.markInitialised(reinterpret_cast<void *>(to), size);
      return kSuccess;
    };
    return device.scheduler.give(stream, {std::move(run), {}});
  });
}

Result discard(DevicePointer pointer, size_t size, StreamHandle handle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) -> Result {
    if (!device.holds(pointer, size))
      return kInvalidValue;
    auto run = [&device, pointer, size]() -> Result {
      device.discard(pointer, size);
      return kSuccess;
    };
    return device.scheduler.give(stream, {std::move(run), {}});
  });
}

Result moduleLoadDataEx(ModuleHandle *handle, const void *image, unsigned, unsigned *, void **) {
  return onDevice([&](SimDevice &device) {
    SimModule *module = nullptr;
    Result result = device.loadModule(*static_cast<const Image *>(image), &module);
    *handle = reinterpret_cast<ModuleHandle>(module);
    return result;
  });
}

SimModule *findModule(SimDevice &device, ModuleHandle handle) {
  auto *module = reinterpret_cast<SimModule *>(handle);
  bool known =
      std::any_of(device.modules.begin(), device.modules.end(), [&](auto &other) { return other.get() == module; });
  return known ? module : nullptr;
}

Result moduleUnload(ModuleHandle handle) {
  return onDevice([&](SimDevice &device) -> Result {
    SimModule *module = findModule(device, handle);
    if (!module)
      return kInvalidHandle;
    Result result = device.scheduler.synchronizeAll();
    std::erase_if(device.modules, [&](auto &other) { return other.get() == module; });
    return result;
  });
}

Result moduleGetFunction(FunctionHandle *handle, ModuleHandle moduleHandle, const char *name) {
  return onDevice([&](SimDevice &device) -> Result {
    SimModule *module = findModule(device, moduleHandle);
    if (!module)
      return kInvalidHandle;
    const vlp_sim_kernel *kernel = module->code->find(name);
    if (!kernel)
      return kNotFound;
    std::unique_ptr<SimFunction> &function = module->functions[name];
    if (!function) {
      auto known =
          std::find_if(module->facts.begin(), module->facts.end(), [&](auto &facts) { return facts.name == name; });
      KernelFacts facts = known == module->facts.end() ? KernelFacts() : *known;
      uint32_t usual = kUsualShared - std::min(kUsualShared, facts.staticShared);
      function = std::make_unique<SimFunction>(SimFunction{module->code.get(), kernel, std::move(facts), usual});
    }
    *handle = reinterpret_cast<FunctionHandle>(function.get());
    return kSuccess;
  });
}

SimFunction *findFunction(SimDevice &device, FunctionHandle handle) {
  for (auto &module : device.modules)
    for (auto &[name, function] : module->functions)
      if (function.get() == reinterpret_cast<SimFunction *>(handle))
        return function.get();
  return nullptr;
}

Result funcSetAttribute(FunctionHandle handle, int attribute, int value) {
  return onDevice([&](SimDevice &device) -> Result {
    SimFunction *function = findFunction(device, handle);
    if (!function)
      return kInvalidHandle;
    if (attribute != kFunctionMaxDynamicShared || value < 0 ||
        uint64_t(value) + function->facts.staticShared > device.chip.largestShared)
      return kInvalidValue;
    function->largestDynamic = uint32_t(value);
    return kSuccess;
  });
}

Result launchKernel(FunctionHandle handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                    unsigned blockY, unsigned blockZ, unsigned shared, StreamHandle streamHandle, void **parameters,
                    void **) {
  return onStream(streamHandle, [&](SimDevice &device, SimStream &stream) -> Result {
    SimFunction *function = findFunction(device, handle);
    if (!function)
      return kInvalidHandle;
    if (gridY != 1 || gridZ != 1 || blockY != 1 || blockZ != 1)
      return kInvalidValue;
    return device.launch(*function, {gridX, blockX, shared, parameters}, stream);
  });
}

Result streamCreate(StreamHandle *handle, unsigned flags) {
  return onDevice([&](SimDevice &device) -> Result {
    if (flags != kStreamNonBlocking) // the default stream, which others would wait for, is not simulated
      return kInvalidValue;
    *handle = reinterpret_cast<StreamHandle>(device.scheduler.addStream());
    return kSuccess;
  });
}

Result streamDestroy(StreamHandle handle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) { return device.scheduler.removeStream(&stream); });
}

Result streamSynchronize(StreamHandle handle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) { return device.scheduler.synchronize(stream); });
}

/// Calls `body` with the stream and the event.
template <typename Body>
Result onEvent(StreamHandle streamHandle, EventHandle eventHandle, Body body) {
  return onStream(streamHandle, [&](SimDevice &device, SimStream &stream) -> Result {
    std::shared_ptr<SimEvent> event = findEvent(device, eventHandle);
    return event ? body(device.scheduler, stream, event) : Result(kInvalidHandle);
  });
}

Result streamWaitEvent(StreamHandle streamHandle, EventHandle eventHandle, unsigned) {
  return onEvent(streamHandle, eventHandle,
                 [](Scheduler &scheduler, SimStream &stream, auto &event) { return scheduler.wait(stream, event); });
}

Result eventCreate(EventHandle *handle, unsigned flags) {
  return onDevice([&](SimDevice &device) -> Result {
    auto event = std::make_shared<SimEvent>();
    event->timed = !(flags & kEventDisableTiming);
    *handle = reinterpret_cast<EventHandle>(event.get());
    device.events.push_back(std::move(event));
    return kSuccess;
  });
}

Result eventDestroy(EventHandle handle) {
  return onDevice([&](SimDevice &device) -> Result {
    bool known =
        std::erase_if(device.events, [&](auto &event) { return event.get() == reinterpret_cast<SimEvent *>(handle); });
    return known ? kSuccess : kInvalidHandle;
  });
}

Result eventRecord(EventHandle eventHandle, StreamHandle streamHandle) {
  return onEvent(streamHandle, eventHandle,
                 [](Scheduler &scheduler, SimStream &stream, auto &event) { return scheduler.record(stream, event); });
}

Result eventSynchronize(EventHandle handle) {
  return onDevice([&](SimDevice &device) -> Result {
    std::shared_ptr<SimEvent> event = findEvent(device, handle);
    return event ? device.scheduler.synchronize(*event) : Result(kInvalidHandle);
  });
}

Result eventElapsedTime(float *milliseconds, EventHandle beginHandle, EventHandle endHandle) {
  return onDevice([&](SimDevice &device) -> Result {
    auto begin = findEvent(device, beginHandle), end = findEvent(device, endHandle);
    if (!begin || !end || !begin->timed || !end->timed || !begin->asked || !end->asked)
      return kInvalidHandle;
    if (begin->done < begin->asked || end->done < end->asked)
      return kNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(end->when - begin->when).count();
    return device.scheduler.failure();
  });
}

Result streamBeginCapture(StreamHandle handle, unsigned) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) { return device.scheduler.beginCapture(stream); });
}

Result streamEndCapture(StreamHandle handle, GraphHandle *graphHandle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) -> Result {
    auto work = std::make_shared<WorkGraph>();
    if (Result result = device.scheduler.endCapture(stream, *work); result != kSuccess)
      return result;
    auto graph = std::make_unique<SimGraph>(SimGraph{std::move(work)});
    *graphHandle = reinterpret_cast<GraphHandle>(graph.get());
    device.graphs.push_back(std::move(graph));
    return kSuccess;
  });
}

SimGraph *findGraph(SimDevice &device, const void *handle) {
  for (auto &graph : device.graphs)
    if (graph.get() == handle)
      return graph.get();
  return nullptr;
}

Result graphInstantiate(GraphExecHandle *exec, GraphHandle handle, unsigned long long) {
  return onDevice([&](SimDevice &device) -> Result {
    SimGraph *graph = findGraph(device, handle);
    if (!graph)
      return kInvalidHandle;
    device.graphs.push_back(std::make_unique<SimGraph>(*graph));
    *exec = reinterpret_cast<GraphExecHandle>(device.graphs.back().get());
    return kSuccess;
  });
}

Result graphLaunch(GraphExecHandle exec, StreamHandle handle) {
  return onStream(handle, [&](SimDevice &device, SimStream &stream) -> Result {
    SimGraph *graph = findGraph(device, exec);
    return graph ? device.scheduler.launch(stream, graph->work) : Result(kInvalidHandle);
  });
}

template <typename Handle>
Result graphDestroy(Handle handle) {
  return onDevice([&](SimDevice &device) -> Result {
    const void *wanted = handle;
    return std::erase_if(device.graphs, [&](auto &graph) { return graph.get() == wanted; }) ? kSuccess : kInvalidHandle;
  });
}

void lastFailure(const char **text, void *const **parameters) {
  *text = nullptr;
  *parameters = nullptr;
  (void)onDevice([&](SimDevice &device) {
    if (!device.failureText.empty())
      *text = device.failureText.c_str();
    *parameters = device.failedParameters;
    return Result(kSuccess);
  });
}

std::shared_ptr<const DriverApi> makeTable() {
  auto table = std::make_shared<DriverApi>();
  table->cuInit = init;
  table->cuDriverGetVersion = driverGetVersion;
  table->cuGetErrorName = getErrorName;
  table->cuGetErrorString = getErrorString;
  table->cuDeviceGetCount = deviceGetCount;
  table->cuDeviceGet = deviceGet;
  table->cuDeviceGetName = deviceGetName;
  table->cuDeviceGetAttribute = deviceGetAttribute;
  table->cuDevicePrimaryCtxRetain = primaryCtxRetain;
  table->cuDevicePrimaryCtxRelease = primaryCtxRelease;
  table->cuCtxPushCurrent = ctxPushCurrent;
  table->cuCtxPopCurrent = ctxPopCurrent;
  table->cuMemGetInfo = memGetInfo;
  table->cuMemAlloc = memAlloc;
  table->cuMemFree = memFree;
  table->cuMemHostAlloc = memHostAlloc;
  table->cuMemFreeHost = memFreeHost;
  table->cuMemcpyHtoDAsync = memcpyHtoDAsync;
  table->cuMemcpyDtoHAsync = memcpyDtoHAsync;
  table->cuMemcpyDtoDAsync = memcpyDtoDAsync;
  table->cuMemsetD8Async = memsetD8Async;
  table->cuModuleLoadDataEx = moduleLoadDataEx;
  table->cuModuleUnload = moduleUnload;
  table->cuModuleGetFunction = moduleGetFunction;
  table->cuFuncSetAttribute = funcSetAttribute;
  table->cuLaunchKernel = launchKernel;
  table->cuStreamCreate = streamCreate;
  table->cuStreamDestroy = streamDestroy;
  table->cuStreamSynchronize = streamSynchronize;
  table->cuStreamWaitEvent = streamWaitEvent;
  table->cuEventCreate = eventCreate;
  table->cuEventDestroy = eventDestroy;
  table->cuEventRecord = eventRecord;
  table->cuEventSynchronize = eventSynchronize;
  table->cuEventElapsedTime = eventElapsedTime;
  table->cuStreamBeginCapture = streamBeginCapture;
  table->cuStreamEndCapture = streamEndCapture;
  table->cuGraphInstantiate = graphInstantiate;
  table->cuGraphLaunch = graphLaunch;
  table->cuGraphExecDestroy = graphDestroy<GraphExecHandle>;
  table->cuGraphDestroy = graphDestroy<GraphHandle>;
  table->simLastFailure = lastFailure;
  table->simDiscard = discard;
  return table;
}

} // namespace

Expected<SimulatedDevice> addDevice(std::string_view chip, const DriverOptions &options) {
  ChipLimits limits;
  if (!findChip(chip, limits))
    return Status(StatusCode::Unavailable,
                  "device sim: cannot simulate '" + std::string(chip) +
                      "'; known are sm_80, sm_86, sm_87, sm_89, sm_90, sm_100, sm_103 and sm_120");
  static const std::shared_ptr<const DriverApi> table = makeTable();
  std::lock_guard lock(registry().mutex);
  int ordinal = 0;
  while (registry().devices.contains(ordinal))
    ++ordinal;
  registry().devices[ordinal] = std::make_shared<SimDevice>(limits, options);
  return SimulatedDevice{table, ordinal};
}

} // namespace vlp::sim
