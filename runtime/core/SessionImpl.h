// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a session holds: the team, the memory, and each entry bound to it.
#pragma once

#include "runtime/core/Executor.h"
#include "runtime/core/Module.h"
#include "runtime/cpu/Memory.h"
#include "runtime/cpu/ThreadPool.h"

namespace vlp {

struct Session::Impl {
  /// An entry with memory for its inputs and outputs.
  struct Bound {
    const format::Entry *entry;
    Memory inputs, outputs;
    RegionBases bases{};
    std::optional<Executor> executor;
    /// Inputs whose values index the token embedding: checked before each run, since kernels trust them.
    std::vector<const format::Tensor *> tokens;
  };

  Impl(std::shared_ptr<Module> module, unsigned threads) : module(std::move(module)), pool(threads) {}

  Expected<Bound *> find(std::string_view entry);
  /// What run() does before the first op: checks tokens, spoils garbage memory when asked to.
  Status prepare(Bound &bound);
  void saveState();
  void restoreState();

  std::shared_ptr<Module> module;
  ThreadPool pool;
  Memory state, arena, scratchMemory;
  Scratch scratch;
  bool poison = false;
  std::map<std::string, Bound, std::less<>> entries;
  /// The state before an observed run; empty until one is asked for.
  std::vector<std::byte> snapshot;
};

} // namespace vlp
