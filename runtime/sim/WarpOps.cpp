// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operations that the lanes of a warp do together: shuffles, tensor-core products, matrix loads, warp barriers.
#include "runtime/sim/Block.h"
#include "runtime/sim/Checker.h"
#include "runtime/sim/Mma.h"

#include <bit>
#include <cstring>

namespace vlp::sim {

using Kind = Finding::Kind;

/// All waiting lanes of `mask` ask for an operation with the same mask.
bool Block::allHere(const Warp &warp, const Thread &first, uint32_t mask) const {
  if (mask & ~warp.waiting)
    return false;
  if (!warp.uniform)
    for (uint32_t rest = mask; rest; rest &= rest - 1)
      if ((&first)[std::countr_zero(rest)].mask != mask)
        return false;
  return true;
}

void Block::checkUniform(const Warp &warp, const Thread &first, const Thread &last, uint32_t mask) {
  if (warp.uniform)
    return;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const Thread &lane = (&first)[std::countr_zero(rest)];
    if (lane.site == last.site && lane.op == last.op)
      continue;
    report(Kind::DivergentWarpOp, last.site, [&] {
      return where(last, last.site) + " meets thread " + std::to_string(lane.index()) +
             " of its warp in another operation, " + instruction(lane.site);
    });
    abandon();
  }
}

void Block::meet(Thread &thread, WarpOp op, uint32_t site, uint32_t mask) {
  Warp &warp = warps[thread.warp];
  uint32_t bit = 1u << thread.lane, threadsLeft = launch->config.threads - thread.warp * kWarp;
  uint32_t existing = threadsLeft >= kWarp ? ~0u : (1u << threadsLeft) - 1;
  if (mask == ~0u)
    mask = existing;
  thread.op = op;
  thread.site = site;
  thread.mask = mask;
  if (!(mask & bit) || (mask & ~existing)) {
    report(Kind::DivergentWarpOp, site, [&] {
      return where(thread, site) + " has a mask that lacks its own lane or names lanes that the block has not";
    });
    abandon();
  }
  thread.state = Thread::State::AtWarpOp;
  warp.ready &= ~bit;
  if (!warp.waiting) {
    warp.op = op;
    warp.site = site;
    warp.mask = mask;
    warp.uniform = true;
  } else if (warp.op != op || warp.site != site || warp.mask != mask) {
    warp.uniform = false;
  }
  warp.waiting |= bit;
  Thread *lanes = &threads[thread.warp * kWarp];
  if (allHere(warp, *lanes, mask)) {
    checkUniform(warp, *lanes, thread, mask);
    perform(warp, lanes, thread, mask);
    warp.waiting &= ~mask;
    warp.ready |= mask;
    for (uint32_t rest = mask; rest; rest &= rest - 1)
      lanes[std::countr_zero(rest)].state = Thread::State::Ready;
  }
  suspend(thread);
}

void Block::perform(Warp &warp, Thread *lanes, const Thread &last, uint32_t mask) {
  switch (last.op) {
  case WarpOp::Barrier:
    // A barrier of some lanes orders nothing in the race detector's eyes: it would have to keep a clock a lane.
    if (launch->checker && mask == warp.live)
      launch->checker->warpBarrier(last.warp);
    return;
  case WarpOp::Shuffle: return performShuffle(warp, lanes, mask);
  case WarpOp::Multiply:
  case WarpOp::LoadMatrices:
    if (mask != ~0u) {
      report(Kind::DivergentWarpOp, last.site, [&] { return where(last, last.site) + " needs a warp of 32 threads"; });
      abandon();
    }
    if (last.op == WarpOp::LoadMatrices)
      return performLoads(warp, lanes);
    return multiplyTiles(*static_cast<const vlp_sim_products *>(warp.descriptor), warp.registers, scratch);
  }
}

