// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads NVIDIA's driver and puts its errors into words.
#include "runtime/cuda/DriverApi.h"

#include <cstdlib>
#include <dlfcn.h>

namespace vlp::cuda {

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string errorName(const DriverApi &driver, Result result) {
  const char *name = nullptr, *text = nullptr;
  std::string words = "CUDA error " + std::to_string(result);
  if (driver.cuGetErrorName(result, &name) == kSuccess && name)
    words = name;
  if (driver.cuGetErrorString(result, &text) == kSuccess && text)
    words += std::string(" (") + text + ")";
  return words;
}

StatusCode errorCode(Result result) {
  switch (result) {
  case kInvalidValue:
  case kInvalidHandle:
  case kIllegalState:
  case kIllegalAddress:
  case kLaunchOutOfResources:
  case kLaunchTimeout:
  case kIllegalInstruction:
  case kMisalignedAddress:
  case kInvalidPc:
  case kLaunchFailed: return StatusCode::Internal;
  default:
    return result >= kStreamCaptureUnsupported && result <= kCapturedEvent ? StatusCode::Internal
                                                                           : StatusCode::Unavailable;
  }
}

Status checkResult(const DriverApi &driver, Result result, const std::string &what) {
  if (result == kSuccess)
    return Status::ok();
  return {errorCode(result), what + ": " + errorName(driver, result)};
}

/// Fills `driver` from the library; the name of the first function it lacks, or null.
static const char *findFunctions(void *library, DriverApi &driver) {
#define VLP_CUDA_FIND(name, symbol, parameters)                                                                        \
  driver.name = reinterpret_cast<decltype(driver.name)>(dlsym(library, symbol));                                       \
  if (!driver.name)                                                                                                    \
    return symbol;
  VLP_CUDA_FUNCTIONS(VLP_CUDA_FIND)
#undef VLP_CUDA_FIND
  return nullptr;
}

Expected<std::shared_ptr<const DriverApi>> loadDriver() {
  const char *chosen = std::getenv("VLP_CUDA_DRIVER");
  std::string path = chosen && *chosen ? chosen : "libcuda.so.1";
  // Never closed: the driver keeps threads of its own.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return Status(StatusCode::Unavailable, std::string("device cuda: no NVIDIA driver on this machine (") + dlerror() +
                                               "); install it, or use --device=sim or --device=cpu");
  auto driver = std::make_shared<DriverApi>();
  if (const char *missing = findFunctions(library, *driver)) {
    int version = 0;
    bool known = driver->cuDriverGetVersion && driver->cuDriverGetVersion(&version) == kSuccess;
    return Status(StatusCode::Unavailable, "device cuda: the NVIDIA driver is too old: " + path + " lacks " + missing +
                                               " (it supports CUDA " +
                                               (known ? versionText(version) : "of an unknown version") +
                                               ", 11.4 is the least); update the driver");
  }
  Result result = driver->cuInit(0);
  if (result == kNoDevice)
    return Status(StatusCode::Unavailable, "device cuda: the NVIDIA driver finds no GPU (" +
                                               errorName(*driver, result) + "); use --device=sim or --device=cpu");
  if (result == kStubLibrary)
    return Status(StatusCode::Unavailable, "device cuda: " + path + " is the toolkit's stub, not the NVIDIA driver (" +
                                               errorName(*driver, result) +
                                               "); put the driver's folder first in LD_LIBRARY_PATH");
  VLP_RETURN_IF_ERROR(checkResult(*driver, result, "device cuda: the NVIDIA driver does not start (" + path + ")"));
  return std::shared_ptr<const DriverApi>(std::move(driver));
}

} // namespace vlp::cuda
