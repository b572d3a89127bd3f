// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a loaded module holds. Seen by the session only.
#pragma once

#include "runtime/core/Module.h"
#include "runtime/cpu/CodeSection.h"
#include "runtime/cpu/Memory.h"

namespace vlp {

struct Module::Impl {
  explicit Impl(format::Container container) : container(std::move(container)) {}

  format::Container container;
  const format::Program *program = nullptr;
  std::optional<CodeSection> code;
  /// A copy of the file's constants: the file may be compiled anew while this module runs.
  Memory constants;
  std::map<std::string, const format::Entry *, std::less<>> entries;
  std::map<std::string, const format::StateTensor *, std::less<>> state;
  uint64_t arenaSize = 0;
};

} // namespace vlp
