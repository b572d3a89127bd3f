// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a code generator offers for one anchor kind: first a plan of launches, then the code of each launch.
#pragma once

#include "dialect/VLP/VLP.h"
#include "passes/Kernels/TileInstructions.h"
#include "llvm/ADT/StringRef.h"

namespace vlp {

/// The machine that kernels are compiled for.
struct TargetInfo {
  /// "cpu" or "cuda".
  std::string target = "cpu";
  /// For cpu: x86-64-v3 (AVX2, FMA) or x86-64-v4 (AVX-512 F, BW, CD, DQ, VL). For cuda: sm_80, sm_90, ...
  std::string chip = "x86-64-v4";
  /// cuda: how matrix products are cut up, e.g. "128x128x64,64x32,3,1" (passes/CUDA/MatmulTile.h); empty, or where a
  /// product cannot be cut so: chosen for its shape.
  std::string matmulTile = {};
};

/// One argument of a launch: an input, a result or a partial buffer of its kernel.
struct LaunchArgument {
  enum class Kind { Input, Result, Partial };
  Kind kind;
  unsigned index;
};

/// One launch of a kernel. Its function gets the base pointers of `arguments` in order; those written come last.
struct LaunchPlan {
  /// Distinguishes the launches of one kernel in symbol names: "", "_pack", "_sum".
  std::string suffix;
  llvm::SmallVector<LaunchArgument> arguments;
  /// How many of `arguments`, counted from the end, are written.
  unsigned written = 1;
  /// Independent tasks; from the shape alone, never from the number of threads.
  int64_t tasks = 1;
  /// cpu: bytes of private scratch of each worker.
  int64_t scratch = 0;
  /// cuda: a task is a block of this many threads; 0 on the cpu.
  int64_t threads = 0;
  /// cuda: bytes of dynamic shared memory of each block.
  int64_t shared = 0;
  /// cuda: what the function's code must contain.
  TileInstructions instructions = {};
};

/// How a kernel region becomes launches that run one after the other.
struct KernelPlan {
  /// Sizes in bytes of buffers that live only between the launches of this kernel (packed operands, partial sums).
  llvm::SmallVector<int64_t> partials;
  llvm::SmallVector<LaunchPlan> launches;
  /// (result, input) pairs that may share one buffer: each result element is written after the last read of the input
  /// element in its place, within one task.
  llvm::SmallVector<std::pair<unsigned, unsigned>> inPlace;
};

/// The emitter of one anchor kind on one target.
class Emitter {
public:
  virtual ~Emitter() = default;
  /// Whether this emitter can take the region, however slowly; `why` gets the reason where it cannot.
  virtual bool supports(KernelOp kernel, const TargetInfo &target, std::string &why) const { return true; }
  /// What the target asks for that this kernel does not get, and why; empty if there is nothing.
  virtual std::string getDeclined(KernelOp kernel, const TargetInfo &target) const { return ""; }
  virtual KernelPlan plan(KernelOp kernel, const TargetInfo &target) const = 0;
  /// Emits the function `symbol` of launch number `launch` at the end of `module`.
  virtual llvm::LogicalResult emit(KernelOp kernel, const TargetInfo &target, const KernelPlan &plan, unsigned launch,
                                   llvm::StringRef symbol, mlir::ModuleOp module) const = 0;
};

/// One launch function to compile.
struct KernelToEmit {
  KernelOp kernel;
  const KernelPlan *plan;
  unsigned launch;
  std::string symbol;
};

/// The emitter of `anchor` on `target`, or null. Targets register theirs in their own library.
using EmitterLookup = const Emitter *(*)(llvm::StringRef anchor);

} // namespace vlp
