// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SHA-256 (FIPS 180-4): splits, dataset identities and vocabulary hashes rest on it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace vlp::data {

/// Incremental SHA-256.
class Sha256 {
public:
  Sha256();
  void update(const void *bytes, size_t size);
  void update(std::string_view text) { update(text.data(), text.size()); }
  /// The digest of everything given so far; the object must not be used afterwards.
  std::array<uint8_t, 32> digest();

private:
  void compress(const uint8_t *block);

  std::array<uint32_t, 8> state;
  std::array<uint8_t, 64> buffer{};
  uint64_t total = 0;
};

/// The digest of `text` as 64 lower-case hexadecimal digits.
std::string sha256Hex(std::string_view text);

/// The first 32 bits of the digest, as Python's `int(hexdigest()[:8], 16)`.
uint32_t sha256Prefix(std::string_view text);

std::string toHex(const std::array<uint8_t, 32> &digest);

} // namespace vlp::data
