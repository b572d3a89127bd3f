// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a session holds: its executor, the host's team, and what it knows of each entry.
#pragma once

#include "runtime/core/Executor.h"
#include "runtime/core/Module.h"
#include "runtime/cpu/ThreadPool.h"

namespace vlp {

struct Session::Impl {
  struct Bound {
    const format::Entry *entry;
    /// In the program's entries.
    size_t index;
    /// Inputs whose values index the token embedding: checked before each run, since kernels trust them.
    std::vector<const format::Tensor *> tokens;
  };

  Impl(std::shared_ptr<Module> module, unsigned threads) : module(std::move(module)), pool(threads) {}

  Expected<Bound *> find(std::string_view entry);
  /// The index of a state tensor among those of the manifest, if there is one.
  std::optional<size_t> findState(std::string_view name) const;
  /// What run() does before the first op: checks tokens, spoils garbage memory when asked to.
  Status prepare(Bound &bound);
  /// Copies all state from or to `snapshot`.
  Status saveState();
  Status restoreState();

  std::shared_ptr<Module> module;
  ThreadPool pool;
  std::unique_ptr<Executor> executor;
  bool poison = false;
  std::map<std::string, Bound, std::less<>> entries;
  /// The state before an observed run; empty until one is asked for.
  std::vector<std::byte> snapshot;
};

} // namespace vlp
