// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the simulated driver itself: work is late, orders are the API's and no stricter, capture follows its rules,
// and handles and sizes are judged.
#include "runtime/sim/SimDriver.h"
#include "runtime/cuda/Device.h"
#include "test/runtime/cuda/GpuToy.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::cuda;

namespace {

/// A device with its context current, some memory and the toy's code.
class SimDriver : public testing::Test {
protected:
  void SetUp() override { open(0); }
  void TearDown() override { close(); }

  void close() {
    scope.reset();
    device.reset();
  }
  void open(uint64_t seed, uint64_t memory = 0) {
    if (device)
      close();
    sim::DriverOptions options;
    options.engine.seed = seed;
    options.engine.workers = 1;
    options.memory = memory;
    auto added = sim::addDevice("sm_80", options);
    ASSERT_TRUE(added) << added.status().message();
    auto opened = Device::open(added->driver, added->ordinal, "sim");
    ASSERT_TRUE(opened) << opened.status().message();
    device = *opened;
    driver = added->driver;
    scope.emplace(*device);
  }

  /// The kernel `name`, in a module that stays for the test.
  FunctionHandle kernel(const char *name) {
    code = test::readFile(VLP_TEST_SIM_KERNELS);
    sim::Image image{code, {}};
    ModuleHandle module = nullptr;
    EXPECT_EQ(driver->cuModuleLoadDataEx(&module, &image, 0, nullptr, nullptr), kSuccess);
    FunctionHandle function = nullptr;
    EXPECT_EQ(driver->cuModuleGetFunction(&function, module, name), kSuccess);
    return function;
  }
  DevicePointer allocate(size_t size) {
    DevicePointer pointer = 0;
    EXPECT_EQ(driver->cuMemAlloc(&pointer, size), kSuccess);
    return pointer;
  }
  StreamHandle stream() {
    StreamHandle handle = nullptr;
    EXPECT_EQ(driver->cuStreamCreate(&handle, kStreamNonBlocking), kSuccess);
    return handle;
  }
  EventHandle event(unsigned flags = kEventDisableTiming) {
    EventHandle handle = nullptr;
    EXPECT_EQ(driver->cuEventCreate(&handle, flags), kSuccess);
    return handle;
  }
  /// The float at `pointer`, when all of `on` is done.
  float read(DevicePointer pointer, StreamHandle on) {
    float value = 0;
    EXPECT_EQ(driver->cuMemcpyDtoHAsync(&value, pointer, sizeof value, on), kSuccess);
    EXPECT_EQ(driver->cuStreamSynchronize(on), kSuccess);
    return value;
  }
  /// Gives `on` the toy's spread kernel: to[i] = from[0] + i.
  Result spread(DevicePointer from, DevicePointer to, StreamHandle on) {
    if (!function)
      function = kernel("toy_spread");
    void *parameters[] = {&from, &to};
    return driver->cuLaunchKernel(function, 625, 1, 1, 32, 1, 1, 0, on, parameters, nullptr);
  }

  std::shared_ptr<const Device> device;
  std::shared_ptr<const DriverApi> driver;
  std::optional<ContextScope> scope;
  std::string code;
  FunctionHandle function = nullptr;
};

constexpr size_t kBytes = size_t(test::kToyWide) * 4;

} // namespace

TEST_F(SimDriver, WorkIsLate) {
  StreamHandle s = stream();
  DevicePointer memory = allocate(64);
  float value = 1, back = 5;
  ASSERT_EQ(driver->cuMemcpyHtoDAsync(memory, &value, 4, s), kSuccess);
  value = 2; // too early: the copy has not read it
  ASSERT_EQ(driver->cuMemcpyDtoHAsync(&back, memory, 4, s), kSuccess);
  EXPECT_NE(back, 5); // nor has this one written; what was there is no longer
  EXPECT_NE(back, 2);
  ASSERT_EQ(driver->cuStreamSynchronize(s), kSuccess);
  EXPECT_EQ(back, 2);
}

TEST_F(SimDriver, LaunchesTakeTheirParametersAtOnce) {
  StreamHandle s = stream();
  DevicePointer from = allocate(4), to = allocate(kBytes), wrong = allocate(kBytes);
  float value = 3;
  ASSERT_EQ(driver->cuMemcpyHtoDAsync(from, &value, 4, s), kSuccess);
  function = kernel("toy_spread");
  DevicePointer target = to;
  void *parameters[] = {&from, &target};
  ASSERT_EQ(driver->cuLaunchKernel(function, 625, 1, 1, 32, 1, 1, 0, s, parameters, nullptr), kSuccess);
  target = wrong;
  EXPECT_EQ(read(to + kBytes - 4, s), 3 + float(test::kToyWide - 1));
}

