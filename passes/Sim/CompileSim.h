// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The device module that the NVPTX back end gets, retargeted to x86 for the simulator.
#pragma once

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace llvm {
class Module;
}

namespace vlp::sim {

/// Compiles `device` (LLVM IR for NVPTX after optimisation, intrinsics still in place; not changed) to an ELF shared
/// object for x86-64 without undefined symbols: each kernel twice, plain and instrumented, with the tables of
/// runtime/format/SimABI.h. The same module gives the same bytes. Every intrinsic and every piece of inline PTX that
/// the simulator does not know is reported, by name, through `error`; then fails.
llvm::FailureOr<std::string> compileModule(const llvm::Module &device,
                                           llvm::function_ref<void(const std::string &)> error);

} // namespace vlp::sim
