// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs that look at every op's results: observers, and the search for the first value that is not finite.
#include "runtime/core/SessionImpl.h"

#include <cmath>
#include <cstring>

namespace vlp {

void Session::Impl::saveState() { snapshot.assign(state.data(), state.data() + state.size()); }

void Session::Impl::restoreState() {
  if (!snapshot.empty())
    std::memcpy(state.data(), snapshot.data(), snapshot.size());
}

Status Session::runObserved(std::string_view entry, const std::function<Status(size_t, const format::Op &)> &visit,
                            bool keepState) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  VLP_RETURN_IF_ERROR(impl->prepare(**bound));
  bool restore = keepState && (*bound)->entry->writes_state();
  if (restore)
    impl->saveState();
  const Executor &executor = *(*bound)->executor;
  Status status;
  for (size_t i = 0; i < executor.size() && status; ++i) {
    executor.runOp(i, impl->pool, impl->scratch);
    status = visit(i, executor.op(i));
  }
  if (restore)
    impl->restoreState();
  return status;
}

/// The index of the first f32 that is not finite, or -1.
static int64_t firstNonFinite(std::span<const std::byte> bytes) {
  for (size_t i = 0; i < bytes.size() / 4; ++i) {
    float value;
    std::memcpy(&value, bytes.data() + 4 * i, sizeof value);
    if (!std::isfinite(value))
      return int64_t(i);
  }
  return -1;
}

static bool contains(const format::Slot &outer, const format::Slot &inner) {
  return outer.region() == inner.region() && inner.offset() >= outer.offset() &&
         inner.offset() + inner.size() <= outer.offset() + outer.size();
}

/// Whether `slot` is known to hold integers: many of them would look like NaN.
static bool holdsIntegers(const format::Slot &slot, const format::Entry &entry, const format::Manifest &manifest) {
  if (slot.region() == format::OUTPUT)
    for (const format::Tensor &tensor : entry.outputs())
      if (contains(tensor.slot(), slot))
        return tensor.dtype() != format::F32;
  if (slot.region() == format::STATE)
    for (const format::StateTensor &state : manifest.state())
      if (contains(state.tensor().slot(), slot))
        return state.tensor().dtype() != format::F32;
  return false;
}

static std::string describeOp(const format::Op &op, const format::Program &program) {
  if (op.has_copy())
    return "layer '" + op.copy().layer() + "' (copy)";
  const format::Launch &launch = op.launch();
  return "layer '" + launch.layer() + "' (kernel " + program.kernels(int(launch.kernel())).name() +
         (launch.backward() ? ", backward)" : ")");
}

/// Names an input or state tensor that is not finite before anything has run; an empty string when there is none.
static std::string findInOperands(const format::Entry &entry, const format::Manifest &manifest,
                                  const RegionBases &bases) {
  auto describe = [&](const char *what, const format::Tensor &tensor) -> std::string {
    if (tensor.dtype() != format::F32)
      return "";
    int64_t at = firstNonFinite({bases[size_t(tensor.slot().region())] + tensor.slot().offset(), tensor.slot().size()});
    return at < 0 ? "" : std::string(what) + " '" + tensor.name() + "' (element " + std::to_string(at) + ")";
  };
  for (const format::Tensor &tensor : entry.inputs())
    if (auto found = describe("input", tensor); !found.empty())
      return found;
  for (const format::StateTensor &state : manifest.state()) {
    const char *what = state.kind() == format::StateTensor::PARAMETER ? "parameter" : "state";
    if (auto found = describe(what, state.tensor()); !found.empty())
      return found;
  }
  return "";
}

Expected<std::string> Session::findNonFinite(std::string_view entry) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  const format::Manifest &manifest = module().manifest();
  const format::Entry &what = *(*bound)->entry;
  if (auto found = findInOperands(what, manifest, (*bound)->bases); !found.empty())
    return found;
  VLP_RETURN_IF_ERROR(impl->prepare(**bound));
  // Padding that kernels leave unwritten must not be taken for their results.
  std::memset(impl->arena.data(), 0, size_t(what.arena_size()));
  std::memset((*bound)->outputs.data(), 0, (*bound)->outputs.size());
  if (what.writes_state())
    impl->saveState();
  std::string found;
  const Executor &executor = *(*bound)->executor;
  for (size_t i = 0; i < executor.size() && found.empty(); ++i) {
    executor.runOp(i, impl->pool, impl->scratch);
    const format::Op &op = executor.op(i);
    if (!op.has_launch())
      continue;
    const format::Launch &launch = op.launch();
    for (int arg = launch.args_size() - int(launch.results()); arg < launch.args_size(); ++arg) {
      const format::Slot &slot = launch.args(arg);
      std::span<const std::byte> bytes((*bound)->bases[size_t(slot.region())] + slot.offset(), slot.size());
      if (!holdsIntegers(slot, what, manifest) && firstNonFinite(bytes) >= 0) {
        found = describeOp(op, module().program());
        break;
      }
    }
  }
  if (what.writes_state())
    impl->restoreState();
  return found;
}

} // namespace vlp
