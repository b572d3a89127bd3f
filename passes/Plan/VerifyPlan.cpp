// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-verify-plan: abstract execution of a plan on memory that remembers which value each byte holds.
#include "dialect/Plan/Plan.h"
#include "passes/Plan/Passes.h"
#include <map>

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_VERIFYPLAN
#include "passes/Plan/Passes.h.inc"
} // namespace vlp

namespace {
/// Bytes of one region by the value they hold. Bytes that nobody wrote are in no segment.
class RegionMemory {
public:
  void write(int64_t begin, int64_t end, int64_t value) {
    if (begin == end)
      return;
    splitAt(begin);
    splitAt(end);
    segments.erase(segments.lower_bound(begin), segments.lower_bound(end));
    segments[begin] = {end, value};
  }

  /// Describes the first byte of begin..end that does not hold `value`; empty if all do.
  std::string findOther(int64_t begin, int64_t end, int64_t value) {
    splitAt(begin);
    splitAt(end);
    int64_t cursor = begin;
    for (auto it = segments.lower_bound(begin); it != segments.end() && it->first < end; ++it) {
      if (it->first != cursor)
        break;
      if (it->second.value != value)
        return "value " + std::to_string(it->second.value) + " at byte " + std::to_string(cursor);
      cursor = it->second.end;
    }
    return cursor < end ? "nothing at byte " + std::to_string(cursor) : "";
  }

private:
  struct Segment {
    int64_t end;
    int64_t value;
  };

  /// Makes `point` a boundary of segments.
  void splitAt(int64_t point) {
    auto it = segments.upper_bound(point);
    if (it == segments.begin())
      return;
    --it;
    Segment segment = it->second;
    if (it->first == point || segment.end <= point)
      return;
    it->second.end = point;
    segments[point] = segment;
  }

  std::map<int64_t, Segment> segments; // by begin; disjoint
};

/// Executes one entry.
class EntryVerifier {
public:
  explicit EntryVerifier(plan::EntryOp entry) : entry(entry) {}

  LogicalResult run() {
    for (auto constant : entry->getParentOfType<ModuleOp>().getOps<plan::ConstantOp>())
      write(constant.getSlot());
    for (auto input : entry.getInputs().getAsRange<plan::TensorAttr>())
      write(input.getSlot());
    for (auto slot : entry.getInitialState().getAsRange<plan::SlotAttr>())
      write(slot);
    for (Operation &op : entry.getBody().front()) {
      if (auto launch = dyn_cast<plan::LaunchOp>(op))
        execute(launch);
      else if (auto copy = dyn_cast<plan::CopyOp>(op))
        execute(copy);
    }
    for (auto output : entry.getOutputs().getAsRange<plan::TensorAttr>())
      expect(entry, output.getSlot(), "output '" + output.getName().str() + "' at the end");
    for (auto slot : entry.getFinalState().getAsRange<plan::SlotAttr>())
      expect(entry, slot, "state at the end");
    return success(ok);
  }

private:
  RegionMemory &getMemory(plan::SlotAttr slot) { return memory[static_cast<int>(slot.getRegion())]; }

  void write(plan::SlotAttr slot) { getMemory(slot).write(slot.getOffset(), slot.getEnd(), slot.getValue()); }

  void expect(Operation *op, plan::SlotAttr slot, const Twine &what) {
    std::string other = getMemory(slot).findOther(slot.getOffset(), slot.getEnd(), slot.getValue());
    if (other.empty())
      return;
    op->emitError() << "expected " << slot << " (" << what << ") to hold value " << slot.getValue() << ", got "
                    << other;
    ok = false;
  }

  /// A write to state must be to a tensor that the entry declares to change.
  void checkState(Operation *op, plan::SlotAttr slot) {
    if (slot.getRegion() != plan::Memory::State)
      return;
    for (auto declared : entry.getFinalState().getAsRange<plan::SlotAttr>())
      if (declared.getOffset() == slot.getOffset() && declared.getSize() == slot.getSize())
        return;
    op->emitError() << "expected writes to declared state only, got one to " << slot;
    ok = false;
  }

  void execute(plan::CopyOp copy) {
    expect(copy, copy.getSource(), "source of a copy");
    if (copy.getSource().getValue() != copy.getDestination().getValue()) {
      copy.emitError() << "expected a copy to keep the value " << copy.getSource().getValue() << ", got "
                       << copy.getDestination().getValue();
      ok = false;
    }
    checkState(copy, copy.getDestination());
    write(copy.getDestination());
  }

  void execute(plan::LaunchOp launch) {
    auto kernel = SymbolTable::lookupNearestSymbolFrom<plan::KernelOp>(launch, launch.getKernelAttr());
    SmallVector<plan::SlotAttr> slots(launch.getArguments().getAsRange<plan::SlotAttr>());
    SmallVector<StringAttr> names(kernel.getStage(launch.getStage()).getArguments().getAsRange<StringAttr>());
    size_t firstWritten = slots.size() - launch.getWritten();
    for (size_t i = 0; i < firstWritten; ++i)
      expect(launch, slots[i], "argument '" + names[i].getValue() + "'");
    for (size_t i = firstWritten; i < slots.size(); ++i) {
      for (size_t j = 0; j < i; ++j)
        if (slots[i].overlaps(slots[j]) && !isAllowed(kernel, names[i], names[j], slots[i], slots[j])) {
          launch.emitError() << "expected '" << names[i].getValue() << "' apart from '" << names[j].getValue()
                             << "', got " << slots[i] << " over " << slots[j];
          ok = false;
        }
      checkState(launch, slots[i]);
      write(slots[i]);
    }
  }

  /// Whether the kernel may write `result` over `input`: the same bytes, and a pair that its emitter allowed.
  static bool isAllowed(plan::KernelOp kernel, StringAttr result, StringAttr input, plan::SlotAttr to,
                        plan::SlotAttr from) {
    if (to.getOffset() != from.getOffset() || to.getSize() != from.getSize())
      return false;
    ArrayRef<int64_t> pairs = kernel.getInPlace();
    for (size_t i = 0; i + 1 < pairs.size(); i += 2)
      if (result.getValue() == "out" + std::to_string(pairs[i]) &&
          input.getValue() == "in" + std::to_string(pairs[i + 1]))
        return true;
    return false;
  }

  plan::EntryOp entry;
  RegionMemory memory[5];
  bool ok = true;
};

struct VerifyPlanPass : vlp::impl::VerifyPlanBase<VerifyPlanPass> {
  void runOnOperation() override {
    bool ok = true;
    for (auto entry : getOperation().getOps<plan::EntryOp>())
      ok &= succeeded(EntryVerifier(entry).run());
    if (!ok)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
