// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of the CUDA driver API that the runtime uses, as a table: filled from NVIDIA's libcuda at run time, or
// by the simulator. Declared here, so that no toolkit is needed to build.
#pragma once

#include "runtime/core/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace vlp::cuda {

using Result = int;
using DeviceNumber = int;
using DevicePointer = unsigned long long;
struct ContextTag;
struct ModuleTag;
struct FunctionTag;
struct StreamTag;
struct EventTag;
struct GraphTag;
struct GraphExecTag;
using ContextHandle = ContextTag *;
using ModuleHandle = ModuleTag *;
using FunctionHandle = FunctionTag *;
using StreamHandle = StreamTag *;
using EventHandle = EventTag *;
using GraphHandle = GraphTag *;
using GraphExecHandle = GraphExecTag *;

/// Values of CUresult, CUdevice_attribute and flags, as cuda.h numbers them.
enum : Result {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kStubLibrary = 34,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kUnsupportedPtxVersion = 222,
  kInvalidHandle = 400,
  kIllegalState = 401,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kLaunchOutOfResources = 701,
  kLaunchTimeout = 702,
  kIllegalInstruction = 715,
  kMisalignedAddress = 716,
  kInvalidPc = 718,
  kLaunchFailed = 719,
  kStreamCaptureUnsupported = 900,
  kStreamCaptureInvalidated = 901,
  kStreamCaptureMerge = 902,
  kStreamCaptureUnmatched = 903,
  kStreamCaptureUnjoined = 904,
  kStreamCaptureIsolation = 905,
  kCapturedEvent = 907,
};
enum : int {
  kAttributeMaxThreadsPerBlock = 1,
  kAttributeMaxSharedPerBlock = 8,
  kAttributeMaxRegistersPerBlock = 12,
  kAttributeMajor = 75,
  kAttributeMinor = 76,
  kAttributeMaxSharedPerBlockOptin = 97,
  kFunctionMaxDynamicShared = 8,
};
enum : unsigned {
  kStreamNonBlocking = 1,
  kEventDefault = 0,
  kEventDisableTiming = 2,
  kCaptureThreadLocal = 1,
  kJitErrorLog = 5,
  kJitErrorLogSize = 6,
};
/// Shared memory that a block gets without asking for more (CUDA C++ Programming Guide, table of technical
/// specifications).
inline constexpr uint32_t kUsualShared = 48 << 10;

/// X(name, symbol of the library, parameters). The oldest driver that has all of them is that of CUDA 11.4.
#define VLP_CUDA_FUNCTIONS(X)                                                                                          \
  X(cuInit, "cuInit", (unsigned flags))                                                                                \
  X(cuDriverGetVersion, "cuDriverGetVersion", (int *version))                                                          \
  X(cuGetErrorName, "cuGetErrorName", (Result error, const char **text))                                               \
  X(cuGetErrorString, "cuGetErrorString", (Result error, const char **text))                                           \
  X(cuDeviceGetCount, "cuDeviceGetCount", (int *count))                                                                \
  X(cuDeviceGet, "cuDeviceGet", (DeviceNumber * device, int ordinal))                                                  \
  X(cuDeviceGetName, "cuDeviceGetName", (char *name, int size, DeviceNumber device))                                   \
  X(cuDeviceGetAttribute, "cuDeviceGetAttribute", (int *value, int attribute, DeviceNumber device))                    \
  X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (ContextHandle * context, DeviceNumber device))              \
  X(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (DeviceNumber device))                                  \
  X(cuCtxPushCurrent, "cuCtxPushCurrent_v2", (ContextHandle context))                                                  \
  X(cuCtxPopCurrent, "cuCtxPopCurrent_v2", (ContextHandle * context))                                                  \
  X(cuMemGetInfo, "cuMemGetInfo_v2", (size_t * free, size_t * total))                                                  \
  X(cuMemAlloc, "cuMemAlloc_v2", (DevicePointer * pointer, size_t size))                                               \
  X(cuMemFree, "cuMemFree_v2", (DevicePointer pointer))                                                                \
  X(cuMemHostAlloc, "cuMemHostAlloc", (void **pointer, size_t size, unsigned flags))                                   \
  X(cuMemFreeHost, "cuMemFreeHost", (void *pointer))                                                                   \
  X(cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2", (DevicePointer to, const void *from, size_t size, StreamHandle stream)) \
  X(cuMemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2", (void *to, DevicePointer from, size_t size, StreamHandle stream))       \
  X(cuMemcpyDtoDAsync, "cuMemcpyDtoDAsync_v2",                                                                         \
    (DevicePointer to, DevicePointer from, size_t size, StreamHandle stream))                                          \
  X(cuMemsetD8Async, "cuMemsetD8Async", (DevicePointer to, unsigned char value, size_t size, StreamHandle stream))     \
  X(cuModuleLoadDataEx, "cuModuleLoadDataEx",                                                                          \
    (ModuleHandle * module, const void *image, unsigned count, unsigned *options, void **values))                      \
  X(cuModuleUnload, "cuModuleUnload", (ModuleHandle module))                                                           \
  X(cuModuleGetFunction, "cuModuleGetFunction", (FunctionHandle * function, ModuleHandle module, const char *name))    \
  X(cuFuncSetAttribute, "cuFuncSetAttribute", (FunctionHandle function, int attribute, int value))                     \
  X(cuLaunchKernel, "cuLaunchKernel",                                                                                  \
    (FunctionHandle function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,        \
     unsigned blockZ, unsigned shared, StreamHandle stream, void **parameters, void **extra))                          \
  X(cuStreamCreate, "cuStreamCreate", (StreamHandle * stream, unsigned flags))                                         \
  X(cuStreamDestroy, "cuStreamDestroy_v2", (StreamHandle stream))                                                      \
  X(cuStreamSynchronize, "cuStreamSynchronize", (StreamHandle stream))                                                 \
  X(cuStreamWaitEvent, "cuStreamWaitEvent", (StreamHandle stream, EventHandle event, unsigned flags))                  \
  X(cuEventCreate, "cuEventCreate", (EventHandle * event, unsigned flags))                                             \
  X(cuEventDestroy, "cuEventDestroy_v2", (EventHandle event))                                                          \
  X(cuEventRecord, "cuEventRecord", (EventHandle event, StreamHandle stream))                                          \
  X(cuEventSynchronize, "cuEventSynchronize", (EventHandle event))                                                     \
  X(cuEventElapsedTime, "cuEventElapsedTime", (float *milliseconds, EventHandle begin, EventHandle end))               \
  X(cuStreamBeginCapture, "cuStreamBeginCapture_v2", (StreamHandle stream, unsigned mode))                             \
  X(cuStreamEndCapture, "cuStreamEndCapture", (StreamHandle stream, GraphHandle * graph))                              \
  X(cuGraphInstantiate, "cuGraphInstantiateWithFlags",                                                                 \
    (GraphExecHandle * exec, GraphHandle graph, unsigned long long flags))                                             \
  X(cuGraphLaunch, "cuGraphLaunch", (GraphExecHandle exec, StreamHandle stream))                                       \
  X(cuGraphExecDestroy, "cuGraphExecDestroy", (GraphExecHandle exec))                                                  \
  X(cuGraphDestroy, "cuGraphDestroy", (GraphHandle graph))

