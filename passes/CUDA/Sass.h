// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which machine instructions a cubin consists of.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <map>
#include <string>
#include <vector>

namespace vlp::cuda {

/// The machine instructions of one kernel, each counted once, however often it runs.
struct InstructionCounts {
  std::string kernel;
  /// All but the NOPs that fill up the section.
  uint32_t total = 0;
  /// HMMA, and those of them that multiply tf32.
  uint32_t tensor = 0, tensorTF32 = 0;
  /// LDL and STL: spills and arrays that are indexed at run time.
  uint32_t local = 0;
  /// By mnemonic; an opcode that is not in our table is called "0x" and its number.
  std::map<std::string, uint32_t> histogram;
};

/// Counts the instructions of all kernels of a cubin for sm_80 or later, in the order of its sections.
llvm::Expected<std::vector<InstructionCounts>> countInstructions(llvm::StringRef cubin);

} // namespace vlp::cuda
