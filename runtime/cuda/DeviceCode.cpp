// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads code onto a GPU.
#include "runtime/cuda/DeviceCode.h"

#include <algorithm>

namespace vlp::cuda {

Status checkDriverVersion(const DriverApi &driver, const format::Program &program, const std::string &path) {
  int version = 0;
  VLP_RETURN_IF_ERROR(checkResult(driver, driver.cuDriverGetVersion(&version), "device cuda: the driver's version"));
  if (uint32_t(version) >= program.driver_version())
    return Status::ok();
  return {StatusCode::Unavailable, path + ": its code for " + program.chip() + " needs a driver that supports CUDA " +
                                       versionText(int(program.driver_version())) + ", this machine's supports CUDA " +
                                       versionText(version) + "; update the NVIDIA driver"};
}

/// Loads `image`; the error holds the first line of what the driver's compiler had to say.
static Expected<LoadedModule> loadImage(const Device &device, const void *image, const format::Program &program,
                                        const std::string &path) {
  char log[4096] = "";
  unsigned options[] = {kJitErrorLog, kJitErrorLogSize};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  ModuleHandle module = nullptr;
  Result result = device.driver().cuModuleLoadDataEx(&module, image, 2, options, values);
  if (result == kSuccess)
    return LoadedModule(device.driver(), module);
  std::string said(log, std::find(log, log + sizeof log, '\0'));
  if (said.empty())
    if (const char *text = nullptr; device.driver().simLastFailure) {
      void *const *parameters;
      device.driver().simLastFailure(&text, &parameters);
      said = text ? text : "";
    }
  said = said.substr(0, said.find('\n'));
  std::string advice = result == kUnsupportedPtxVersion
                           ? "; update the NVIDIA driver, or recompile with vlpc --target=cuda:sm_" +
                                 std::to_string(device.major()) + std::to_string(device.minor())
                           : "";
  return Status(StatusCode::Unavailable, path + ": " + device.name() + " does not take its code for " + program.chip() +
                                             ": " + errorName(device.driver(), result) +
                                             (said.empty() ? "" : ": " + said) + advice);
}

Expected<std::unique_ptr<DeviceCode>> DeviceCode::load(std::shared_ptr<const Device> device, const void *image,
                                                       const format::Program &program,
                                                       std::span<const std::byte> constants, const std::string &path) {
  ContextScope scope(*device);
  std::unique_ptr<DeviceCode> code(new DeviceCode(device));
  auto module = loadImage(*device, image, program, path);
  if (!module)
    return module.status();
  code->module = std::move(*module);
  VLP_RETURN_IF_ERROR(code->findKernels(program, path));
  VLP_RETURN_IF_ERROR(code->copyConstants(constants, path));
  return code;
}

DeviceCode::~DeviceCode() {
  ContextScope scope(*gpu);
  constantMemory = {};
  module = {};
}

/// The dynamic shared memory that each kernel is launched with at most.
static std::vector<uint64_t> sharedOfKernels(const format::Program &program) {
  std::vector<uint64_t> shared(size_t(program.kernels_size()));
  for (const format::Entry &entry : program.entries())
    for (const format::Op &op : entry.ops())
      if (op.has_launch())
        shared[op.launch().kernel()] = std::max(shared[op.launch().kernel()], op.launch().shared());
  return shared;
}

Status DeviceCode::findKernels(const format::Program &program, const std::string &path) {
  const DriverApi &driver = gpu->driver();
  std::vector<uint64_t> shared = sharedOfKernels(program);
  std::string missing;
  for (int i = 0; i < program.kernels_size(); ++i) {
    const std::string &name = program.kernels(i).name();
    FunctionHandle function = nullptr;
    Result result = driver.cuModuleGetFunction(&function, module.get(), name.c_str());
    kernels.push_back(function);
    if (result == kNotFound) {
      missing += (missing.empty() ? "" : ", ") + name;
      continue;
    }
    VLP_RETURN_IF_ERROR(checkResult(driver, result, path + ": kernel " + name));
    uint64_t needed = shared[size_t(i)];
    if (needed + program.kernels(i).static_shared() <= kUsualShared)
      continue;
    if (needed + program.kernels(i).static_shared() > gpu->largestShared())
      return {StatusCode::Unavailable, path + ": kernel " + name + " needs " + std::to_string(needed) +
                                           " bytes of shared memory, a block of " + gpu->name() + " can have " +
                                           std::to_string(gpu->largestShared()) + "; recompile for that chip"};
    VLP_RETURN_IF_ERROR(
        checkResult(driver, driver.cuFuncSetAttribute(function, kFunctionMaxDynamicShared, int(needed)),
                    path + ": kernel " + name + ": cannot have " + std::to_string(needed) + " bytes of shared memory"));
  }
  if (missing.empty())
    return Status::ok();
  return {StatusCode::DataLoss, path + ": its code lacks kernels: " + missing + "; compile the model again with vlpc"};
}

Status DeviceCode::copyConstants(std::span<const std::byte> constants, const std::string &path) {
  auto memory = gpu->allocate(constants.size(), "the constants of " + path);
  if (!memory)
    return memory.status();
  constantMemory = std::move(*memory);
  if (constants.empty())
    return Status::ok();
  auto stream = gpu->makeStream();
  if (!stream)
    return stream.status();
  const DriverApi &driver = gpu->driver();
  Result result = driver.cuMemcpyHtoDAsync(constantMemory.get(), constants.data(), constants.size(), stream->get());
  if (result == kSuccess)
    result = driver.cuStreamSynchronize(stream->get());
  return checkResult(driver, result, path + ": cannot bring its constants to " + gpu->name());
}

} // namespace vlp::cuda
