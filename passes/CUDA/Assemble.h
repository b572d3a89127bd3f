// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From PTX to machine code: NVIDIA's assembler, in process.
#pragma once

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"
#include <string>
#include <vector>

namespace vlp::cuda {

/// What the assembler says of one kernel.
struct KernelStatistics {
  std::string name;
  uint32_t registers = 0;
  uint32_t spillStores = 0, spillLoads = 0; // bytes
  uint32_t stack = 0;                       // bytes of local memory
  uint32_t staticShared = 0;                // bytes
};

struct Cubin {
  std::string bytes;
  std::vector<KernelStatistics> kernels;
};

/// Assembles PTX for `chip` (sm_80, ...) with nvJitLink, at -O3. The library comes from VLP_CUDA_HOME, CUDA_HOME,
/// CUDA_PATH, /usr/local/cuda, what tools/setup installed (build/cuda), or the loader's path. Failures are diagnostics
/// at `where`; without the library one that says where it was looked for.
llvm::FailureOr<Cubin> assemble(llvm::StringRef ptx, llvm::StringRef chip, mlir::Location where);

/// Which assembler this is: equal for equal machine code. Empty, after a diagnostic at `where`, if there is none.
std::string assemblerIdentity(mlir::Location where);

/// The least driver that loads what it makes for `ptx`, as cuDriverGetVersion says it: one that knows the chip, hence
/// PTX of that version, and is of the assembler's major version ("Minor Version Compatibility" in NVIDIA's CUDA
/// Compatibility guide).
llvm::FailureOr<uint32_t> requiredDriver(llvm::StringRef ptx, mlir::Location where);

/// The statistics in the assembler's verbose log.
std::vector<KernelStatistics> parseStatistics(llvm::StringRef log);

} // namespace vlp::cuda
