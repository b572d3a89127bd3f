// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a child process of the compiler does.
#pragma once

#include "passes/CUDA/Assemble.h"
#include "passes/Codegen/Workers.h"
#include "llvm/Support/Error.h"

namespace vlp {

/// A piece of work. What comes of it depends on nothing else, so that it may come from a cache.
struct Piece {
  enum class Kind {
    SharedObject, ///< kernels (the text of plan.kernel ops) to code for the cpu
    SimObject,    ///< to code for the simulator of `chip`
    PTX,          ///< to PTX for `chip`
    Cubin         ///< PTX to machine code; the result is read by readCubin
  };
  Kind kind;
  std::string chip;
  /// TargetInfo::matmulTile.
  std::string matmulTile;
  std::string source;
};

/// As a request to a worker.
std::string writePiece(const Piece &piece);
Reply compilePiece(llvm::StringRef request);

/// A cubin with what the assembler says of it, as text.
std::string writeCubin(const cuda::Cubin &cubin);
llvm::Expected<cuda::Cubin> readCubin(llvm::StringRef text);

} // namespace vlp
