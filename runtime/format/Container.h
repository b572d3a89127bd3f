// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The container of a compiled file: magic, version, manifest, aligned sections. Written by the compiler, read by the
// runtime.
//
//   offset 0   char[8]  "VLPCFILE"
//          8   u32 LE   format version (kFormatVersion)
//         12   u32 LE   CRC-32 of the manifest bytes
//         16   u64 LE   size of the manifest in bytes
//         24   u64 LE   size of the whole file in bytes
//         32   manifest (protobuf, vlp.format.Manifest)
//         ...  sections, each at a multiple of 4096, zero padding between
#pragma once

#include "runtime/core/Status.h"
#include "runtime/format/manifest.pb.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace vlp::format {

/// Raised whenever an older runtime could not run what is written today.
inline constexpr uint32_t kFormatVersion = 4;

/// Serialises `manifest` and `sections` (parallel to manifest.sections, whose offsets, sizes and hashes are filled in
/// here). The same input gives the same bytes.
std::string writeContainer(Manifest manifest, std::span<const std::string> sections);

/// A compiled file mapped into memory.
class Container {
public:
  /// Opens and checks `path`: magic, version, sizes, checksum and ranges of every section and slot. Never trusts the
  /// file.
  static Expected<Container> open(const std::string &path);
  /// The same for bytes in memory; `name` is used in messages.
  static Expected<Container> parse(std::vector<char> bytes, const std::string &name);

  Container(Container &&) noexcept;
  Container &operator=(Container &&) noexcept;
  ~Container();

  const Manifest &manifest() const;
  /// The bytes of section `index`; the hash is checked on the first call.
  Expected<std::span<const char>> section(uint32_t index) const;
  const std::string &path() const;

private:
  struct Impl;
  explicit Container(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace vlp::format
