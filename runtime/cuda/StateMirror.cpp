// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Copies state between host and device when one side has what the other needs.
#include "runtime/cuda/StateMirror.h"

#include <algorithm>

namespace vlp::cuda {

Status StateMirror::allocate(const Device &gpu, const format::Manifest &manifest, const std::string &path) {
  driver = &gpu.driver();
  auto hostMemory = Memory::allocate(manifest.state_bytes(), "the state of " + path);
  auto deviceMemory = gpu.allocate(manifest.state_bytes(), "the state of " + path);
  if (!hostMemory || !deviceMemory)
    return hostMemory ? deviceMemory.status() : hostMemory.status();
  host = std::move(*hostMemory);
  device = std::move(*deviceMemory);
  for (const format::StateTensor &state : manifest.state())
    tensors.push_back({state.tensor().slot().offset(), state.tensor().slot().size()});
  return Status::ok();
}

Status StateMirror::download(uint64_t offset, uint64_t size, StreamHandle stream) {
  if (size == 0)
    return Status::ok();
  Result result = driver->cuMemcpyDtoHAsync(host.data() + offset, device.get() + offset, size, stream);
  if (result == kSuccess)
    result = driver->cuStreamSynchronize(stream);
  return checkResult(*driver, result, "cannot copy state from the GPU");
}

Expected<std::span<std::byte>> StateMirror::access(size_t index, bool write, StreamHandle stream) {
  Tensor &tensor = tensors[index];
  if (tensor.stale)
    VLP_RETURN_IF_ERROR(download(tensor.offset, tensor.size, stream));
  tensor.stale = false;
  tensor.written |= write;
  return std::span(host.data() + tensor.offset, tensor.size);
}

Expected<std::span<const std::byte>> StateMirror::view(const format::Slot &slot, StreamHandle stream) {
  bool newer = std::any_of(tensors.begin(), tensors.end(), [&](const Tensor &tensor) {
    return tensor.written && slot.offset() < tensor.offset + tensor.size && tensor.offset < slot.offset() + slot.size();
  });
  if (!newer)
    VLP_RETURN_IF_ERROR(download(slot.offset(), slot.size(), stream));
  return std::span<const std::byte>(host.data() + slot.offset(), slot.size());
}

Status StateMirror::push(StreamHandle stream) {
  for (Tensor &tensor : tensors) {
    if (!tensor.written)
      continue;
    tensor.written = false;
    if (!tensor.size)
      continue;
    Result result =
        driver->cuMemcpyHtoDAsync(device.get() + tensor.offset, host.data() + tensor.offset, tensor.size, stream);
    VLP_RETURN_IF_ERROR(checkResult(*driver, result, "cannot copy state to the GPU"));
  }
  return Status::ok();
}

void StateMirror::changedOnDevice(const std::vector<bool> &changed) {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (changed[i])
      tensors[i].stale = true;
}

} // namespace vlp::cuda
