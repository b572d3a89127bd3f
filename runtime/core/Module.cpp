// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads a compiled file and the code in it that suits the device.
#include "runtime/core/Module.h"

#include "runtime/core/ModuleImpl.h"
#include "runtime/cpu/CpuFeatures.h"
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

/// The chip that `device` asks for: empty for "cpu", the part behind the colon for "cpu:CHIP".
static Expected<std::string> chipOf(const std::string &device) {
  if (device == "cpu")
    return std::string();
  if (device.starts_with("cpu:") && device.size() > 4)
    return device.substr(4);
  return Status::invalid("unknown device '" + device + "'; this runtime knows cpu and cpu:CHIP (as in cpu:x86-64-v3)");
}

static Expected<const format::Program *> chooseProgram(const format::Container &container, const std::string &device) {
  auto chip = chipOf(device);
  if (!chip)
    return chip.status();
  return chooseCpuProgram(container.manifest(), *chip, container.path());
}

static Expected<CodeSection> loadCode(const format::Container &container, const format::Program &program) {
  auto bytes = container.section(program.section());
  if (!bytes)
    return bytes.status();
  std::vector<std::string> symbols;
  for (const format::Kernel &kernel : program.kernels())
    symbols.push_back(kernel.name());
  return CodeSection::load(*bytes, symbols, container.path());
}

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

Expected<std::shared_ptr<Module>> Module::load(const std::string &path, const DeviceOptions &options) {
  auto container = format::Container::open(path);
  if (!container)
    return container.status();
  auto impl = std::make_unique<Impl>(std::move(*container));
  auto program = chooseProgram(impl->container, options.device);
  if (!program)
    return program.status();
  impl->program = *program;
  auto code = loadCode(impl->container, **program);
  if (!code)
    return code.status();
  impl->code = std::move(*code);
  auto constants = loadConstants(impl->container);
  if (!constants)
    return constants.status();
  impl->constants = std::move(*constants);
  for (const format::Entry &entry : impl->program->entries()) {
    impl->entries[entry.name()] = &entry;
    impl->arenaSize = std::max(impl->arenaSize, entry.arena_size());
  }
  for (const format::StateTensor &state : impl->container.manifest().state())
    impl->state[state.tensor().name()] = &state;
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
  return found == impl->state.end() ? nullptr : found->second;
}

} // namespace vlp