// Two streams, one of which needs the other's result: right for every seed with the wait, wrong for some without.
TEST_F(SimDriver, ForgottenWaitIsCaughtBySomeSeed) {
  auto run = [&](uint64_t seed, bool wait) {
    open(seed);
    function = nullptr;
    StreamHandle producer = stream(), consumer = stream();
    EventHandle made = event();
    DevicePointer from = allocate(4), middle = allocate(kBytes), to = allocate(kBytes);
    float value = 3;
    EXPECT_EQ(driver->cuMemcpyHtoDAsync(from, &value, 4, producer), kSuccess);
    EXPECT_EQ(spread(from, middle, producer), kSuccess);
    EXPECT_EQ(driver->cuEventRecord(made, producer), kSuccess);
    if (wait)
      EXPECT_EQ(driver->cuStreamWaitEvent(consumer, made, 0), kSuccess);
    EXPECT_EQ(driver->cuMemcpyDtoDAsync(to, middle, kBytes, consumer), kSuccess);
    return read(to + 4, consumer);
  };
  int wrong = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    EXPECT_EQ(run(seed, true), 4) << seed;
    wrong += run(seed, false) != 4;
  }
  EXPECT_GT(wrong, 2);
  EXPECT_LT(wrong, 12); // some schedules hide it: one seed is not enough
}

TEST_F(SimDriver, EventsMeanTheirLastRecord) {
  StreamHandle a = stream(), b = stream();
  EventHandle e = event(kEventDefault), later = event(kEventDefault);
  EXPECT_EQ(driver->cuStreamWaitEvent(b, e, 0), kSuccess); // never recorded: nothing to wait for
  EXPECT_EQ(driver->cuStreamSynchronize(b), kSuccess);
  EXPECT_EQ(driver->cuEventSynchronize(e), kSuccess);
  DevicePointer memory = allocate(64);
  float one = 1, two = 2, milliseconds = -1;
  ASSERT_EQ(driver->cuEventRecord(e, a), kSuccess);
  ASSERT_EQ(driver->cuMemcpyHtoDAsync(memory, &one, 4, a), kSuccess);
  ASSERT_EQ(driver->cuEventRecord(e, a), kSuccess);
  EXPECT_EQ(driver->cuEventElapsedTime(&milliseconds, e, later), kInvalidHandle);
  ASSERT_EQ(driver->cuStreamWaitEvent(b, e, 0), kSuccess);
  ASSERT_EQ(driver->cuMemcpyHtoDAsync(memory, &two, 4, b), kSuccess);
  ASSERT_EQ(driver->cuEventRecord(later, b), kSuccess);
  EXPECT_EQ(driver->cuEventElapsedTime(&milliseconds, e, later), kNotReady);
  ASSERT_EQ(driver->cuEventSynchronize(later), kSuccess);
  EXPECT_EQ(driver->cuEventElapsedTime(&milliseconds, e, later), kSuccess);
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(read(memory, a), 2);
  EventHandle untimed = event();
  ASSERT_EQ(driver->cuEventRecord(untimed, a), kSuccess);
  ASSERT_EQ(driver->cuEventSynchronize(untimed), kSuccess);
  EXPECT_EQ(driver->cuEventElapsedTime(&milliseconds, e, untimed), kInvalidHandle);
}

TEST_F(SimDriver, GraphReplaysABranchedCapture) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    open(seed);
    function = nullptr;
    StreamHandle main = stream(), side = stream();
    EventHandle fork = event(), join = event();
    DevicePointer from = allocate(4), left = allocate(kBytes), right = allocate(kBytes);
    float value = 1, leftBack = 0, rightBack = 0;
    ASSERT_EQ(driver->cuStreamBeginCapture(main, kCaptureThreadLocal), kSuccess);
    ASSERT_EQ(driver->cuMemcpyHtoDAsync(from, &value, 4, main), kSuccess);
    ASSERT_EQ(driver->cuEventRecord(fork, main), kSuccess);
    ASSERT_EQ(driver->cuStreamWaitEvent(side, fork, 0), kSuccess);
    ASSERT_EQ(spread(from, left, main), kSuccess);
    ASSERT_EQ(spread(from, right, side), kSuccess);
    ASSERT_EQ(driver->cuMemcpyDtoHAsync(&rightBack, right + 8, 4, side), kSuccess);
    ASSERT_EQ(driver->cuEventRecord(join, side), kSuccess);
    ASSERT_EQ(driver->cuStreamWaitEvent(main, join, 0), kSuccess);
    ASSERT_EQ(driver->cuMemcpyDtoHAsync(&leftBack, left + 4, 4, main), kSuccess);
    GraphHandle graph = nullptr;
    ASSERT_EQ(driver->cuStreamEndCapture(main, &graph), kSuccess);
    EXPECT_EQ(leftBack, 0); // nothing has run
    GraphExecHandle exec = nullptr;
    ASSERT_EQ(driver->cuGraphInstantiate(&exec, graph, 0), kSuccess);
    ASSERT_EQ(driver->cuGraphDestroy(graph), kSuccess);
    for (float next : {10.0f, 20.0f}) {
      value = next;
      ASSERT_EQ(driver->cuGraphLaunch(exec, main), kSuccess);
      ASSERT_EQ(driver->cuStreamSynchronize(main), kSuccess);
      EXPECT_EQ(leftBack, next + 1);
      EXPECT_EQ(rightBack, next + 2);
    }
    ASSERT_EQ(driver->cuGraphExecDestroy(exec), kSuccess);
    EXPECT_EQ(driver->cuGraphLaunch(exec, main), kInvalidHandle);
  }
}

