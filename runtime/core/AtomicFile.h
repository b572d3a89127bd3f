// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes a file so that its path holds either what was there before or all of the new bytes, whatever interrupts the
// writer.
#pragma once

#include "runtime/core/Status.h"

#include <cstddef>
#include <span>
#include <string>

namespace vlp {

class AtomicFile {
public:
  /// Creates a temporary file (".NAME.PID.N.tmp") in the folder of `path`, which must exist.
  static Expected<AtomicFile> create(const std::string &path);
  AtomicFile(AtomicFile &&other) noexcept;
  AtomicFile &operator=(AtomicFile &&) = delete;
  /// Removes the temporary file unless it was committed.
  ~AtomicFile();

  Status write(std::span<const std::byte> bytes);
  /// Syncs the file, renames it to `path`, syncs the folder.
  Status commit();

private:
  AtomicFile(std::string path, std::string temporary, int descriptor)
      : path(std::move(path)), temporary(std::move(temporary)), descriptor(descriptor) {}
  Status flush();
  Status fail(const char *what) const;

  std::string path, temporary;
  int descriptor = -1;
  /// Small pieces are gathered here before they are written.
  std::string buffer;
};

} // namespace vlp
