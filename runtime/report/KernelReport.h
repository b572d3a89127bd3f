// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What can be said of a program's GPU kernels before a GPU runs them: registers, occupancy, machine instructions, and
// the time that no launch can beat on three boards (Williams, Waterman and Patterson, "Roofline", CACM 2009).
#pragma once

#include "runtime/format/manifest.pb.h"
#include "runtime/report/GpuChips.h"
#include "runtime/report/Table.h"

#include <string>
#include <vector>

namespace vlp::report {

/// The roof over one launch or a sum of launches.
struct Roof {
  double seconds = 0;
  /// Whether arithmetic takes longer than memory; of a sum, for most of its time.
  bool computeBound = false;
};

/// One kernel function, and all its launches in an entry.
struct KernelUse {
  const format::Kernel *kernel = nullptr;
  int launches = 0;
  /// Of the launch with most shared memory.
  uint32_t threads = 0;
  uint64_t shared = 0;
  /// Sums. Bytes are compulsory traffic: operands read once, results written once.
  double flops = 0, bytes = 0;
  /// On each of gpuPeaks().
  std::vector<Roof> roofs = {};
};

struct EntryKernels {
  const format::Entry *entry = nullptr;
  /// The slowest on the first board first.
  std::vector<KernelUse> kernels = {};
  int launches = 0;
  double flops = 0, bytes = 0;
  std::vector<Roof> roofs = {};
};

/// One an entry of `program`.
std::vector<EntryKernels> sumKernels(const format::Program &program);

/// The roof of one launch of `kernel`. Products of a kernel with tensor-core instructions run at the tensor cores' rate
/// for their type; f32 products are three tf32 products each. Kernels without run at the rate of the f32 units.
Roof roofOf(const format::Kernel &kernel, double flops, double bytes, const GpuPeak &peak);

/// "cuda:sm_80", or the first cuda program where `target` is empty or "cuda"; null, with the reason in `why`, if there
/// is none.
const format::Program *findKernelProgram(const format::Manifest &manifest, const std::string &target, std::string &why);

Table kernelTable(const format::Program &program, const EntryKernels &entry);
/// Where the numbers come from, one line each.
std::vector<std::string> kernelNotes();

/// Everything, for a terminal.
std::string describeKernels(const format::Program &program);
/// The same as markup: a heading, a table and a paragraph an entry.
std::string kernelsHtml(const format::Program &program);

} // namespace vlp::report
