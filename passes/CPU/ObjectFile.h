// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From LLVM IR for x86-64 to a shared object without undefined symbols, in process; the CPU target and the simulator
// use it.
#pragma once

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>

namespace vlp::cpu {

/// The code generator for `chip` (x86-64-v3, x86-64-v4); null, with the reason in `error`, where LLVM has none.
std::unique_ptr<llvm::TargetMachine> createMachine(llvm::StringRef chip, std::string &error);

/// O3 without library calls (a kernel has nothing to call), and without the vectorisers and unrolling (emitters do
/// both).
void optimise(llvm::Module &module, llvm::TargetMachine &machine);

/// Object code of `module`, linked by lld; the bytes of the shared object. The same module gives the same bytes.
/// `error` gets the reason of a failure.
llvm::FailureOr<std::string> linkObject(llvm::Module &module, llvm::TargetMachine &machine,
                                        llvm::function_ref<void(const std::string &)> error);

} // namespace vlp::cpu
