// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The C API over Module, Session and checkpoints. Nothing here throws across the boundary.
#include "vlp/vlp.h"

#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/core/Module.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

using vlp::Expected;
using vlp::Status;
using vlp::StatusCode;

struct vlp_status {
  Status status;
};
struct vlp_module {
  std::shared_ptr<vlp::Module> module;
};
struct vlp_session {
  std::unique_ptr<vlp::Session> session;
};

/// Stands in when there is no memory even for an error; never freed.
static vlp_status outOfMemory{Status(StatusCode::Unavailable, "out of memory")};

static vlp_status *wrap(const Status &status) { return status.isOk() ? nullptr : new vlp_status{status}; }

/// Calls `body`, which returns a Status, and turns whatever leaves it into a vlp_status.
template <typename Body>
static vlp_status *guarded(Body body) noexcept {
  try {
    try {
      return wrap(body());
    } catch (const std::bad_alloc &) {
      return &outOfMemory;
    } catch (const std::exception &error) {
      return wrap(Status(StatusCode::Internal, std::string("unexpected exception: ") + error.what()));
    }
  } catch (...) {
    return &outOfMemory;
  }
}

/// Refuses null pointers: arguments that C cannot make mandatory.
template <typename... Pointers>
static Status require(const char *function, Pointers... pointers) {
  if ((... && (pointers != nullptr)))
    return Status::ok();
  return Status::invalid(std::string(function) + ": an argument that must be given is NULL");
}

static Status convertOptions(const vlp_options *given, vlp::DeviceOptions &options) {
  if (!given)
    return Status::ok();
  vlp_options all{};
  if (given->struct_size < sizeof all.struct_size || given->struct_size > 4096)
    return Status::invalid("vlp_options.struct_size is " + std::to_string(given->struct_size) + ", expected " +
                           std::to_string(sizeof all));
  std::memcpy(&all, given, std::min(given->struct_size, sizeof all));
  if (all.device)
    options.device = all.device;
  options.threads = all.threads;
  options.arena = all.arena;
  options.arenaSize = all.arena_size;
  options.stream = all.stream;
  return Status::ok();
}

static void describe(const vlp::format::Tensor &tensor, vlp_tensor_info *info) {
  info->name = tensor.name().c_str();
  info->dtype = vlp_dtype(tensor.dtype());
  info->rank = uint32_t(tensor.shape_size());
  info->shape = tensor.shape().data();
  info->size = tensor.slot().size();
}

extern "C" {

vlp_code vlp_status_code(const vlp_status *status) { return status ? vlp_code(status->status.code()) : VLP_OK; }
const char *vlp_status_message(const vlp_status *status) { return status ? status->status.message().c_str() : ""; }
const char *vlp_status_file(const vlp_status *status) { return status ? status->status.file() : ""; }
uint32_t vlp_status_line(const vlp_status *status) { return status ? status->status.line() : 0; }

void vlp_status_free(vlp_status *status) {
  if (status != &outOfMemory)
    delete status;
}

vlp_status *vlp_module_load(const char *path, const vlp_options *options, vlp_module **module) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_module_load", path, module));
    vlp::DeviceOptions device;
    VLP_RETURN_IF_ERROR(convertOptions(options, device));
    auto loaded = vlp::Module::load(path, device);
    if (!loaded)
      return loaded.status();
    *module = new vlp_module{std::move(*loaded)};
    return Status::ok();
  });
}

void vlp_module_free(vlp_module *module) { delete module; }

const char *vlp_module_model(const vlp_module *module) {
  return module ? module->module->manifest().model().c_str() : "";
}

const char *vlp_module_architecture(const vlp_module *module) {
  return module ? module->module->manifest().architecture().c_str() : "";
}

const char *vlp_module_compiler_version(const vlp_module *module) {
  return module ? module->module->manifest().compiler_version().c_str() : "";
}

const char *vlp_module_device(const vlp_module *module) { return module ? module->module->device().c_str() : ""; }
const char *vlp_module_note(const vlp_module *module) { return module ? module->module->note().c_str() : ""; }

vlp_status *vlp_module_preprocessing(const vlp_module *module, vlp_preprocessing *preprocessing) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_module_preprocessing", module, preprocessing));
    const vlp::format::Preprocessing &from = module->module->manifest().preprocessing();
    vlp_preprocessing result{};
    result.image_size = from.image_size();
    result.context_length = from.context_length();
    result.vocabulary_size = from.vocabulary_size();
    for (int i = 0; i < 3; ++i) {
      result.mean[i] = i < from.mean_size() ? from.mean(i) : 0.0f;
      result.std[i] = i < from.std_size() ? from.std(i) : 1.0f;
    }
    *preprocessing = result;
    return Status::ok();
  });
}

