// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Best-fit placement. An arena has some thousand buffers at most, so the quadratic search is not felt.
#include "passes/Plan/Placement.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <map>
#include <numeric>

using namespace vlp;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {
struct Range {
  int64_t begin;
  int64_t end;
};
} // namespace

/// The start of the smallest gap between `taken` (sorted by begin) that holds `size` bytes, or the end of all.
static int64_t findGap(ArrayRef<Range> taken, int64_t size) {
  int64_t best = -1, bestWaste = 0, cursor = 0;
  for (const Range &range : taken) {
    int64_t waste = range.begin - cursor - size;
    if (waste >= 0 && (best < 0 || waste < bestWaste)) {
      best = cursor;
      bestWaste = waste;
    }
    cursor = std::max(cursor, range.end);
  }
  return best < 0 ? cursor : best;
}

/// Places in the given order.
static Placement placeInOrder(ArrayRef<Lifetime> lifetimes, ArrayRef<unsigned> order, int64_t alignment) {
  Placement placement;
  placement.offsets.assign(lifetimes.size(), 0);
  SmallVector<unsigned> placed;
  SmallVector<Range> taken;
  for (unsigned item : order) {
    int64_t size = llvm::alignTo(lifetimes[item].size, alignment);
    if (size == 0)
      continue;
    taken.clear();
    for (unsigned other : placed)
      if (lifetimes[other].meets(lifetimes[item]))
        taken.push_back(
            {placement.offsets[other],
             static_cast<int64_t>(placement.offsets[other] + llvm::alignTo(lifetimes[other].size, alignment))});
    llvm::sort(taken, [](const Range &a, const Range &b) { return a.begin < b.begin; });
    int64_t offset = findGap(taken, size);
    placement.offsets[item] = offset;
    placement.size = std::max(placement.size, offset + size);
    placed.push_back(item);
  }
  return placement;
}

static int64_t getLowerBound(ArrayRef<Lifetime> lifetimes, int64_t alignment) {
  std::map<int64_t, int64_t> changes; // point -> bytes that come into use there
  for (const Lifetime &lifetime : lifetimes) {
    int64_t size = llvm::alignTo(lifetime.size, alignment);
    changes[lifetime.begin] += size;
    changes[lifetime.end + 1] -= size;
  }
  int64_t live = 0, most = 0;
  for (auto [point, change] : changes)
    most = std::max(most, live += change);
  return most;
}

Placement vlp::placeLifetimes(ArrayRef<Lifetime> lifetimes, int64_t alignment) {
  auto duration = [&](unsigned i) { return lifetimes[i].end - lifetimes[i].begin + 1; };
  auto bySize = [&](unsigned a, unsigned b) {
    return std::tuple(-lifetimes[a].size, -duration(a), a) < std::tuple(-lifetimes[b].size, -duration(b), b);
  };
  auto byArea = [&](unsigned a, unsigned b) {
    return std::tuple(-lifetimes[a].size * duration(a), a) < std::tuple(-lifetimes[b].size * duration(b), b);
  };
  auto byBegin = [&](unsigned a, unsigned b) {
    return std::tuple(lifetimes[a].begin, -lifetimes[a].size, a) <
           std::tuple(lifetimes[b].begin, -lifetimes[b].size, b);
  };
  SmallVector<unsigned> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0u);
  Placement best;
  bool first = true;
  auto attempt = [&](llvm::function_ref<bool(unsigned, unsigned)> before) {
    llvm::sort(order, before);
    Placement placement = placeInOrder(lifetimes, order, alignment);
    if (first || placement.size < best.size)
      best = std::move(placement);
    first = false;
  };
  attempt(bySize);
  attempt(byArea);
  attempt(byBegin);
  best.lowerBound = getLowerBound(lifetimes, alignment);
  return best;
}
