// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A shared object from a compiled file, loaded into this process without touching a disk.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/format/KernelABI.h"

#include <span>
#include <string>
#include <vector>

namespace vlp {

class CodeSection {
public:
  /// Loads `bytes` (an ELF shared object without undefined symbols) and finds every one of `symbols`. `path` names the
  /// compiled file in errors; all missing kernels are listed at once.
  static Expected<CodeSection> load(std::span<const char> bytes, std::span<const std::string> symbols,
                                    const std::string &path);

  CodeSection(CodeSection &&other) noexcept;
  CodeSection &operator=(CodeSection &&other) noexcept;
  ~CodeSection();

  /// Kernel functions in the order of the symbols asked for.
  std::span<const vlp_cpu_kernel> kernels() const { return functions; }

private:
  CodeSection() = default;
  /// dlopen knows libraries by name, and a closed descriptor's number, hence its name /proc/self/fd/N, is given out
  /// again: then glibc would hand out the library of the file before. So the descriptor lives as long as the handle.
  int descriptor = -1;
  void *handle = nullptr;
  std::vector<vlp_cpu_kernel> functions;
};

} // namespace vlp
