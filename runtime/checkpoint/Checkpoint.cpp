// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Saves and loads the state of a session.
#include "runtime/checkpoint/Checkpoint.h"

#include "runtime/checkpoint/Safetensors.h"

#include <algorithm>
#include <set>

namespace vlp {

static constexpr char kVersionKey[] = "vlpc.checkpoint";
static constexpr char kVersion[] = "1";
/// The names of moments, counters and scalars, one a line: a file compiled without a training entry does not know them.
static constexpr char kOtherStateKey[] = "vlpc.other_state";

static SafetensorsType typeOf(const format::Tensor &tensor) {
  return tensor.dtype() == format::F32 ? SafetensorsType::F32 : SafetensorsType::I32;
}

template <typename Shape>
static std::string describeShape(const Shape &shape) {
  std::string text = "[";
  for (int64_t extent : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

Status saveCheckpoint(Session &session, const std::string &path, const CheckpointMetadata &metadata) {
  const format::Manifest &manifest = session.module().manifest();
  std::vector<SafetensorsTensor> tensors;
  std::string others;
  for (const format::StateTensor &state : manifest.state()) {
    const format::Tensor &tensor = state.tensor();
    auto bytes = session.readState(tensor.name());
    if (!bytes)
      return bytes.status();
    tensors.push_back({tensor.name(), typeOf(tensor), {tensor.shape().begin(), tensor.shape().end()}, *bytes});
    if (state.kind() != format::StateTensor::PARAMETER)
      others += tensor.name() + "\n";
  }
  CheckpointMetadata all = metadata;
  all[kVersionKey] = kVersion;
  all[kOtherStateKey] = others;
  all["vlpc.model"] = manifest.model();
  all["vlpc.architecture"] = manifest.architecture();
  return writeSafetensors(path, std::move(tensors), all);
}

namespace {

/// Pairs the tensors of a file with those of a session and collects what does not fit.
class Matching {
public:
  Matching(const SafetensorsFile &file, const Module &module, LoadMode mode) : file(file), module(module), mode(mode) {
    auto found = file.metadata().find(kOtherStateKey);
    if (found == file.metadata().end())
      return;
    const std::string &names = found->second;
    for (size_t begin = 0, end; (end = names.find('\n', begin)) != std::string::npos; begin = end + 1)
      otherState.insert(names.substr(begin, end - begin));
  }

  /// Pairs of a state tensor and what fills it.
  std::map<const format::StateTensor *, const SafetensorsTensor *> pairs;

  Status match() {
    for (const SafetensorsTensor &tensor : file.tensors())
      place(tensor);
    for (const format::StateTensor &state : module.manifest().state())
      if (wanted(state) && !pairs.contains(&state) && !takeFromOriginal(state))
        missing.push_back("missing: " + describe(state.tensor()));
    return report();
  }

private:
  /// Weights without a twin are the twin's first values, too.
  bool takeFromOriginal(const format::StateTensor &twin) {
    if (mode == LoadMode::Full || twin.twin_of().empty())
      return false;
    auto found = pairs.find(module.findState(twin.twin_of()));
    return found == pairs.end() ? false : pairs.emplace(&twin, found->second).second;
  }

  static std::string describe(const format::Tensor &tensor) {
    return "'" + tensor.name() + "', " + toString(typeOf(tensor)) + " " + describeShape(tensor.shape());
  }
  static std::string describe(const SafetensorsTensor &tensor) {
    return std::string(toString(tensor.type)) + " " + describeShape(tensor.shape);
  }

  bool wanted(const format::StateTensor &state) const {
    return mode == LoadMode::Full || state.kind() == format::StateTensor::PARAMETER;
  }

  /// The state tensor that a file's tensor is for; null with `ignored` set when it is to be passed over.
  const format::StateTensor *target(const SafetensorsTensor &tensor, bool &ignored) const {
    ignored = false;
    const format::StateTensor *state = module.findState(tensor.name);
    if (!state) {
      auto alias = module.manifest().aliases().find(tensor.name);
      if (alias != module.manifest().aliases().end()) {
        ignored = alias->second.empty() && mode == LoadMode::Weights;
        state = module.findState(alias->second);
      }
    }
    bool isBuffer = state && state->kind() == format::StateTensor::BUFFER;
    if (mode == LoadMode::Weights && !isBuffer && (otherState.contains(tensor.name) || (state && !wanted(*state)))) {
      ignored = true;
      return nullptr;
    }
    return state;
  }

  bool typeFits(const SafetensorsTensor &tensor, const format::StateTensor &state) const {
    if (mode == LoadMode::Full || state.tensor().dtype() != format::F32)
      return tensor.type == typeOf(state.tensor());
    return tensor.type == SafetensorsType::F32 || tensor.type == SafetensorsType::F16 ||
           tensor.type == SafetensorsType::BF16 || tensor.type == SafetensorsType::F64;
  }

  bool shapeFits(const SafetensorsTensor &tensor, const format::Tensor &state) const {
    if (std::equal(tensor.shape.begin(), tensor.shape.end(), state.shape().begin(), state.shape().end()))
      return true;
    // One number is [] here and [1] there.
    return mode == LoadMode::Weights && tensor.elements() == 1 && state.slot().size() == 4;
  }

  void place(const SafetensorsTensor &tensor) {
    bool ignored;
    const format::StateTensor *state = target(tensor, ignored);
    if (ignored)
      return;
    if (state && tensor.name != state->tensor().name() && file.find(state->tensor().name()))
      placeTied(tensor, *state);
    else if (!state)
      extra.push_back("not expected: '" + tensor.name + "', " + describe(tensor));
    else if (!pairs.emplace(state, &tensor).second)
      wrong.push_back("given twice: '" + state->tensor().name() + "', also as '" + tensor.name + "'");
    else if (!typeFits(tensor, *state) || !shapeFits(tensor, state->tensor()))
      wrong.push_back("wrong: expected " + describe(state->tensor()) + ", found " + describe(tensor) +
                      (tensor.name == state->tensor().name() ? "" : " (as '" + tensor.name + "')"));
  }

  /// A second copy of what the file also has under its own name.
  void placeTied(const SafetensorsTensor &tensor, const format::StateTensor &state) {
    const SafetensorsTensor &own = *file.find(state.tensor().name());
    if (tensor.type != own.type || tensor.shape != own.shape || !std::ranges::equal(tensor.data, own.data))
      wrong.push_back("tied: '" + tensor.name + "' and '" + own.name + "' are one tensor here, expected equal values");
  }

  Status report() const {
    if (missing.empty() && extra.empty() && wrong.empty())
      return Status::ok();
    std::string text = file.path() + ": these weights do not fit " + module.path() + ": " +
                       std::to_string(missing.size()) + " missing, " + std::to_string(extra.size()) +
                       " not expected, " + std::to_string(wrong.size()) + " of another shape or type";
    for (const auto *lines : {&missing, &extra, &wrong})
      for (const std::string &line : *lines)
        text += "\n  " + line;
    return Status::invalid(std::move(text));
  }

  const SafetensorsFile &file;
  const Module &module;
  LoadMode mode;
  std::set<std::string> otherState;
  std::vector<std::string> missing, extra, wrong;
};

} // namespace

/// Refuses checkpoints that a later version wrote.
static Status checkVersion(const SafetensorsFile &file) {
  auto version = file.metadata().find(kVersionKey);
  if (version == file.metadata().end() || version->second == kVersion)
    return Status::ok();
  return {StatusCode::DataLoss,
          file.path() + ": a checkpoint of version " + version->second + ", this runtime reads version " + kVersion};
}

static CheckpointMetadata ownMetadata(const SafetensorsFile &file) {
  CheckpointMetadata metadata = file.metadata();
  metadata.erase(kOtherStateKey);
  return metadata;
}

/// Moments and counters as they are before the first step. Their initialisers are constants.
static Status resetOptimizer(Session &session) {
  for (const format::StateTensor &state : session.module().manifest().state()) {
    if (state.kind() != format::StateTensor::MOMENT && state.kind() != format::StateTensor::COUNTER)
      continue;
    VLP_RETURN_IF_ERROR(session.readState(state.tensor().name()).status());
    auto bytes = session.state(state.tensor().name());
    if (state.tensor().dtype() == format::F32)
      std::fill_n(reinterpret_cast<float *>(bytes.data()), bytes.size() / 4, float(state.init().a()));
    else
      std::fill_n(reinterpret_cast<int32_t *>(bytes.data()), bytes.size() / 4, int32_t(state.init().a()));
  }
  return Status::ok();
}

Expected<CheckpointMetadata> loadCheckpoint(Session &session, const std::string &path, LoadMode mode) {
  auto file = SafetensorsFile::open(path);
  if (!file)
    return file.status();
  VLP_RETURN_IF_ERROR(checkVersion(*file));
  Matching matching(*file, session.module(), mode);
  VLP_RETURN_IF_ERROR(matching.match());
  // Types fit from here on, so no conversion can fail half way through.
  for (auto [state, tensor] : matching.pairs) {
    VLP_RETURN_IF_ERROR(session.readState(state->tensor().name()).status());
    auto bytes = session.state(state->tensor().name());
    if (state->tensor().dtype() == format::F32)
      VLP_RETURN_IF_ERROR(tensor->read(std::span(reinterpret_cast<float *>(bytes.data()), bytes.size() / 4)));
    else
      VLP_RETURN_IF_ERROR(tensor->read(std::span(reinterpret_cast<int32_t *>(bytes.data()), bytes.size() / 4)));
  }
  if (mode == LoadMode::Weights)
    VLP_RETURN_IF_ERROR(resetOptimizer(session));
  return ownMetadata(*file);
}

Expected<CheckpointMetadata> readCheckpointMetadata(const std::string &path) {
  auto file = SafetensorsFile::open(path);
  if (!file)
    return file.status();
  return ownMetadata(*file);
}

} // namespace vlp
