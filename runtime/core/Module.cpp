// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads a compiled file and the code in it that suits the device.
#include "runtime/core/Module.h"

#include "runtime/core/ModuleImpl.h"
#include "runtime/cpu/CpuFeatures.h"
#include "runtime/cuda/ChooseProgram.h"
#include "runtime/format/Validate.h"

#include <algorithm>
#include <cstring>

namespace vlp {

Module::Module(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Module::~Module() = default;

const format::Manifest &Module::manifest() const { return impl->container.manifest(); }
const format::Program &Module::program() const { return *impl->program; }
uint64_t Module::arenaSize() const { return impl->arenaSize; }
const std::string &Module::path() const { return impl->container.path(); }
const std::string &Module::device() const { return impl->device; }
const std::string &Module::note() const { return impl->note; }

static Expected<Memory> loadConstants(const format::Container &container) {
  const auto &sections = container.manifest().sections();
  for (int i = 0; i < sections.size(); ++i) {
    if (sections[i].name() != format::kConstantsSection)
      continue;
    auto bytes = container.section(uint32_t(i));
    if (!bytes)
      return bytes.status();
    auto memory = Memory::allocate(bytes->size(), "the constants of " + container.path());
    if (memory && !bytes->empty())
      std::memcpy(memory->data(), bytes->data(), bytes->size());
    return memory;
  }
  return Memory();
}

Status Module::Impl::loadCpu() {
  auto chosen = chooseCpuProgram(container.manifest(), deviceName.chip, container.path());
  if (!chosen)
    return chosen.status();
  program = *chosen;
  auto bytes = container.section(program->section());
  if (!bytes)
    return bytes.status();
  std::vector<std::string> symbols;
  for (const format::Kernel &kernel : program->kernels())
    symbols.push_back(kernel.name());
  auto code = CodeSection::load(*bytes, symbols, container.path());
  if (code)
    cpu = std::move(*code);
  return code.status();
}

Status Module::Impl::loadGpuCode(std::shared_ptr<const cuda::Device> opened, const void *image) {
  device = opened->name();
  std::span<const std::byte> bytes(constants.data(), constants.size());
  auto code = cuda::DeviceCode::load(std::move(opened), image, *program, bytes, container.path());
  if (code)
    gpu = std::move(*code);
  return code.status();
}

Status Module::Impl::loadCuda() {
  const format::Manifest &manifest = container.manifest();
  const std::string &path = container.path();
  VLP_RETURN_IF_ERROR(cuda::checkHasCudaProgram(manifest, path));
  auto driver = cuda::loadDriver();
  if (!driver)
    return driver.status();
  auto opened = cuda::Device::open(*driver, deviceName.ordinal, "cuda");
  if (!opened)
    return opened.status();
  const cuda::Device &gpuDevice = **opened;
  auto chosen = cuda::chooseCudaProgram(manifest, gpuDevice.major(), gpuDevice.minor(), gpuDevice.name(), path);
  if (!chosen)
    return chosen.status();
  program = chosen->program;
  VLP_RETURN_IF_ERROR(cuda::checkDriverVersion(**driver, *program, path));
  auto bytes = container.section(chosen->fromPtx ? program->ptx_section() - 1 : program->section());
  if (!bytes)
    return bytes.status();
  // The driver knows where an image ends by its headers, or, if it is PTX, by a NUL.
  std::string image(bytes->data(), bytes->size());
  if (chosen->fromPtx)
    note = path + " has no machine code for " + gpuDevice.name() + ": the driver compiles its PTX for " +
           program->chip() +
           ", which takes a while and does not use what the GPU can do beyond that; vlpc --target=cuda:sm_" +
           std::to_string(gpuDevice.major()) + std::to_string(gpuDevice.minor()) + " avoids this";
  return loadGpuCode(std::move(*opened), image.c_str());
}

/// What the assembler says of the program's kernels: of itself, or of the same kernels for the same chip.
static std::vector<sim::KernelFacts> factsOf(const format::Manifest &manifest, const format::Program &program) {
  std::map<std::string, const format::Kernel *> assembled;
  for (const format::Program &other : manifest.programs())
    if (other.target() == "cuda" && other.chip() == program.chip())
      for (const format::Kernel &kernel : other.kernels())
        assembled[kernel.name()] = &kernel;
  std::vector<sim::KernelFacts> facts;
  for (const format::Kernel &kernel : program.kernels()) {
    auto found = assembled.find(kernel.name());
    const format::Kernel &known = kernel.registers() || found == assembled.end() ? kernel : *found->second;
    facts.push_back({kernel.name(), known.registers(), known.static_shared()});
  }
  return facts;
}

Status Module::Impl::loadSim() {
  const format::Manifest &manifest = container.manifest();
  auto chosen = cuda::chooseSimProgram(manifest, deviceName.chip, container.path());
  if (!chosen)
    return chosen.status();
  program = *chosen;
  std::string lacking;
  for (const std::string &feature : missingCpuFeatures(program->features()))
    lacking += (lacking.empty() ? "" : ", ") + feature;
  if (!lacking.empty())
    return {StatusCode::Unavailable, container.path() + ": this CPU cannot run its code for sim, which needs " +
                                         lacking + "; use --device=cpu, or simulate on another machine"};
  auto bytes = container.section(program->section());
  if (!bytes)
    return bytes.status();
  auto simulated = sim::addDevice(program->chip(), deviceName.sim);
  if (!simulated)
    return simulated.status();
  auto opened = cuda::Device::open(simulated->driver, simulated->ordinal, "sim");
  if (!opened)
    return opened.status();
  sim::Image image{*bytes, factsOf(manifest, *program)};
  return loadGpuCode(std::move(*opened), &image);
}

Status Module::Impl::loadCode() {
  switch (deviceName.kind) {
  case DeviceName::Kind::Cpu: return loadCpu();
  case DeviceName::Kind::Cuda: return loadCuda();
  case DeviceName::Kind::Sim: return loadSim();
  }
  return Status::invalid("unknown kind of device");
}

Expected<std::shared_ptr<Module>> Module::load(const std::string &path, const DeviceOptions &options) {
  auto container = format::Container::open(path);
  if (!container)
    return container.status();
  auto impl = std::make_unique<Impl>(std::move(*container));
  auto name = DeviceName::parse(options.device);
  if (!name)
    return name.status();
  impl->deviceName = std::move(*name);
  impl->deviceName.sim.engine.workers = options.threads;
  auto constants = loadConstants(impl->container);
  if (!constants)
    return constants.status();
  impl->constants = std::move(*constants);
  VLP_RETURN_IF_ERROR(impl->loadCode());
  for (const format::Entry &entry : impl->program->entries()) {
    impl->entries[entry.name()] = &entry;
    impl->arenaSize = std::max(impl->arenaSize, entry.arena_size());
  }
  const auto &state = impl->container.manifest().state();
  for (int i = 0; i < state.size(); ++i)
    impl->state[state[i].tensor().name()] = size_t(i);
  return std::shared_ptr<Module>(new Module(std::move(impl)));
}

Expected<const format::Entry *> Module::entry(std::string_view name) const {
  auto found = impl->entries.find(name);
  if (found != impl->entries.end())
    return found->second;
  std::string known;
  for (const format::Entry &entry : program().entries())
    known += (known.empty() ? "" : ", ") + entry.name();
  return Status(StatusCode::NotFound, path() + ": no entry '" + std::string(name) + "'; it has " +
                                          (known.empty() ? "none" : known) + " (vlpc --entry=NAME adds one)");
}

const format::StateTensor *Module::findState(std::string_view name) const {
  auto found = impl->state.find(name);
  return found == impl->state.end() ? nullptr : &manifest().state(int(found->second));
}

} // namespace vlp