struct DriverApi {
#define VLP_CUDA_MEMBER(name, symbol, parameters) Result(*name) parameters = nullptr;
  VLP_CUDA_FUNCTIONS(VLP_CUDA_MEMBER)
#undef VLP_CUDA_MEMBER

  /// What the simulator knows of the last failure on the current context: a text, and the `parameters` of the launch at
  /// fault (null where it was none). No such function in NVIDIA's driver: null.
  void (*simLastFailure)(const char **text, void *const **parameters) = nullptr;
  /// Declares bytes to hold garbage from here on, in stream order, so that the simulator reports who reads them. Null
  /// in NVIDIA's driver.
  Result (*simDiscard)(DevicePointer pointer, size_t size, StreamHandle stream) = nullptr;
};

/// Loads NVIDIA's driver (libcuda.so.1, or what the environment variable VLP_CUDA_DRIVER names) and initialises it. The
/// error says in one line whether there is no driver, one that is too old, or no GPU.
Expected<std::shared_ptr<const DriverApi>> loadDriver();

/// "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)", as the driver itself calls it.
std::string errorName(const DriverApi &driver, Result result);

/// The code for a failed call: Internal where our own code must be at fault, Unavailable for what the machine lacks.
StatusCode errorCode(Result result);

/// Ok for kSuccess, else "`what`: NAME (text)".
Status checkResult(const DriverApi &driver, Result result, const std::string &what);

/// "12.4" for 12040.
std::string versionText(int version);

/// A handle that goes back to the driver when this goes. The context must be current then.
template <typename Handle, Result (*DriverApi::*destroy)(Handle)>
class Owned {
public:
  Owned() = default;
  Owned(const DriverApi &driver, Handle handle) : driver(&driver), handle(handle) {}
  Owned(Owned &&other) noexcept
      : driver(std::exchange(other.driver, nullptr)), handle(std::exchange(other.handle, Handle())) {}
  Owned &operator=(Owned &&other) noexcept {
    std::swap(driver, other.driver);
    std::swap(handle, other.handle);
    return *this;
  }
  ~Owned() {
    if (driver)
      (void)(driver->*destroy)(handle);
  }
  Handle get() const { return handle; }
  explicit operator bool() const { return driver != nullptr; }

private:
  const DriverApi *driver = nullptr;
  Handle handle = Handle();
};

using Stream = Owned<StreamHandle, &DriverApi::cuStreamDestroy>;
using Event = Owned<EventHandle, &DriverApi::cuEventDestroy>;
using Graph = Owned<GraphHandle, &DriverApi::cuGraphDestroy>;
using GraphExec = Owned<GraphExecHandle, &DriverApi::cuGraphExecDestroy>;
using LoadedModule = Owned<ModuleHandle, &DriverApi::cuModuleUnload>;
using DeviceMemory = Owned<DevicePointer, &DriverApi::cuMemFree>;
using PinnedMemory = Owned<void *, &DriverApi::cuMemFreeHost>;

} // namespace vlp::cuda
