// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Regions are byte vectors; tensors are copied in and out of their slots.
#include "test/passes/Plan/PlanRunner.h"
#include "llvm/ADT/bit.h"
#include <cstring>

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

namespace {
class PlanRunner {
public:
  explicit PlanRunner(plan::EntryOp entry) : entry(entry), module(entry->getParentOfType<ModuleOp>()) {}

  std::vector<Array<float>> run(const std::vector<Array<float>> &inputs, State<float> &state) {
    for (auto [tensor, value] : llvm::zip_equal(entry.getInputs().getAsRange<plan::TensorAttr>(), inputs))
      store(tensor.getSlot(), value);
    for (auto op : module.getOps<plan::StateOp>())
      store(op.getSlot(), state.at(op.getSymName().str()));
    for (auto op : module.getOps<plan::ConstantOp>()) {
      auto dense = cast<DenseElementsAttr>(op.getValue());
      Array<float> array(cast<RankedTensorType>(dense.getType()));
      if (array.ints.empty())
        llvm::copy(dense.getValues<float>(), array.values.begin());
      else
        llvm::copy(dense.getValues<int32_t>(), array.ints.begin());
      store(op.getSlot(), array);
    }
    for (Operation &op : entry.getBody().front()) {
      if (auto launch = dyn_cast<plan::LaunchOp>(op)) {
        runLaunch(launch);
      } else {
        auto copy = cast<plan::CopyOp>(op);
        std::memcpy(at(copy.getDestination()), at(copy.getSource()), copy.getSource().getSize());
      }
    }
    for (auto op : module.getOps<plan::StateOp>())
      state[op.getSymName().str()] = load(op.getSlot(), cast<RankedTensorType>(op.getType()));
    std::vector<Array<float>> outputs;
    for (auto tensor : entry.getOutputs().getAsRange<plan::TensorAttr>())
      outputs.push_back(load(tensor.getSlot(), tensor.getType()));
    return outputs;
  }

private:
  char *at(plan::SlotAttr slot) {
    std::vector<char> &region = regions[static_cast<int>(slot.getRegion())];
    if (static_cast<int64_t>(region.size()) < slot.getEnd())
      region.resize(slot.getEnd(), '\xcd');
    return region.data() + slot.getOffset();
  }

  /// A slot of two bytes an element holds bf16, the upper halves of f32 values.
  void store(plan::SlotAttr slot, const Array<float> &array) {
    const void *bytes = array.ints.empty() ? static_cast<const void *>(array.values.data()) : array.ints.data();
    std::vector<uint16_t> halves;
    if (array.ints.empty() && slot.getSize() == static_cast<int64_t>(2 * array.values.size())) {
      for (float value : array.values)
        halves.push_back(llvm::bit_cast<uint32_t>(value) >> 16);
      bytes = halves.data();
    }
    if (slot.getSize())
      std::memcpy(at(slot), bytes, slot.getSize());
  }

  Array<float> load(plan::SlotAttr slot, RankedTensorType type) {
    Array<float> array(type);
    if (type.getElementType().isBF16()) {
      std::vector<uint16_t> halves(array.values.size());
      if (slot.getSize())
        std::memcpy(halves.data(), at(slot), 2 * halves.size());
      for (auto [value, half] : llvm::zip_equal(array.values, halves))
        value = llvm::bit_cast<float>(uint32_t(half) << 16);
      return array;
    }
    void *bytes = array.ints.empty() ? static_cast<void *>(array.values.data()) : array.ints.data();
    if (slot.getSize())
      std::memcpy(bytes, at(slot), slot.getSize());
    return array;
  }

  void runLaunch(plan::LaunchOp launch) {
    auto kernelOp = module.lookupSymbol<plan::KernelOp>(launch.getKernel());
    KernelOp kernel = kernelOp.getKernel();
    SmallVector<plan::SlotAttr> slots(launch.getArguments().getAsRange<plan::SlotAttr>());
    if (launch.getStage() + 1 < kernelOp.getStages().size()) {
      for (plan::SlotAttr slot : ArrayRef(slots).take_back(launch.getWritten()))
        std::memset(at(slot), 0xcd, slot.getSize());
      // What the kernel reads is remembered here: the last stage may not see the inputs any more.
      pending.clear();
      loadInputs(launch, kernelOp, kernel);
      return;
    }
    loadInputs(launch, kernelOp, kernel);
    Evaluation<float> evaluation;
    for (unsigned i = 0; i < kernel.getNumOperands(); ++i)
      evaluation.operands.push_back(&pending.at(i));
    for (Type type : kernel.getResultTypes())
      evaluation.results.emplace_back(cast<RankedTensorType>(type));
    if (failed(kernel.evaluateF32(evaluation)))
      return;
    auto names = kernelOp.getStage(launch.getStage()).getArguments().getAsRange<StringAttr>();
    for (auto [name, slot] : llvm::zip_equal(names, slots)) {
      unsigned index;
      if (StringRef text = name.getValue(); text.consume_front("out") && !text.getAsInteger(10, index))
        store(slot, evaluation.results[index]);
    }
    pending.clear();
  }

  void loadInputs(plan::LaunchOp launch, plan::KernelOp kernelOp, KernelOp kernel) {
    auto names = kernelOp.getStage(launch.getStage()).getArguments().getAsRange<StringAttr>();
    for (auto [name, slot] : llvm::zip_equal(names, launch.getArguments().getAsRange<plan::SlotAttr>())) {
      unsigned index;
      if (StringRef text = name.getValue(); text.consume_front("in") && !text.getAsInteger(10, index))
        pending[index] = load(slot, cast<RankedTensorType>(kernel.getOperand(index).getType()));
    }
  }

  plan::EntryOp entry;
  ModuleOp module;
  std::vector<char> regions[5];
  std::map<unsigned, Array<float>> pending; // inputs of the kernel in progress
};
} // namespace

std::vector<Array<float>> vlp::test::runPlan(ModuleOp module, StringRef entry, const std::vector<Array<float>> &inputs,
                                             State<float> &state) {
  return PlanRunner(module.lookupSymbol<plan::EntryOp>(entry)).run(inputs, state);
}
