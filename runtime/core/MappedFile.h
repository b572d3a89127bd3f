// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A read-only block of bytes at a page boundary: a file mapped into memory, or a copy of bytes that were in memory
// already.
#pragma once

#include "runtime/core/Status.h"

#include <cstddef>
#include <span>
#include <string>

namespace vlp {

class MappedFile {
public:
  /// Maps the regular file at `path`. An empty file gives an empty span.
  static Expected<MappedFile> open(const std::string &path);
  /// Copies `bytes` to memory that starts at a page boundary, as a mapped file does.
  static Expected<MappedFile> copy(std::span<const char> bytes);

  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  std::span<const char> bytes() const { return {data, size}; }

private:
  MappedFile(const char *data, size_t size) : data(data), size(size) {}
  const char *data = nullptr;
  size_t size = 0;
};

} // namespace vlp