/// PTX ISA, shfl.sync: `bounds` holds the clamp in its low five bits, the segment mask in bits 8 to 12, and here the
/// mode above.
void Block::performShuffle(Warp &warp, const Thread *lanes, uint32_t mask) {
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = std::countr_zero(rest);
    int source = warp.source[lane] & 31, clamp = warp.bounds[lane] & 31, segment = (warp.bounds[lane] >> 8) & 31;
    int lowest = lane & segment, highest = lowest | (clamp & ~segment), from = lane;
    bool valid = false;
    switch (warp.bounds[lane] >> 16) {
    case 0:
      from = lane - source;
      valid = from >= highest;
      break; // up: the clamp is the lowest lane
    case 1:
      from = lane + source;
      valid = from <= highest;
      break;
    case 2:
      from = lane ^ source;
      valid = from <= highest;
      break;
    case 3:
      from = lowest | (source & ~segment);
      valid = from <= highest;
      break;
    }
    if (!valid)
      from = lane;
    if (!(mask >> from & 1)) {
      report(Kind::DivergentWarpOp, lanes[lane].site, [&] {
        return where(lanes[lane], lanes[lane].site) + " reads lane " + std::to_string(from) + ", which takes no part";
      });
      abandon();
    }
    warp.result[lane] = warp.value[from];
  }
}

/// Matrix operations fault on rows that are not aligned or not in shared memory, in every mode.
void Block::checkRow(const Thread &lane, uint32_t site, const void *row) {
  uint64_t offset = reinterpret_cast<uintptr_t>(row) - reinterpret_cast<uintptr_t>(shared);
  if (offset >= sharedBytes || sharedBytes - offset < 16) {
    report(Kind::OutOfBounds, site, [&] {
      return where(lane, site) + " reads a row at byte " + std::to_string(int64_t(offset)) + " of " +
             std::to_string(sharedBytes) + " bytes of shared memory";
    });
    abandon();
  }
  if (reinterpret_cast<uintptr_t>(row) % 16) {
    report(Kind::Misaligned, site, [&] {
      return where(lane, site) + " reads a row at byte " + std::to_string(offset) +
             " of shared memory, expected a multiple of 16";
    });
    abandon();
  }
}

/// PTX ISA, ldmatrix: lane l gives the address of row l % 8 of matrix l / 8; lane l gets the pair at row l / 4, columns
/// 2 (l % 4) and the next, or, transposed, at column l / 4 and those rows.
void Block::performLoads(Warp &warp, Thread *lanes) {
  const auto &all = *static_cast<const vlp_sim_matrices *>(warp.descriptor);
  uint32_t word = 0;
  for (uint32_t load = 0; load < all.count; ++load) {
    const auto &[site, matrices, transposed] = all.loads[load];
    for (uint32_t m = 0; m < matrices; ++m, ++word) {
      uint32_t tile[8][4]; // pairs of neighbours in a row
      for (uint32_t r = 0; r < 8; ++r) {
        Thread &owner = lanes[m * 8 + r];
        const void *row = warp.rows[owner.lane][load];
        checkRow(owner, site, row);
        if (launch->checker)
          launch->checker->access(owner, site, row, 16, VLP_SIM_READ | VLP_SIM_SHARED, 16);
        std::memcpy(tile[r], row, 16);
      }
      for (uint32_t lane = 0; lane < kWarp; ++lane) {
        uint32_t i = lane / 4, j = lane % 4;
        auto half = [&](uint32_t row, uint32_t column) { return tile[row][column / 2] >> 16 * (column % 2) & 0xffff; };
        warp.registers[lane][word] = transposed ? half(2 * j, i) | half(2 * j + 1, i) << 16 : tile[i][j];
      }
    }
  }
}

void Block::warpBarrier(Thread &thread, uint32_t site, uint32_t mask) { meet(thread, WarpOp::Barrier, site, mask); }

uint32_t Block::shuffle(Thread &thread, uint32_t site, uint32_t mode, uint32_t mask, uint32_t value, uint32_t source,
                        uint32_t bounds) {
  Warp &warp = warps[thread.warp];
  warp.value[thread.lane] = value;
  warp.source[thread.lane] = source;
  warp.bounds[thread.lane] = (bounds & 0xffff) | mode << 16;
  meet(thread, WarpOp::Shuffle, site, mask);
  return warp.result[thread.lane];
}

void Block::multiply(Thread &thread, uint32_t site, const vlp_sim_products &products, uint32_t *registers) {
  Warp &warp = warps[thread.warp];
  warp.descriptor = &products;
  warp.registers[thread.lane] = registers;
  meet(thread, WarpOp::Multiply, site, ~0u);
}

void Block::loadMatrices(Thread &thread, uint32_t site, const vlp_sim_matrices &matrices, const void *const *rows,
                         uint32_t *out) {
  Warp &warp = warps[thread.warp];
  warp.descriptor = &matrices;
  warp.rows[thread.lane] = rows;
  warp.registers[thread.lane] = out;
  meet(thread, WarpOp::LoadMatrices, site, ~0u);
}

} // namespace vlp::sim