uint64_t vlp_module_arena_size(const vlp_module *module) { return module ? module->module->arenaSize() : 0; }
uint64_t vlp_module_state_size(const vlp_module *module) {
  return module ? module->module->manifest().state_bytes() : 0;
}

size_t vlp_module_entry_count(const vlp_module *module) {
  return module ? size_t(module->module->program().entries_size()) : 0;
}

const char *vlp_module_entry_name(const vlp_module *module, size_t index) {
  return index < vlp_module_entry_count(module) ? module->module->program().entries(int(index)).name().c_str()
                                                : nullptr;
}

} // extern "C"

namespace {

/// Whether a query asks for an entry's inputs or outputs.
enum class Side { Input, Output };

const google::protobuf::RepeatedPtrField<vlp::format::Tensor> &tensorsOf(const vlp::format::Entry &entry, Side side) {
  return side == Side::Input ? entry.inputs() : entry.outputs();
}

const char *nameOf(Side side) { return side == Side::Input ? "input" : "output"; }

Status countTensors(const vlp_module *module, const char *entry, Side side, size_t *count) {
  VLP_RETURN_IF_ERROR(require("vlp_module_*_count", module, entry, count));
  auto found = module->module->entry(entry);
  if (found)
    *count = size_t(tensorsOf(**found, side).size());
  return found.status();
}

Status tensorAt(const vlp_module *module, const char *entry, Side side, size_t index, vlp_tensor_info *info) {
  VLP_RETURN_IF_ERROR(require("vlp_module_*put", module, entry, info));
  auto found = module->module->entry(entry);
  if (!found)
    return found.status();
  const auto &tensors = tensorsOf(**found, side);
  if (index >= size_t(tensors.size()))
    return {StatusCode::NotFound, std::string("entry '") + entry + "' has " + std::to_string(tensors.size()) + " " +
                                      nameOf(side) + "s, no number " + std::to_string(index)};
  describe(tensors[int(index)], info);
  return Status::ok();
}

Status tensorCalled(const vlp_module *module, const char *entry, Side side, const char *name, vlp_tensor_info *info) {
  VLP_RETURN_IF_ERROR(require("vlp_module_find_*put", module, entry, name, info));
  auto found = module->module->entry(entry);
  if (!found)
    return found.status();
  std::string known;
  for (const vlp::format::Tensor &tensor : tensorsOf(**found, side)) {
    if (tensor.name() == name) {
      describe(tensor, info);
      return Status::ok();
    }
    known += (known.empty() ? "" : ", ") + tensor.name();
  }
  return {StatusCode::NotFound, std::string("entry '") + entry + "' has no " + nameOf(side) + " '" + name +
                                    "'; it has " + (known.empty() ? "none" : known)};
}

/// The sizes that the caller and the tensor mean must be the same.
Status checkSize(const char *entry, const char *name, uint64_t given, uint64_t needed) {
  if (given == needed)
    return Status::ok();
  return Status::invalid(std::string("entry '") + entry + "', tensor '" + name + "': expected " +
                         std::to_string(needed) + " bytes, got " + std::to_string(given));
}

} // namespace

extern "C" {

vlp_status *vlp_module_input_count(const vlp_module *module, const char *entry, size_t *count) {
  return guarded([&] { return countTensors(module, entry, Side::Input, count); });
}

vlp_status *vlp_module_output_count(const vlp_module *module, const char *entry, size_t *count) {
  return guarded([&] { return countTensors(module, entry, Side::Output, count); });
}

vlp_status *vlp_module_input(const vlp_module *module, const char *entry, size_t index, vlp_tensor_info *info) {
  return guarded([&] { return tensorAt(module, entry, Side::Input, index, info); });
}

vlp_status *vlp_module_output(const vlp_module *module, const char *entry, size_t index, vlp_tensor_info *info) {
  return guarded([&] { return tensorAt(module, entry, Side::Output, index, info); });
}

vlp_status *vlp_module_find_input(const vlp_module *module, const char *entry, const char *name,
                                  vlp_tensor_info *info) {
  return guarded([&] { return tensorCalled(module, entry, Side::Input, name, info); });
}

vlp_status *vlp_module_find_output(const vlp_module *module, const char *entry, const char *name,
                                   vlp_tensor_info *info) {
  return guarded([&] { return tensorCalled(module, entry, Side::Output, name, info); });
}

size_t vlp_module_state_count(const vlp_module *module) {
  return module ? size_t(module->module->manifest().state_size()) : 0;
}

vlp_status *vlp_module_state(const vlp_module *module, size_t index, vlp_tensor_info *info, vlp_state_kind *kind) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_module_state", module, info));
    if (index >= vlp_module_state_count(module))
      return {StatusCode::NotFound, "no state tensor number " + std::to_string(index)};
    const vlp::format::StateTensor &state = module->module->manifest().state(int(index));
    describe(state.tensor(), info);
    if (kind)
      *kind = vlp_state_kind(state.kind());
    return Status::ok();
  });
}

