// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory, code and launches of a simulated device.
#include "runtime/sim/SimDevice.h"

#include "runtime/cpu/Memory.h"
#include "runtime/sim/GlobalMemory.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace vlp::sim {

using namespace vlp::cuda;

bool findChip(std::string_view name, ChipLimits &limits) {
  static constexpr struct {
    int chip;
    uint32_t largestShared;
  } known[] = {{80, 163 << 10}, {86, 99 << 10},   {87, 163 << 10},  {89, 99 << 10},
               {90, 227 << 10}, {100, 227 << 10}, {103, 227 << 10}, {120, 99 << 10}};
  if (!name.starts_with("sm_"))
    return false;
  name.remove_prefix(3);
  if (name.ends_with('a'))
    name.remove_suffix(1);
  int number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size())
    return false;
  for (const auto &candidate : known)
    if (candidate.chip == number) {
      limits.major = number / 10;
      limits.minor = number % 10;
      limits.largestShared = candidate.largestShared;
      return true;
    }
  return false;
}

SimDevice::~SimDevice() {
  for (auto &[memory, size] : pinned)
    std::free(memory);
}

Result SimDevice::explain(Result result, std::string text, void *const *parameters) {
  if (scheduler.failure() != kSuccess) // what came first is the cause
    return result;
  failureText = std::move(text);
  failedParameters = parameters;
  return result;
}

uint64_t SimDevice::freeMemory() const {
  uint64_t host = availableMemory();
  return options.memory ? std::min(host, options.memory - allocated) : host;
}

Result SimDevice::allocate(DevicePointer *pointer, uint64_t size) {
  if (size == 0)
    return kInvalidValue;
  std::byte *bytes = size <= freeMemory() ? memory.allocate(size) : nullptr;
  if (!bytes)
    return explain(kOutOfMemory, "");
  *pointer = reinterpret_cast<DevicePointer>(bytes);
  allocations[*pointer] = size;
  allocated += size;
  return kSuccess;
}

Result SimDevice::release(DevicePointer pointer) {
  auto found = allocations.find(pointer);
  if (found == allocations.end())
    return kInvalidValue;
  // As the driver does: what was given to streams may still use it.
  Result result = scheduler.synchronizeAll();
  memory.free(reinterpret_cast<void *>(pointer));
  allocated -= found->second;
  allocations.erase(found);
  return result;
}

bool SimDevice::holds(DevicePointer pointer, uint64_t size) const {
  auto after = allocations.upper_bound(pointer);
  if (after == allocations.begin())
    return false;
  auto [base, length] = *std::prev(after);
  return pointer - base <= length && size <= length - (pointer - base);
}

/// Clears the bits `begin` to `end`.
static void clearBits(uint8_t *bits, uint64_t begin, uint64_t end) {
  for (; begin < end && begin % 8 != 0; ++begin)
    bits[begin / 8] &= uint8_t(~(1u << begin % 8));
  for (; end > begin && end % 8 != 0; --end)
    bits[(end - 1) / 8] &= uint8_t(~(1u << (end - 1) % 8));
  std::memset(bits + begin / 8, 0, (end - begin) / 8);
}

void SimDevice::discard(DevicePointer pointer, uint64_t size) {
  std::memset(reinterpret_cast<void *>(pointer), 0xff, size);
  if (GlobalMemory::Allocation *allocation = memory.find(pointer)) {
    uint64_t offset = pointer - reinterpret_cast<DevicePointer>(allocation->base);
    clearBits(allocation->written.as<uint8_t>(), offset, offset + size);
  }
}

Result SimDevice::loadModule(const Image &image, SimModule **module) {
  auto code = Code::load(image.object);
  if (!code)
    return explain(kInvalidImage, code.status().message());
  auto loaded = std::make_unique<SimModule>();
  loaded->code = std::move(*code);
  loaded->facts = image.kernels;
  *module = loaded.get();
  modules.push_back(std::move(loaded));
  return kSuccess;
}

/// Registers that the warps of a block take: each gets them in units of 256, and warps come in fours (the occupancy
/// calculator of NVIDIA, for compute capability 8 and later).
static uint64_t registersOf(uint32_t threads, uint32_t registers) {
  uint64_t warps = (threads + 31) / 32, aWarp = (uint64_t(registers) * 32 + 255) / 256 * 256;
  return (warps + 3) / 4 * 4 * aWarp;
}

Result SimDevice::checkLaunch(const SimFunction &function, const SimLaunch &launch) {
  std::string kernel = std::string("kernel ") + function.kernel->name + ": ";
  auto refuse = [&](Result result, const std::string &why) { return explain(result, kernel + why, launch.parameters); };
  if (launch.blocks == 0 || launch.blocks > INT32_MAX || launch.threads == 0 || launch.threads > ChipLimits::threads)
    return refuse(kInvalidValue, "a grid of " + std::to_string(launch.blocks) + " blocks of " +
                                     std::to_string(launch.threads) + " threads");
  if (function.kernel->threads && launch.threads > function.kernel->threads)
    return refuse(kInvalidValue,
                  "it was compiled for blocks of " + std::to_string(function.kernel->threads) + " threads");
  uint32_t sharedInAll = launch.shared + function.facts.staticShared;
  if (launch.shared > function.largestDynamic || sharedInAll > chip.largestShared)
    return refuse(kInvalidValue, std::to_string(launch.shared) +
                                     " bytes of dynamic shared memory; the kernel may have " +
                                     std::to_string(function.largestDynamic));
  if (uint64_t needed = registersOf(launch.threads, function.facts.registers); needed > ChipLimits::registers)
    return refuse(kLaunchOutOfResources, "a block of " + std::to_string(launch.threads) + " threads of " +
                                             std::to_string(function.facts.registers) + " registers takes " +
                                             std::to_string(needed) + ", the chip has " +
                                             std::to_string(ChipLimits::registers));
  return kSuccess;
}

/// The driver's error for what the engine found.
static Result errorOf(const std::vector<Finding> &findings) {
  if (findings.empty())
    return kLaunchFailed;
  switch (findings.front().kind) {
  case Finding::Kind::OutOfBounds: return kIllegalAddress;
  case Finding::Kind::Misaligned: return kMisalignedAddress;
  case Finding::Kind::SpinWait: return kLaunchTimeout;
  case Finding::Kind::LaunchLimit: return kInvalidValue;
  default: return kLaunchFailed;
  }
}

Result SimDevice::launch(const SimFunction &function, const SimLaunch &launch, SimStream &stream) {
  if (Result result = checkLaunch(function, launch); result != kSuccess)
    return result;
  // Parameters are taken when the call is made.
  std::vector<uint64_t> parameters(function.kernel->parameters);
  for (size_t i = 0; i < parameters.size(); ++i)
    std::memcpy(&parameters[i], launch.parameters[i], sizeof parameters[i]);
  LaunchConfig config{launch.blocks, launch.threads, launch.shared, chip.largestShared};
  auto run = [this, &function, config, parameters = std::move(parameters), identity = launch.parameters]() -> Result {
    engine.clearFindings();
    Status status = engine.launch(*function.code, *function.kernel, config, parameters);
    if (status)
      return kSuccess;
    size_t more = engine.findings().size() > 1 ? engine.findings().size() - 1 : 0;
    std::string others = more ? " (and " + std::to_string(more) + " more of this launch)" : "";
    return explain(errorOf(engine.findings()), status.message() + others, identity);
  };
  return scheduler.give(stream, {std::move(run), {}});
}

} // namespace vlp::sim
