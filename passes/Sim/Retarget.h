// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns a copy of a GPU kernel into a function that an x86 code generator understands.
#pragma once

#include "passes/Sim/EngineCalls.h"
#include <set>

namespace vlp::sim {

/// Copies `kernel` into a function of a context and its parameters (vlp_sim_function), in which intrinsics are calls
/// through the context's table; with `checked`, loads and stores report themselves. What the simulator does not know is
/// added to `unsupported`.
class Retargeter {
public:
  Retargeter(llvm::Function &kernel, bool checked, std::set<std::string> &unsupported);

  llvm::Function *run();
  /// Whether the threads of a block meet.
  bool communicates() const { return meets; }

private:
  void copyBody();
  void rewrite(llvm::Instruction *instruction);
  void rewriteCall(llvm::CallInst *call);
  bool rewriteIntrinsic(llvm::CallInst *call, llvm::StringRef name);
  bool rewriteRegister(llvm::CallInst *call, llvm::StringRef name);
  bool rewriteShuffle(llvm::CallInst *call, llvm::StringRef name);
  bool rewriteCopy(llvm::CallInst *call, llvm::StringRef name);
  llvm::Value *roundToBF16(llvm::Value *x);
  void rewriteTruncation(llvm::FPTruncInst *truncation);
  void widen(llvm::Instruction *instruction);
  llvm::Value *exp2(llvm::Value *x);
  void instrument(llvm::Instruction *instruction);
  void replace(llvm::CallInst *call, llvm::Value *value);

  llvm::Function &kernel;
  bool checked, meets = false;
  std::set<std::string> &unsupported;
  EngineCalls calls;
  llvm::IRBuilder<> &b;
  llvm::Value *shared = nullptr; // the start of dynamic shared memory
};

} // namespace vlp::sim
