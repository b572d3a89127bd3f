// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Binds entries to device memory.
#include "runtime/cuda/CudaEntry.h"

#include <algorithm>

namespace vlp::cuda {

/// Outputs of at most this many bytes come to the host in one copy: a copy costs some microseconds, whatever its size.
static constexpr uint64_t kOneCopy = 64 << 10;

Expected<std::unique_ptr<CudaEntry>> CudaEntry::bind(const Device &device, const format::Entry &entry,
                                                     const format::Manifest &manifest,
                                                     std::span<const FunctionHandle> functions,
                                                     RegionAddresses shared) {
  std::unique_ptr<CudaEntry> bound(new CudaEntry(entry));
  bound->driver = &device.driver();
  VLP_RETURN_IF_ERROR(bound->allocate(device));
  shared[format::INPUT] = bound->inputs.get();
  shared[format::OUTPUT] = bound->outputs.get();
  bound->bindOps(functions, shared);
  bound->findWrittenState(manifest);
  bound->planDownloads();
  for (size_t i = 0; i < bound->copies.size(); ++i) {
    auto event = device.makeEvent();
    if (!event)
      return event.status();
    bound->made.push_back(std::move(*event));
  }
  return bound;
}

Status CudaEntry::allocate(const Device &device) {
  std::string of = " of entry '" + description->name() + "'";
  auto hostIn = device.allocatePinned(description->input_size(), "the inputs" + of);
  auto hostOut = device.allocatePinned(description->output_size(), "the outputs" + of);
  for (auto *memory : {&hostIn, &hostOut})
    if (!*memory)
      return memory->status();
  auto waiting = device.allocate(description->input_size(), "the inputs" + of);
  auto in = device.allocate(description->input_size(), "the inputs" + of);
  auto out = device.allocate(description->output_size(), "the outputs" + of);
  for (auto *memory : {&waiting, &in, &out})
    if (!*memory)
      return memory->status();
  hostInputs = std::move(*hostIn);
  hostOutputs = std::move(*hostOut);
  staged = std::move(*waiting);
  inputs = std::move(*in);
  outputs = std::move(*out);
  for (Event *event : {&uploaded, &taken, &downloaded}) {
    auto made = device.makeEvent();
    if (!made)
      return made.status();
    *event = std::move(*made);
  }
  return Status::ok();
}

void CudaEntry::bindOps(std::span<const FunctionHandle> functions, const RegionAddresses &addresses) {
  auto addressOf = [&](const format::Slot &slot) { return addresses[size_t(slot.region())] + slot.offset(); };
  for (const format::Op &op : description->ops()) {
    for (const format::Slot &slot : op.launch().args())
      arguments.push_back(addressOf(slot));
    arguments.push_back(0); // so that a kernel without arguments has a place of its own, too
  }
  for (DevicePointer &argument : arguments)
    argumentPointers.push_back(&argument);
  size_t next = 0;
  for (const format::Op &op : description->ops()) {
    Step &step = ops.emplace_back();
    step.op = &op;
    if (op.has_launch()) {
      step.function = functions[op.launch().kernel()];
      step.parameters = argumentPointers.data() + next;
    } else {
      step.to = addressOf(op.copy().dst());
      step.from = addressOf(op.copy().src());
    }
    next += size_t(op.launch().args_size()) + 1;
  }
}

/// Calls `visit` for each slot that an op writes.
template <typename Visit>
static void forWritten(const format::Op &op, Visit visit) {
  if (op.has_copy())
    return visit(op.copy().dst());
  const format::Launch &launch = op.launch();
  for (int i = launch.args_size() - launch.results_size(); i < launch.args_size(); ++i)
    visit(launch.args(i));
}

static bool overlap(const format::Slot &a, const format::Slot &b) {
  return a.region() == b.region() && a.offset() < b.offset() + b.size() && b.offset() < a.offset() + a.size();
}

void CudaEntry::findWrittenState(const format::Manifest &manifest) {
  written.resize(size_t(manifest.state_size()));
  for (const format::Op &op : description->ops())
    forWritten(op, [&](const format::Slot &slot) {
      if (slot.region() != format::STATE)
        return;
      for (int i = 0; i < manifest.state_size(); ++i)
        if (overlap(slot, manifest.state(i).tensor().slot()))
          written[size_t(i)] = true;
    });
}

void CudaEntry::planDownloads() {
  std::vector<format::Slot> slots;
  if (description->output_size() <= kOneCopy) {
    slots.resize(description->output_size() ? 1 : 0);
    for (format::Slot &slot : slots) {
      slot.set_region(format::OUTPUT);
      slot.set_size(description->output_size());
    }
  } else {
    for (const format::Tensor &tensor : description->outputs())
      slots.push_back(tensor.slot());
  }
  for (const format::Slot &slot : slots) {
    Download download{0, slot.offset(), slot.size()};
    for (size_t i = 0; i < ops.size(); ++i)
      forWritten(*ops[i].op, [&](const format::Slot &other) {
        if (overlap(slot, other))
          download.lastOp = i;
      });
    if (slot.size() && !ops.empty())
      copies.push_back(download);
  }
  std::sort(copies.begin(), copies.end(), [](const Download &a, const Download &b) {
    return a.lastOp != b.lastOp ? a.lastOp < b.lastOp : a.offset < b.offset;
  });
}

Result CudaEntry::enqueue(const Step &step, StreamHandle stream) const {
  if (!step.function) {
    bool nothing = step.to == step.from || step.op->copy().src().size() == 0;
    return nothing ? Result(kSuccess)
                   : driver->cuMemcpyDtoDAsync(step.to, step.from, step.op->copy().src().size(), stream);
  }
  const format::Launch &launch = step.op->launch();
  if (launch.tasks() == 0) // CUDA refuses an empty grid
    return kSuccess;
  return driver->cuLaunchKernel(step.function, unsigned(launch.tasks()), 1, 1, launch.threads(), 1, 1,
                                unsigned(launch.shared()), stream, step.parameters, nullptr);
}

std::string CudaEntry::describe(const Step &step, const format::Program &program) const {
  std::string where = "entry '" + description->name() + "', layer '";
  if (!step.function)
    return where + step.op->copy().layer() + "', copy of " + std::to_string(step.op->copy().src().size()) + " bytes";
  const format::Launch &launch = step.op->launch();
  return where + launch.layer() + "', kernel " + program.kernels(int(launch.kernel())).name() + " (" +
         std::to_string(launch.tasks()) + " blocks of " + std::to_string(launch.threads()) + " threads, " +
         std::to_string(launch.shared()) + " bytes of shared memory)";
}

const Step *CudaEntry::find(void *const *parameters) const {
  auto found = std::find_if(ops.begin(), ops.end(),
                            [&](const Step &step) { return step.function && step.parameters == parameters; });
  return parameters && found != ops.end() ? &*found : nullptr;
}

} // namespace vlp::cuda
