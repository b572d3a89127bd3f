// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text that says where to run, taken apart.
#pragma once

#include "runtime/sim/SimDriver.h"

namespace vlp {

/// DeviceOptions::device, which documents the syntax.
struct DeviceName {
  enum class Kind { Cpu, Cuda, Sim };
  Kind kind = Kind::Cpu;
  /// cpu, sim: the code of this chip alone; empty: any.
  std::string chip;
  /// cuda: which GPU.
  int ordinal = 0;
  /// cuda, sim: replay a run as one graph after the first; wait after each launch.
  bool graph = true, sync = false;
  sim::DriverOptions sim;

  static Expected<DeviceName> parse(const std::string &text);
};

} // namespace vlp