vlp_status *vlp_session_create(const vlp_module *module, const vlp_options *options, vlp_session **session) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_create", module, session));
    vlp::DeviceOptions device;
    VLP_RETURN_IF_ERROR(convertOptions(options, device));
    auto created = vlp::Session::create(module->module, device);
    if (!created)
      return created.status();
    *session = new vlp_session{std::move(*created)};
    return Status::ok();
  });
}

void vlp_session_free(vlp_session *session) { delete session; }

vlp_status *vlp_session_initialize(vlp_session *session, uint64_t seed) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_initialize", session));
    session->session->initialize(seed);
    return Status::ok();
  });
}

vlp_status *vlp_session_load_weights(vlp_session *session, const char *path) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_load_weights", session, path));
    return vlp::loadCheckpoint(*session->session, path, vlp::LoadMode::Weights).status();
  });
}

vlp_status *vlp_session_load_checkpoint(vlp_session *session, const char *path) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_load_checkpoint", session, path));
    return vlp::loadCheckpoint(*session->session, path, vlp::LoadMode::Full).status();
  });
}

vlp_status *vlp_session_save_checkpoint(vlp_session *session, const char *path) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_save_checkpoint", session, path));
    return vlp::saveCheckpoint(*session->session, path);
  });
}

vlp_status *vlp_session_set_input(vlp_session *session, const char *entry, const char *name, const void *data,
                                  uint64_t size) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_set_input", session, entry, name, data));
    auto input = session->session->input(entry, name);
    if (!input)
      return input.status();
    VLP_RETURN_IF_ERROR(checkSize(entry, name, size, input->size()));
    std::memcpy(input->data(), data, size);
    return Status::ok();
  });
}

vlp_status *vlp_session_input(vlp_session *session, const char *entry, const char *name, void **data, uint64_t *size) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_input", session, entry, name, data));
    auto input = session->session->input(entry, name);
    if (!input)
      return input.status();
    *data = input->data();
    if (size)
      *size = input->size();
    return Status::ok();
  });
}

vlp_status *vlp_session_run(vlp_session *session, const char *entry) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_run", session, entry));
    return session->session->run(entry);
  });
}

vlp_status *vlp_session_get_output(const vlp_session *session, const char *entry, const char *name, void *data,
                                   uint64_t size) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_get_output", session, entry, name, data));
    auto output = session->session->output(entry, name);
    if (!output)
      return output.status();
    VLP_RETURN_IF_ERROR(checkSize(entry, name, size, output->size()));
    std::memcpy(data, output->data(), size);
    return Status::ok();
  });
}

vlp_status *vlp_session_output(const vlp_session *session, const char *entry, const char *name, const void **data,
                               uint64_t *size) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_output", session, entry, name, data));
    auto output = session->session->output(entry, name);
    if (!output)
      return output.status();
    *data = output->data();
    if (size)
      *size = output->size();
    return Status::ok();
  });
}

vlp_status *vlp_session_state(vlp_session *session, const char *name, void **data, uint64_t *size) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_state", session, name, data));
    auto known = session->session->readState(name);
    if (!known)
      return known.status();
    auto bytes = session->session->state(name);
    *data = bytes.data();
    if (size)
      *size = bytes.size();
    return Status::ok();
  });
}

vlp_status *vlp_session_set_scalar(vlp_session *session, const char *name, float value) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_set_scalar", session, name));
    return session->session->setScalar(name, value);
  });
}

vlp_status *vlp_session_scalar(const vlp_session *session, const char *name, float *value) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_scalar", session, name, value));
    auto found = session->session->scalar(name);
    if (found)
      *value = *found;
    return found.status();
  });
}

vlp_status *vlp_session_counter(const vlp_session *session, const char *name, int32_t *value) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_counter", session, name, value));
    auto found = session->session->counter(name);
    if (found)
      *value = *found;
    return found.status();
  });
}

vlp_status *vlp_session_check_finite(vlp_session *session, const char *entry) {
  return guarded([&]() -> Status {
    VLP_RETURN_IF_ERROR(require("vlp_session_check_finite", session, entry));
    auto found = session->session->findNonFinite(entry);
    if (!found)
      return found.status();
    if (found->empty())
      return Status::ok();
    return {StatusCode::NotFinite, std::string("entry '") + entry + "': not finite first at " + *found};
  });
}

} // extern "C"
