// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The list of findings.
#include "runtime/sim/Findings.h"

namespace vlp::sim {

const char *Findings::name(Finding::Kind kind) {
  switch (kind) {
  case Finding::Kind::SharedRace: return "shared memory race";
  case Finding::Kind::GlobalRace: return "global memory race";
  case Finding::Kind::OutOfBounds: return "out of bounds";
  case Finding::Kind::UninitialisedRead: return "uninitialised read";
  case Finding::Kind::Misaligned: return "misaligned access";
  case Finding::Kind::DivergentBarrier: return "divergent barrier";
  case Finding::Kind::DivergentWarpOp: return "divergent warp operation";
  case Finding::Kind::CopyNotWaited: return "asynchronous copy not waited for";
  case Finding::Kind::LaunchLimit: return "launch beyond the limits";
  case Finding::Kind::SpinWait: return "endless block";
  case Finding::Kind::DivisionByZero: return "integer division by zero";
  }
  return "";
}

Status Findings::launchStatus() const {
  return firstOfLaunch == kNone ? Status::ok() : Status(StatusCode::Internal, all[firstOfLaunch].message);
}

void Findings::clear() {
  all.clear();
  known.clear();
  firstOfLaunch = kNone;
}

} // namespace vlp::sim
