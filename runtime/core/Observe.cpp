// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs that look at every op's results: observers, and the search for the first value that is not finite.
#include "runtime/core/SessionImpl.h"

#include <algorithm>
#include <cstring>

namespace vlp {

Status Session::Impl::saveState() {
  snapshot.resize(module->manifest().state_bytes());
  for (int i = 0; i < module->manifest().state_size(); ++i) {
    auto bytes = executor->state(size_t(i), false);
    if (!bytes)
      return bytes.status();
    std::copy(bytes->begin(), bytes->end(),
              snapshot.begin() + int64_t(module->manifest().state(i).tensor().slot().offset()));
  }
  return Status::ok();
}

Status Session::Impl::restoreState() {
  for (int i = 0; i < module->manifest().state_size(); ++i) {
    auto bytes = executor->state(size_t(i), true);
    if (!bytes)
      return bytes.status();
    auto saved = snapshot.begin() + int64_t(module->manifest().state(i).tensor().slot().offset());
    std::copy(saved, saved + int64_t(bytes->size()), bytes->begin());
  }
  return Status::ok();
}

Status Session::runObserved(std::string_view entry, const std::function<Status(size_t, const format::Op &)> &visit,
                            bool keepState) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  Executor &executor = *impl->executor;
  const format::Entry &what = *(*bound)->entry;
  size_t index = (*bound)->index;
  VLP_RETURN_IF_ERROR(executor.wait());
  VLP_RETURN_IF_ERROR(impl->prepare(**bound));
  bool restore = keepState && what.writes_state();
  if (restore)
    VLP_RETURN_IF_ERROR(impl->saveState());
  VLP_RETURN_IF_ERROR(executor.beginOps(index));
  Status status;
  for (int i = 0; i < what.ops_size() && status; ++i) {
    status = executor.runOp(index, size_t(i));
    if (status)
      status = visit(size_t(i), what.ops(i));
  }
  Status ended = executor.endOps(index), restored;
  if (restore)
    restored = impl->restoreState();
  return !status ? status : !ended ? ended : restored;
}

/// The index of the first of the numbers that is not finite, or -1. Word: their bits; in both types an exponent of all
/// ones, `exponent`, means that.
template <typename Word>
static int64_t firstNonFinite(std::span<const std::byte> bytes, Word exponent) {
  for (size_t i = 0; i < bytes.size() / sizeof(Word); ++i) {
    Word word;
    std::memcpy(&word, bytes.data() + sizeof word * i, sizeof word);
    if ((word & exponent) == exponent)
      return int64_t(i);
  }
  return -1;
}

static int64_t firstNonFinite(std::span<const std::byte> bytes, format::Launch::Result type) {
  switch (type) {
  case format::Launch::FLOAT32: return firstNonFinite<uint32_t>(bytes, 0x7f800000);
  case format::Launch::BFLOAT16: return firstNonFinite<uint16_t>(bytes, 0x7f80);
  default: return -1;
  }
}

static std::string describeOp(const format::Op &op, const format::Program &program) {
  if (op.has_copy())
    return "layer '" + op.copy().layer() + "' (copy)";
  const format::Launch &launch = op.launch();
  return "layer '" + launch.layer() + "' (kernel " + program.kernels(int(launch.kernel())).name() +
         (launch.backward() ? ", backward)" : ")");
}

/// Names an input or state tensor that is not finite before anything has run; an empty string when there is none.
static Expected<std::string> findInOperands(Executor &executor, size_t index, const format::Entry &entry,
                                            const format::Manifest &manifest) {
  auto describe = [&](const char *what, const format::Tensor &tensor,
                      Expected<std::span<const std::byte>> bytes) -> Expected<std::string> {
    if (tensor.dtype() != format::F32 || !bytes)
      return bytes ? Expected<std::string>("") : Expected<std::string>(bytes.status());
    int64_t at = firstNonFinite(*bytes, format::Launch::FLOAT32);
    return at < 0 ? "" : std::string(what) + " '" + tensor.name() + "' (element " + std::to_string(at) + ")";
  };
  for (const format::Tensor &tensor : entry.inputs())
    if (auto found = describe("input", tensor, executor.view(index, tensor.slot())); !found || !found->empty())
      return found;
  for (int i = 0; i < manifest.state_size(); ++i) {
    const format::StateTensor &state = manifest.state(i);
    const char *what = state.kind() == format::StateTensor::PARAMETER ? "parameter" : "state";
    auto bytes = executor.state(size_t(i), false);
    auto view =
        bytes ? Expected<std::span<const std::byte>>(*bytes) : Expected<std::span<const std::byte>>(bytes.status());
    if (auto found = describe(what, state.tensor(), view); !found || !found->empty())
      return found;
  }
  return std::string();
}

/// Whether a result of the op is not finite.
static Expected<bool> makesNonFinite(Executor &executor, size_t index, const format::Op &op) {
  if (!op.has_launch())
    return false;
  const format::Launch &launch = op.launch();
  for (int i = 0; i < launch.results_size(); ++i) {
    auto bytes = executor.view(index, launch.args(launch.args_size() - launch.results_size() + i));
    if (!bytes)
      return bytes.status();
    if (firstNonFinite(*bytes, launch.results(i)) >= 0)
      return true;
  }
  return false;
}

Expected<std::string> Session::findNonFinite(std::string_view entry) {
  auto bound = impl->find(entry);
  if (!bound)
    return bound.status();
  Executor &executor = *impl->executor;
  const format::Manifest &manifest = module().manifest();
  const format::Entry &what = *(*bound)->entry;
  size_t index = (*bound)->index;
  VLP_RETURN_IF_ERROR(executor.wait());
  if (auto found = findInOperands(executor, index, what, manifest); !found || !found->empty())
    return found;
  VLP_RETURN_IF_ERROR(impl->prepare(**bound));
  // Padding that kernels leave unwritten must not be taken for their results.
  VLP_RETURN_IF_ERROR(executor.fill(index, std::byte(0)));
  if (what.writes_state())
    VLP_RETURN_IF_ERROR(impl->saveState());
  VLP_RETURN_IF_ERROR(executor.beginOps(index));
  std::string found;
  Status status;
  for (int i = 0; i < what.ops_size() && found.empty() && status; ++i) {
    status = executor.runOp(index, size_t(i));
    if (!status)
      break;
    auto bad = makesNonFinite(executor, index, what.ops(i));
    if (!bad)
      status = bad.status();
    else if (*bad)
      found = describeOp(what.ops(i), module().program());
  }
  Status ended = executor.endOps(index), restored;
  if (what.writes_state())
    restored = impl->restoreState();
  for (const Status &outcome : {status, ended, restored})
    VLP_RETURN_IF_ERROR(outcome);
  return found;
}

} // namespace vlp
