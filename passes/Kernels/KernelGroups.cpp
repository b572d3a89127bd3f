// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fusion decisions: groups grow op by op in program order and never form a cycle.
#include "passes/Kernels/KernelGroups.h"
#include "passes/Kernels/Access.h"
#include "passes/Kernels/AnchorKind.h"
#include "llvm/ADT/STLExtras.h"
#include <queue>

using namespace mlir;
using namespace vlp;

/// Differentiation marks the ops of the backward part.
static bool isBackward(Operation *op) { return op->hasAttr("vlp.backward"); }

/// Values up to this size cost nothing to keep; the distance rule does not apply to them.
static constexpr int64_t kSmallElements = 1024;

KernelGroups::KernelGroups(Block &block, const FusionOptions &options) : options(options) {
  for (auto [index, op] : llvm::enumerate(block))
    indexOf[&op] = static_cast<int64_t>(index);
  for (Operation &op : block)
    addOp(&op);
}

void KernelGroups::addOp(Operation *op) {
  auto kernel = dyn_cast<KernelOp>(op);
  StringRef kind = kernel ? kernel.getAnchor() : getAnchorKind(op);
  if (kind.empty())
    return;
  bool elementwise = !kernel && isElementwise(op);
  groupOf[op] = groups.size();
  groups.push_back({kind, elementwise ? nullptr : op, {op}});
  if (options.attentionConcat && fuseConcat(op))
    return;
  // A widening cast waits for its reader: behind its producer it would only be stored in addition.
  if (options.epilogues && elementwise && !isWideningCast(op))
    fuseEpilogue(op);
  if (options.prologues)
    fusePrologue(op);
}

void KernelGroups::merge(Id from, Id into) {
  KernelGroup &source = groups[from], &target = groups[into];
  for (Operation *op : source.ops)
    groupOf[op] = into;
  target.ops.append(source.ops);
  llvm::sort(target.ops, [&](Operation *a, Operation *b) { return indexOf.at(a) < indexOf.at(b); });
  if (source.anchor) {
    target.kind = source.kind;
    target.anchor = source.anchor;
  }
  source = {};
}

void KernelGroups::forEachProducer(Id id, llvm::function_ref<void(Id, bool)> callback) const {
  for (Operation *op : groups[id].ops)
    for (Value operand : op->getOperands()) {
      Value source = getViewSource(operand);
      auto it = groupOf.find(source.getDefiningOp());
      if (it != groupOf.end())
        callback(it->second, source == operand);
    }
}

bool KernelGroups::separates(Id producer, Id consumer) const {
  int64_t first = indexOf.at(groups[producer].ops.front());
  bool found = false;
  llvm::DenseSet<Id> seen;
  SmallVector<Id> pending;
  auto visit = [&](Id id) {
    if (seen.insert(id).second)
      pending.push_back(id);
  };
  forEachProducer(consumer, [&](Id id, bool direct) {
    if (id == producer)
      found |= !direct;
    else if (id != consumer)
      visit(id);
  });
  while (!pending.empty() && !found) {
    Id id = pending.pop_back_val();
    // Groups that end before the producer starts cannot depend on it.
    if (indexOf.at(groups[id].ops.back()) < first)
      continue;
    forEachProducer(id, [&](Id next, bool) {
      found |= next == producer;
      visit(next);
    });
  }
  return found;
}

bool KernelGroups::hasUsersOutside(Id a, Id b) const {
  for (Operation *op : groups[a].ops)
    for (Operation *user : op->getUsers()) {
      auto it = groupOf.find(user);
      if (it == groupOf.end() || (it->second != a && it->second != b))
        return true;
    }
  return false;
}

void KernelGroups::remark(Operation *op, const Twine &message) const {
  if (options.remarks)
    emitRemark(op->getLoc(), message);
}

/// The attention_grad whose three gradients `concat` joins along the last dimension and nobody else reads; null
/// otherwise.
static Operation *getJoinedAttention(Operation *op) {
  auto concat = dyn_cast<ConcatOp>(op);
  if (!concat || concat.getInputs().size() != 3)
    return nullptr;
  auto grad = concat.getInputs().front().getDefiningOp<AttentionGradOp>();
  auto rank = cast<RankedTensorType>(concat.getType()).getRank();
  if (!grad || static_cast<int64_t>(concat.getAxis()) != rank - 1 ||
      !llvm::equal(concat.getInputs(), grad->getResults()))
    return nullptr;
  return grad;
}

