// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sessions: memory for a module's entries, their state, and runs.
#include "runtime/core/Initialize.h"
#include "runtime/core/Module.h"
#include "runtime/core/ModuleImpl.h"
#include "runtime/core/SessionImpl.h"
#include "runtime/format/Validate.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace vlp {

Session::Session(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Session::~Session() = default;
const Module &Session::module() const { return *impl->module; }

static uint64_t alignUp(uint64_t size, uint64_t alignment) { return (size + alignment - 1) / alignment * alignment; }

/// The scratch that the greediest launch of the file needs for one worker, in whole pages.
static uint64_t scratchStride(const format::Program &program) {
  uint64_t largest = 64;
  for (const format::Entry &entry : program.entries())
    for (const format::Op &op : entry.ops())
      largest = std::max(largest, op.launch().scratch());
  return alignUp(largest, 4096);
}

/// Refuses a session that cannot fit, naming every part, rather than being killed half way through a step.
static Status checkMemory(const Module &module, uint64_t scratch, bool ownArena) {
  uint64_t inputs = 0, outputs = 0, arena = ownArena ? module.arenaSize() : 0, state = module.manifest().state_bytes();
  for (const format::Entry &entry : module.program().entries()) {
    inputs += entry.input_size();
    outputs += entry.output_size();
  }
  uint64_t needed = state + arena + inputs + outputs + scratch, available = availableMemory();
  if (needed <= available)
    return Status::ok();
  return {StatusCode::Unavailable, "out of memory: " + module.path() + " needs " + describeBytes(needed) + " (state " +
                                       describeBytes(state) + ", intermediate values " + describeBytes(arena) +
                                       ", inputs and outputs " + describeBytes(inputs + outputs) + ", scratch " +
                                       describeBytes(scratch) + "), " + describeBytes(available) +
                                       " are free; compile it for a smaller batch (vlpc --entry=NAME:batch=N)"};
}

static Status takeArena(Memory &arena, const Module &module, const DeviceOptions &options) {
  if (!options.arena) {
    auto memory = Memory::allocate(module.arenaSize(), "the intermediate values of " + module.path());
    if (!memory)
      return memory.status();
    arena = std::move(*memory);
    return Status::ok();
  }
  if (reinterpret_cast<uintptr_t>(options.arena) % VLP_SLOT_ALIGNMENT != 0)
    return Status::invalid("the caller's arena must start at a multiple of 64 bytes");
  if (options.arenaSize < module.arenaSize())
    return Status::invalid("the caller's arena has " + std::to_string(options.arenaSize) + " bytes, " + module.path() +
                           " needs " + std::to_string(module.arenaSize()));
  arena = Memory::borrow(options.arena, module.arenaSize());
  return Status::ok();
}

Expected<std::unique_ptr<Session>> Session::create(std::shared_ptr<Module> module, const DeviceOptions &options) {
  auto impl = std::make_unique<Impl>(module, options.threads);
  const format::Manifest &manifest = module->manifest();
  impl->poison = options.poison;
  impl->scratch.stride = scratchStride(module->program());
  uint64_t scratchSize;
  if (__builtin_mul_overflow(impl->scratch.stride, uint64_t(impl->pool.size()), &scratchSize))
    scratchSize = UINT64_MAX / 2;
  VLP_RETURN_IF_ERROR(checkMemory(*module, scratchSize, options.arena == nullptr));
  VLP_RETURN_IF_ERROR(takeArena(impl->arena, *module, options));
  auto state = Memory::allocate(manifest.state_bytes(), "the state of " + module->path());
  auto scratch = Memory::allocate(scratchSize, "the workers' scratch of " + module->path());
  if (!state || !scratch)
    return state ? scratch.status() : state.status();
  impl->state = std::move(*state);
  impl->scratchMemory = std::move(*scratch);
  impl->scratch.base = impl->scratchMemory.data();
  for (const format::Entry &entry : module->program().entries()) {
    Impl::Bound &bound = impl->entries[entry.name()];
    auto inputs = Memory::allocate(entry.input_size(), "the inputs of entry '" + entry.name() + "'");
    auto outputs = Memory::allocate(entry.output_size(), "the outputs of entry '" + entry.name() + "'");
    if (!inputs || !outputs)
      return inputs ? outputs.status() : inputs.status();
    bound.entry = &entry;
    bound.inputs = std::move(*inputs);
    bound.outputs = std::move(*outputs);
    bound.bases[format::ARENA] = impl->arena.data();
    bound.bases[format::STATE] = impl->state.data();
    bound.bases[format::INPUT] = bound.inputs.data();
    bound.bases[format::OUTPUT] = bound.outputs.data();
    bound.bases[format::CONSTANTS] = module->impl->constants.data();
    bound.executor.emplace(entry, module->impl->code->kernels(), bound.bases);
    for (const format::Tensor &tensor : entry.inputs())
      if (tensor.name() == "text" && tensor.dtype() == format::I32 && manifest.preprocessing().vocabulary_size() > 0)
        bound.tokens.push_back(&tensor);
  }
  auto session = std::unique_ptr<Session>(new Session(std::move(impl)));
  session->initialize(0);
  return session;
}

void Session::initialize(uint64_t seed) {
  for (const format::StateTensor &tensor : module().manifest().state())
    fillState(tensor, impl->state.data() + tensor.tensor().slot().offset(), seed, impl->pool);
}

std::span<std::byte> Session::state(std::string_view name) {
  const format::StateTensor *found = module().findState(name);
  if (!found)
    return {};
  return {impl->state.data() + found->tensor().slot().offset(), found->tensor().slot().size()};
}

/// The state tensor `name` of `kind`, or an error that lists those of that kind.
static Expected<const format::StateTensor *> findOfKind(const Module &module, std::string_view name,
                                                        format::StateTensor::Kind kind, const char *what) {
  const format::StateTensor *found = module.findState(name);
  if (found && found->kind() == kind)
    return found;
  std::string known;
  for (const format::StateTensor &state : module.manifest().state())
    if (state.kind() == kind)
      known += (known.empty() ? "" : ", ") + state.tensor().name();
  return Status(StatusCode::NotFound, module.path() + ": no " + what + " '" + std::string(name) + "'; it has " +
                                          (known.empty() ? "none" : known));
}

Status Session::setScalar(std::string_view name, float value) {
  auto found = findOfKind(module(), name, format::StateTensor::SCALAR, "scalar");
  if (!found)
    return found.status();
  std::memcpy(impl->state.data() + (*found)->tensor().slot().offset(), &value, sizeof value);
  return Status::ok();
}

Expected<float> Session::scalar(std::string_view name) const {
  auto found = findOfKind(module(), name, format::StateTensor::SCALAR, "scalar");
  if (!found)
    return found.status();
  float value;
  std::memcpy(&value, impl->state.data() + (*found)->tensor().slot().offset(), sizeof value);
  return value;
}

Expected<int32_t> Session::counter(std::string_view name) const {
  auto found = findOfKind(module(), name, format::StateTensor::COUNTER, "counter");
  if (!found)
    return found.status();
  int32_t value;
  std::memcpy(&value, impl->state.data() + (*found)->tensor().slot().offset(), sizeof value);
  return value;
}

Expected<Session::Impl::Bound *> Session::Impl::find(std::string_view entry) {
  auto found = entries.find(entry);
  if (found == entries.end())
    return module->entry(entry).status();
  return &found->second;
}

/// The tensor `name` among `tensors`, or an error that lists them.
static Expected<const format::Tensor *> findTensor(const google::protobuf::RepeatedPtrField<format::Tensor> &tensors,
                                                   std::string_view name, const char *what,
                                                   const format::Entry &entry) {
  std::string known;
  for (const format::Tensor &tensor : tensors)
    if (tensor.name() == name)
      return &tensor;
  for (const format::Tensor &tensor : tensors)
    known += (known.empty() ? "" : ", ") + tensor.name();
  return Status(StatusCode::NotFound, "entry '" + entry.name() + "' has no " + what + " '" + std::string(name) +
                                          "'; it has " + (known.empty() ? "none" : known));
}

Expected<std::span<std::byte>> Session::input(std::string_view entry, std::string_view tensor) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  auto found = findTensor((*bound)->entry->inputs(), tensor, "input", *(*bound)->entry);
  if (!found)
    return found.status();
  return std::span((*bound)->inputs.data() + (*found)->slot().offset(), (*found)->slot().size());
}

