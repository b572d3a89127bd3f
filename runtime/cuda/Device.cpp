// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Opens GPUs and takes memory, streams and events from them.
#include "runtime/cuda/Device.h"

#include "runtime/cpu/Memory.h"

#include <cstring>

namespace vlp::cuda {

Expected<std::shared_ptr<const Device>> Device::open(std::shared_ptr<const DriverApi> driver, int ordinal,
                                                     const std::string &family) {
  std::shared_ptr<Device> device(new Device);
  device->api = std::move(driver);
  const DriverApi &api = *device->api;
  std::string what = "device " + family + ":" + std::to_string(ordinal);
  int count = 0;
  VLP_RETURN_IF_ERROR(checkResult(api, api.cuDeviceGetCount(&count), what));
  if (ordinal < 0 || ordinal >= count)
    return Status::invalid(what + ": this machine has " + std::to_string(count) + (count == 1 ? " GPU, " : " GPUs, ") +
                           (count == 0   ? "use --device=sim or --device=cpu"
                            : count == 1 ? family + ":0"
                                         : family + ":0 to " + family + ":" + std::to_string(count - 1)));
  VLP_RETURN_IF_ERROR(checkResult(api, api.cuDeviceGet(&device->number, ordinal), what));
  char name[256] = "";
  VLP_RETURN_IF_ERROR(checkResult(api, api.cuDeviceGetName(name, sizeof name, device->number), what));
  int largest = 0;
  for (auto [attribute, value] : {std::pair(kAttributeMajor, &device->capability[0]),
                                  {kAttributeMinor, &device->capability[1]},
                                  {kAttributeMaxSharedPerBlockOptin, &largest}})
    VLP_RETURN_IF_ERROR(checkResult(api, api.cuDeviceGetAttribute(value, attribute, device->number), what));
  device->shared = uint64_t(largest);
  device->title = std::string(name) + " (sm_" + std::to_string(device->major()) + std::to_string(device->minor()) + ")";
  VLP_RETURN_IF_ERROR(checkResult(api, api.cuDevicePrimaryCtxRetain(&device->context, device->number),
                                  what + ", " + device->title + ": cannot be used"));
  return std::shared_ptr<const Device>(std::move(device));
}

Device::~Device() {
  if (context)
    (void)api->cuDevicePrimaryCtxRelease(number);
}

uint64_t Device::freeMemory() const {
  size_t free = 0, total = 0;
  return api->cuMemGetInfo(&free, &total) == kSuccess ? free : 0;
}

Expected<DeviceMemory> Device::allocate(uint64_t size, const std::string &purpose) const {
  DevicePointer pointer = 0;
  Result result = api->cuMemAlloc(&pointer, std::max<uint64_t>(size, 64)); // CUDA refuses to allocate nothing
  if (result == kSuccess)
    return DeviceMemory(*api, pointer);
  if (result == kOutOfMemory)
    return Status(StatusCode::Unavailable, "out of memory: " + purpose + " needs " + describeBytes(size) + " on " +
                                               title + ", " + describeBytes(freeMemory()) +
                                               " are free; use a smaller batch or model");
  return checkResult(*api, result, purpose + ": cannot allocate " + describeBytes(size) + " on " + title);
}

Expected<PinnedMemory> Device::allocatePinned(uint64_t size, const std::string &purpose) const {
  void *pointer = nullptr;
  size = std::max<uint64_t>(size, 64);
  Result result = api->cuMemHostAlloc(&pointer, size, 0);
  if (result != kSuccess)
    return checkResult(*api, result,
                       purpose + ": cannot allocate " + describeBytes(size) + " of page-locked host memory");
  std::memset(pointer, 0, size);
  return PinnedMemory(*api, pointer);
}

Expected<Stream> Device::makeStream() const {
  StreamHandle stream = nullptr;
  VLP_RETURN_IF_ERROR(
      checkResult(*api, api->cuStreamCreate(&stream, kStreamNonBlocking), title + ": cannot make a stream"));
  return Stream(*api, stream);
}

Expected<Event> Device::makeEvent(unsigned flags) const {
  EventHandle event = nullptr;
  VLP_RETURN_IF_ERROR(checkResult(*api, api->cuEventCreate(&event, flags), title + ": cannot make an event"));
  return Event(*api, event);
}

} // namespace vlp::cuda