bool KernelGroups::fuseConcat(Operation *op) {
  Operation *grad = getJoinedAttention(op);
  if (!grad)
    return false;
  if (!llvm::all_of(grad->getUsers(), [&](Operation *user) { return user == op; })) {
    remark(op, "concat stays outside of attention_grad: a gradient has other users");
    return false;
  }
  Id into = groupOf.at(grad);
  merge(groupOf.at(op), into);
  groups[into].kind = "attention_grad";
  groups[into].anchor = grad;
  return true;
}

std::optional<KernelGroups::Id> KernelGroups::getEpilogueProducer(Operation *op, Value value) const {
  auto it = groupOf.find(value.getDefiningOp());
  if (it == groupOf.end() || isa<KernelOp>(value.getDefiningOp()))
    return std::nullopt;
  const KernelGroup &group = groups[it->second];
  auto shape = cast<RankedTensorType>(value.getType()).getShape();
  bool isMain = cast<OpResult>(value).getResultNumber() == 0;
  // A prologue's values have another shape than the anchor's result, or are not stored at all.
  bool beforeAnchor = group.anchor && indexOf.at(value.getDefiningOp()) < indexOf.at(group.anchor);
  if (!isMain || beforeAnchor || !acceptsEpilogue(group.kind) ||
      shape != cast<RankedTensorType>(op->getResult(0).getType()).getShape())
    return std::nullopt;
  return it->second;
}

bool KernelGroups::isTooFar(Operation *op, Id producer) const {
  const KernelGroup &group = groups[producer];
  if (cast<RankedTensorType>(op->getResult(0).getType()).getNumElements() <= kSmallElements)
    return false;
  bool distant = indexOf.at(op) - indexOf.at(group.ops.back()) > options.epilogueDistance;
  bool crossesIntoBackward = isBackward(op) && llvm::none_of(group.ops, isBackward);
  return (distant || crossesIntoBackward) && hasUsersOutside(producer, groupOf.at(op));
}

void KernelGroups::fuseEpilogue(Operation *op) {
  llvm::SmallSetVector<Id, 4> producers;
  for (Value operand : op->getOperands())
    if (std::optional<Id> producer = getEpilogueProducer(op, operand))
      producers.insert(*producer);
  SmallVector<Id> candidates = producers.takeVector();
  llvm::sort(candidates, [&](Id a, Id b) {
    bool anchoredA = groups[a].anchor, anchoredB = groups[b].anchor;
    if (anchoredA != anchoredB)
      return anchoredA;
    return indexOf.at(groups[a].ops.back()) > indexOf.at(groups[b].ops.back());
  });
  for (Id producer : candidates) {
    Id own = groupOf.at(op);
    bool joined = groups[own].ops.size() > 1;
    if (joined && (groups[producer].anchor || hasUsersOutside(producer, own)))
      continue; // one anchor a kernel; a second producer only if it disappears
    if (isTooFar(op, producer))
      remark(op, "epilogue declined: it would keep two values of the producer alive for too long");
    else if (separates(producer, own))
      remark(op, "epilogue declined: another operand depends on the producer's result");
    else if (joined)
      merge(producer, own);
    else
      merge(own, producer);
  }
}

void KernelGroups::fusePrologue(Operation *op) {
  auto reduce = dyn_cast<ReduceSumOp>(op);
  if (!reduce)
    return;
  auto it = groupOf.find(reduce.getInput().getDefiningOp());
  if (it == groupOf.end() || groups[it->second].anchor)
    return;
  Id own = groupOf.at(op), producer = it->second;
  if (hasUsersOutside(producer, own))
    remark(op, "prologue declined: the summed value has other users");
  else if (separates(producer, own))
    remark(op, "prologue declined: another operand depends on the producer's result");
  else
    merge(producer, own);
}

SmallVector<KernelGroup> KernelGroups::getSchedule() const {
  SmallVector<llvm::SmallSetVector<Id, 4>> consumers(groups.size());
  SmallVector<unsigned> missing(groups.size(), 0);
  for (Id id = 0; id < groups.size(); ++id)
    forEachProducer(id, [&](Id producer, bool) {
      if (producer != id && consumers[producer].insert(id))
        ++missing[id];
    });
  using Entry = std::pair<int64_t, Id>; // position of the last op, group
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  auto push = [&](Id id) { ready.push({indexOf.at(groups[id].ops.back()), id}); };
  for (Id id = 0; id < groups.size(); ++id)
    if (!groups[id].ops.empty() && missing[id] == 0)
      push(id);
  SmallVector<KernelGroup> schedule;
  while (!ready.empty()) {
    Id id = ready.top().second;
    ready.pop();
    schedule.push_back(groups[id]);
    for (Id consumer : consumers[id])
      if (--missing[consumer] == 0)
        push(consumer);
  }
  return schedule;
}
