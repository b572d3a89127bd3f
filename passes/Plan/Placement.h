// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where buffers with known lifetimes lie in one arena.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace vlp {

/// A buffer of `size` bytes that is in use at the points begin..end, both included.
struct Lifetime {
  int64_t size;
  int64_t begin;
  int64_t end;

  bool meets(const Lifetime &other) const { return begin <= other.end && other.begin <= end; }
};

struct Placement {
  /// Parallel to the lifetimes, in bytes, multiples of the alignment.
  llvm::SmallVector<int64_t> offsets;
  /// Bytes of the arena.
  int64_t size = 0;
  /// The most bytes in use at any point, aligned: no placement needs less.
  int64_t lowerBound = 0;
};

/// Places buffers so that those in use at the same point do not overlap. Each goes into the smallest gap that holds it;
/// of several orders (by size, by size times lifetime, by begin) the best result is taken. Deterministic.
Placement placeLifetimes(llvm::ArrayRef<Lifetime> lifetimes, int64_t alignment);

} // namespace vlp