Expected<std::span<const std::byte>> Session::output(std::string_view entry, std::string_view tensor) const {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  auto found = findTensor((*bound)->entry->outputs(), tensor, "output", *(*bound)->entry);
  if (!found)
    return found.status();
  return std::span<const std::byte>((*bound)->outputs.data() + (*found)->slot().offset(), (*found)->slot().size());
}

std::span<const std::byte> Session::slot(std::string_view entry, const format::Slot &slot) const {
  auto bound = impl->find(entry);
  if (!bound || !format::Region_IsValid(slot.region()))
    return {};
  return {(*bound)->bases[size_t(slot.region())] + slot.offset(), slot.size()};
}

Status Session::Impl::prepare(Bound &bound) {
  uint32_t vocabulary = module->manifest().preprocessing().vocabulary_size();
  for (const format::Tensor *tensor : bound.tokens) {
    std::span ids(reinterpret_cast<const uint32_t *>(bound.inputs.data() + tensor->slot().offset()),
                  tensor->slot().size() / 4);
    auto wrong = std::find_if(ids.begin(), ids.end(), [&](uint32_t id) { return id >= vocabulary; });
    if (wrong != ids.end())
      return Status::invalid("entry '" + bound.entry->name() + "': input '" + tensor->name() + "' holds token " +
                             std::to_string(int32_t(*wrong)) + " at element " + std::to_string(wrong - ids.begin()) +
                             ", the model's vocabulary has 0 to " + std::to_string(vocabulary - 1));
  }
  if (poison) {
    std::memset(arena.data(), 0xff, arena.size());
    std::memset(bound.outputs.data(), 0xff, bound.outputs.size());
    std::memset(scratchMemory.data(), 0xff, scratchMemory.size());
  }
  return Status::ok();
}

Status Session::run(std::string_view entry) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  VLP_RETURN_IF_ERROR(impl->prepare(**bound));
  (*bound)->executor->runAll(impl->pool, impl->scratch);
  return Status::ok();
}

Status Session::runTimed(std::string_view entry, std::vector<OpTiming> &timings) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  VLP_RETURN_IF_ERROR(impl->prepare(**bound));
  const Executor &executor = *(*bound)->executor;
  timings.resize(executor.size());
  auto start = std::chrono::steady_clock::now();
  auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (size_t i = 0; i < executor.size(); ++i) {
    timings[i].op = &executor.op(i);
    timings[i].begin = seconds();
    executor.runOp(i, impl->pool, impl->scratch);
    timings[i].end = seconds();
  }
  return Status::ok();
}

} // namespace vlp
