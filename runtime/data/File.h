// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whole files, read-only mappings, temporary directories and child processes, with errors as one line.
#pragma once

#include "runtime/core/Status.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace vlp::data {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

/// Reads a regular file of at most `limit` bytes.
Expected<Bytes> readFile(const std::filesystem::path &path, uint64_t limit = uint64_t(1) << 31);

/// Writes to a temporary name beside `path`, syncs, and renames, so that a reader sees the old file or the whole new
/// one.
Status writeFileAtomically(const std::filesystem::path &path, ByteView bytes);

/// A file mapped read-only. The mapping outlives moves of the object.
class MappedFile {
public:
  MappedFile() = default;
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();
  static Expected<MappedFile> open(const std::filesystem::path &path);
  ByteView bytes() const { return {data, size}; }

private:
  const uint8_t *data = nullptr;
  size_t size = 0;
};

/// A fresh directory, removed with all it holds when the object dies.
class TemporaryDirectory {
public:
  static Expected<TemporaryDirectory> create();
  TemporaryDirectory(TemporaryDirectory &&other) noexcept : dir(std::exchange(other.dir, {})) {}
  TemporaryDirectory &operator=(TemporaryDirectory &&) = delete;
  ~TemporaryDirectory();
  const std::filesystem::path &path() const { return dir; }

private:
  explicit TemporaryDirectory(std::filesystem::path dir) : dir(std::move(dir)) {}
  std::filesystem::path dir;
};

/// Runs a program found on PATH with these arguments (no shell) in `workingDirectory`. Its output is kept off the
/// terminal; the last line of it is part of the error when the program is missing or fails.
Status runProgram(const std::vector<std::string> &arguments, const std::filesystem::path &workingDirectory);

} // namespace vlp::data