TEST_F(SimDriver, CaptureHasRules) {
  StreamHandle main = stream(), side = stream();
  EventHandle fork = event(), outside = event();
  DevicePointer memory = allocate(64);
  GraphHandle graph = nullptr;
  auto begin = [&] { ASSERT_EQ(driver->cuStreamBeginCapture(main, kCaptureThreadLocal), kSuccess); };
  auto end = [&] { return driver->cuStreamEndCapture(main, &graph); };
  // A branch that does not come back.
  begin();
  ASSERT_EQ(driver->cuEventRecord(fork, main), kSuccess);
  ASSERT_EQ(driver->cuStreamWaitEvent(side, fork, 0), kSuccess);
  ASSERT_EQ(driver->cuMemsetD8Async(memory, 0, 64, side), kSuccess);
  EXPECT_EQ(end(), kStreamCaptureUnjoined);
  // Work of before.
  ASSERT_EQ(driver->cuEventRecord(outside, side), kSuccess);
  begin();
  EXPECT_EQ(driver->cuStreamWaitEvent(main, outside, 0), kStreamCaptureIsolation);
  EXPECT_EQ(end(), kStreamCaptureInvalidated);
  // Waiting for what will not run.
  begin();
  EXPECT_EQ(driver->cuStreamSynchronize(main), kStreamCaptureUnsupported);
  EXPECT_EQ(end(), kStreamCaptureInvalidated);
  begin();
  ASSERT_EQ(driver->cuEventRecord(fork, main), kSuccess);
  EXPECT_EQ(driver->cuEventSynchronize(fork), kCapturedEvent);
  EXPECT_EQ(driver->cuStreamSynchronize(side), kSuccess); // another stream's matter
  EXPECT_EQ(end(), kSuccess);
  // Memory that the graph would not own.
  begin();
  DevicePointer pointer;
  EXPECT_EQ(driver->cuMemAlloc(&pointer, 64), kStreamCaptureUnsupported);
  EXPECT_EQ(end(), kStreamCaptureInvalidated);
  EXPECT_EQ(driver->cuMemAlloc(&pointer, 64), kSuccess);
  // Beginnings and ends that do not match.
  EXPECT_EQ(end(), kIllegalState);
  begin();
  EXPECT_EQ(driver->cuStreamBeginCapture(main, kCaptureThreadLocal), kIllegalState);
  ASSERT_EQ(driver->cuEventRecord(fork, main), kSuccess);
  ASSERT_EQ(driver->cuStreamWaitEvent(side, fork, 0), kSuccess);
  EXPECT_EQ(driver->cuStreamEndCapture(side, &graph), kStreamCaptureUnmatched);
  EXPECT_EQ(end(), kSuccess);
}

TEST_F(SimDriver, JudgesHandlesAndSizes) {
  StreamHandle s = stream();
  DevicePointer memory = allocate(64);
  char host[128] = {};
  EXPECT_EQ(driver->cuMemcpyHtoDAsync(memory, host, 65, s), kInvalidValue);
  EXPECT_EQ(driver->cuMemcpyHtoDAsync(memory + 60, host, 4, s), kSuccess);
  EXPECT_EQ(driver->cuMemcpyDtoHAsync(host, memory - 1, 4, s), kInvalidValue);
  EXPECT_EQ(driver->cuMemsetD8Async(memory, 0, 128, s), kInvalidValue);
  EXPECT_EQ(driver->cuMemFree(memory + 4), kInvalidValue);
  EXPECT_EQ(driver->cuMemFree(memory), kSuccess);
  EXPECT_EQ(driver->cuMemFree(memory), kInvalidValue);
  EXPECT_EQ(driver->cuMemcpyDtoHAsync(host, memory, 4, s), kInvalidValue);
  EXPECT_EQ(driver->cuMemFreeHost(host), kInvalidValue);
  EXPECT_EQ(driver->cuStreamDestroy(s), kSuccess);
  EXPECT_EQ(driver->cuStreamSynchronize(s), kInvalidHandle);
  EXPECT_EQ(driver->cuMemsetD8Async(memory, 0, 4, nullptr), kInvalidHandle); // the default stream is nobody's here
  EventHandle e = event();
  EXPECT_EQ(driver->cuEventDestroy(e), kSuccess);
  EXPECT_EQ(driver->cuEventRecord(e, stream()), kInvalidHandle);
  DevicePointer nothing;
  EXPECT_EQ(driver->cuMemAlloc(&nothing, 0), kInvalidValue);
  DeviceNumber number;
  EXPECT_EQ(driver->cuDeviceGet(&number, 7), kInvalidDevice);
}

