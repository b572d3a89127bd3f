// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sessions: memory for a module's entries, their state, and runs.
#include "runtime/core/Initialize.h"
#include "runtime/core/Module.h"
#include "runtime/core/ModuleImpl.h"
#include "runtime/core/SessionImpl.h"
#include "runtime/cpu/CpuExecutor.h"
#include "runtime/cuda/CudaExecutor.h"

#include <algorithm>
#include <cstring>

namespace vlp {

Session::Session(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Session::~Session() = default;
const Module &Session::module() const { return *impl->module; }

Expected<std::unique_ptr<Session>> Session::create(std::shared_ptr<Module> module, const DeviceOptions &options) {
  auto impl = std::make_unique<Impl>(module, options.threads);
  const Module::Impl &code = *module->impl;
  impl->poison = options.poison;
  if (options.stream && code.deviceName.kind != DeviceName::Kind::Cuda)
    return Status::invalid("a stream can be given for device cuda alone, this module was loaded for " +
                           module->device());
  LoadedProgram loaded{
      module->manifest(), module->program(), module->path(), {code.constants.data(), code.constants.size()}};
  auto executor = code.gpu ? cuda::makeCudaExecutor(loaded, *code.gpu, code.deviceName, options)
                           : makeCpuExecutor(loaded, code.cpu->kernels(), impl->pool, options);
  if (!executor)
    return executor.status();
  impl->executor = std::move(*executor);
  bool hasVocabulary = loaded.manifest.preprocessing().vocabulary_size() > 0;
  for (int i = 0; i < loaded.program.entries_size(); ++i) {
    const format::Entry &entry = loaded.program.entries(i);
    Impl::Bound &bound = impl->entries[entry.name()];
    bound.entry = &entry;
    bound.index = size_t(i);
    for (const format::Tensor &tensor : entry.inputs())
      if (tensor.name() == "text" && tensor.dtype() == format::I32 && hasVocabulary)
        bound.tokens.push_back(&tensor);
  }
  auto session = std::unique_ptr<Session>(new Session(std::move(impl)));
  session->initialize(0);
  return session;
}

void Session::initialize(uint64_t seed) {
  const auto &state = module().manifest().state();
  for (int i = 0; i < state.size(); ++i)
    if (auto bytes = impl->executor->state(size_t(i), true)) // a GPU that has failed says so at the next run
      fillState(state[i], bytes->data(), seed, impl->pool);
}

std::optional<size_t> Session::Impl::findState(std::string_view name) const {
  auto found = module->impl->state.find(name);
  return found == module->impl->state.end() ? std::nullopt : std::optional(found->second);
}

std::span<std::byte> Session::state(std::string_view name) {
  auto found = impl->findState(name);
  if (!found)
    return {};
  auto bytes = impl->executor->state(*found, true);
  return bytes ? *bytes : std::span<std::byte>();
}

Expected<std::span<const std::byte>> Session::readState(std::string_view name) const {
  auto found = impl->findState(name);
  if (!found)
    return Status(StatusCode::NotFound, module().path() + ": no state tensor '" + std::string(name) + "'");
  auto bytes = impl->executor->state(*found, false);
  if (!bytes)
    return bytes.status();
  return std::span<const std::byte>(*bytes);
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
  auto bytes = impl->executor->state(*impl->findState(name), true);
  if (bytes)
    std::memcpy(bytes->data(), &value, sizeof value);
  return bytes.status();
}

/// The one number of a state tensor.
template <typename Number>
static Expected<Number> readNumber(Expected<std::span<const std::byte>> bytes) {
  if (!bytes)
    return bytes.status();
  Number value;
  std::memcpy(&value, bytes->data(), sizeof value);
  return value;
}

Expected<float> Session::scalar(std::string_view name) const {
  auto found = findOfKind(module(), name, format::StateTensor::SCALAR, "scalar");
  return found ? readNumber<float>(readState(name)) : found.status();
}

Expected<int32_t> Session::counter(std::string_view name) const {
  auto found = findOfKind(module(), name, format::StateTensor::COUNTER, "counter");
  return found ? readNumber<int32_t>(readState(name)) : found.status();
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

/// The bytes of `tensor` among those of its region.
template <typename Byte>
static std::span<Byte> bytesOf(const format::Tensor &tensor, std::span<Byte> region) {
  return region.subspan(tensor.slot().offset(), tensor.slot().size());
}

Expected<std::span<std::byte>> Session::input(std::string_view entry, std::string_view tensor) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  auto found = findTensor((*bound)->entry->inputs(), tensor, "input", *(*bound)->entry);
  if (!found)
    return found.status();
  auto region = impl->executor->inputs((*bound)->index);
  if (!region)
    return region.status();
  return bytesOf(**found, *region);
}

Expected<std::span<const std::byte>> Session::output(std::string_view entry, std::string_view tensor) const {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  auto found = findTensor((*bound)->entry->outputs(), tensor, "output", *(*bound)->entry);
  if (!found)
    return found.status();
  VLP_RETURN_IF_ERROR(impl->executor->wait());
  return bytesOf(**found, impl->executor->outputs((*bound)->index));
}

std::span<const std::byte> Session::slot(std::string_view entry, const format::Slot &slot) const {
  auto bound = impl->find(entry);
  if (!bound || !format::Region_IsValid(slot.region()))
    return {};
  auto bytes = impl->executor->view((*bound)->index, slot);
  return bytes ? *bytes : std::span<const std::byte>();
}

Status Session::Impl::prepare(Bound &bound) {
  uint32_t vocabulary = module->manifest().preprocessing().vocabulary_size();
  for (const format::Tensor *tensor : bound.tokens) {
    auto bytes = executor->view(bound.index, tensor->slot());
    if (!bytes)
      return bytes.status();
    std::span ids(reinterpret_cast<const uint32_t *>(bytes->data()), bytes->size() / 4);
    auto wrong = std::find_if(ids.begin(), ids.end(), [&](uint32_t id) { return id >= vocabulary; });
    if (wrong != ids.end())
      return Status::invalid("entry '" + bound.entry->name() + "': input '" + tensor->name() + "' holds token " +
                             std::to_string(int32_t(*wrong)) + " at element " + std::to_string(wrong - ids.begin()) +
                             ", the model's vocabulary has 0 to " + std::to_string(vocabulary - 1));
  }
  return poison ? executor->fill(bound.index, std::byte(0xff)) : Status::ok();
}

Status Session::start(std::string_view entry) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  VLP_RETURN_IF_ERROR(impl->executor->wait());
  VLP_RETURN_IF_ERROR(impl->prepare(**bound));
  return impl->executor->start((*bound)->index);
}

Status Session::wait() { return impl->executor->wait(); }

Status Session::run(std::string_view entry) {
  VLP_RETURN_IF_ERROR(start(entry));
  return wait();
}

Status Session::stage(std::string_view entry) {
  auto bound = impl->find(entry);
  return bound ? impl->executor->stage((*bound)->index) : bound.status();
}

Status Session::runTimed(std::string_view entry, std::vector<OpTiming> &timings) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  VLP_RETURN_IF_ERROR(impl->executor->wait());
  VLP_RETURN_IF_ERROR(impl->prepare(**bound));
  return impl->executor->runTimed((*bound)->index, timings);
}

} // namespace vlp
