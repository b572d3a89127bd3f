// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What this machine can do at most: fused multiply-adds and memory traffic, measured in a fraction of a second.
#pragma once

#include "runtime/core/Module.h"

#include <string>

namespace vlp::report {

struct MachinePeak {
  double gflops = 0;    ///< f32 multiply-adds in registers, two operations each, in 1e9 a second, all threads together
  double gigabytes = 0; ///< streaming a[i] = b[i] + s * c[i] from memory, 3 x 4 bytes an element, in 1e9 a second
  unsigned threads = 0;
  std::string instructions; ///< "avx512f", "avx2+fma" or "generic"
  std::string device;       ///< of a GPU, whose peak is not measured: its name, all else 0
};

/// Runs both loops on `threads` threads (0: one a core that this process may use) for about `seconds` each, best of
/// several.
MachinePeak measurePeak(unsigned threads = 0, double seconds = 0.1);
/// The peak of the device that a module was loaded for.
MachinePeak peakOf(const Module &module, unsigned threads);

/// "peak of this machine on 2 threads (avx512f): 131.0 GF/s, 12.3 GB/s", or the name of the GPU.
std::string describePeak(const MachinePeak &peak);
/// "12.3 %", or "-" where the peak is not known.
std::string shareOfPeak(double gflops, const MachinePeak &peak);

} // namespace vlp::report