TEST_F(SimDriver, MemoryIsCounted) {
  open(0, 1000);
  size_t free = 0, total = 0;
  ASSERT_EQ(driver->cuMemGetInfo(&free, &total), kSuccess);
  EXPECT_EQ(total, 1000u);
  DevicePointer first = allocate(600), second = 0;
  EXPECT_EQ(driver->cuMemAlloc(&second, 401), kOutOfMemory);
  EXPECT_EQ(driver->cuMemAlloc(&second, 400), kSuccess);
  ASSERT_EQ(driver->cuMemGetInfo(&free, &total), kSuccess);
  EXPECT_EQ(free, 0u);
  EXPECT_EQ(driver->cuMemFree(first), kSuccess);
  EXPECT_EQ(driver->cuMemAlloc(&second, 600), kSuccess);
}

// Memory may be freed, modules unloaded and streams destroyed with work under way: it is done first.
TEST_F(SimDriver, FreeingWaits) {
  StreamHandle s = stream();
  DevicePointer from = allocate(4), to = allocate(kBytes);
  float value = 1, back = 0;
  ASSERT_EQ(driver->cuMemcpyHtoDAsync(from, &value, 4, s), kSuccess);
  ASSERT_EQ(spread(from, to, s), kSuccess);
  ASSERT_EQ(driver->cuMemcpyDtoHAsync(&back, to + 4, 4, s), kSuccess);
  EXPECT_EQ(driver->cuMemFree(to), kSuccess);
  EXPECT_EQ(back, 2);
}

TEST_F(SimDriver, FailureIsStickyAndExplained) {
  StreamHandle s = stream(), other = stream();
  DevicePointer from = allocate(4), small = allocate(64);
  ASSERT_EQ(driver->cuMemsetD8Async(from, 0, 4, s), kSuccess);
  ASSERT_EQ(spread(from, small, s), kSuccess); // writes 80 kB into 64 bytes: the page behind faults
  EXPECT_EQ(driver->cuStreamSynchronize(s), kIllegalAddress);
  const char *text = nullptr;
  void *const *parameters = nullptr;
  driver->simLastFailure(&text, &parameters);
  ASSERT_NE(text, nullptr);
  EXPECT_NE(std::string(text).find("toy_spread"), std::string::npos) << text;
  EXPECT_NE(parameters, nullptr);
  std::string first = text;
  EXPECT_EQ(driver->cuMemsetD8Async(from, 0, 4, other), kIllegalAddress);
  EXPECT_EQ(driver->cuStreamSynchronize(other), kIllegalAddress);
  driver->simLastFailure(&text, &parameters);
  EXPECT_EQ(text, first);
  const char *name = nullptr;
  EXPECT_EQ(driver->cuGetErrorName(kIllegalAddress, &name), kSuccess);
  EXPECT_STREQ(name, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(driver->cuGetErrorName(12345, &name), kInvalidValue);
}

TEST_F(SimDriver, DeviceGoesWithItsContext) {
  int before = 0, with = 0, after = 0;
  ASSERT_EQ(driver->cuDeviceGetCount(&before), kSuccess);
  auto added = sim::addDevice("sm_90", {});
  ASSERT_TRUE(added);
  ASSERT_EQ(driver->cuDeviceGetCount(&with), kSuccess);
  EXPECT_EQ(with, before + 1);
  ContextHandle context = nullptr;
  ASSERT_EQ(driver->cuDevicePrimaryCtxRetain(&context, added->ordinal), kSuccess);
  int major = 0;
  ASSERT_EQ(driver->cuDeviceGetAttribute(&major, kAttributeMajor, added->ordinal), kSuccess);
  EXPECT_EQ(major, 9);
  ASSERT_EQ(driver->cuDevicePrimaryCtxRelease(added->ordinal), kSuccess);
  ASSERT_EQ(driver->cuDeviceGetCount(&after), kSuccess);
  EXPECT_EQ(after, before);
  EXPECT_EQ(driver->cuCtxPushCurrent(context), kInvalidContext);
}
