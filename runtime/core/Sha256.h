// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SHA-256 (FIPS 180-4), for section hashes, splits and tokenizer identities. The one implementation of the project.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vlp {

/// The digest of `bytes` as 64 lower-case hexadecimal digits.
std::string sha256Hex(std::string_view bytes);

/// Hashes a message that comes in pieces. A digest may be taken at any time; more pieces may follow.
class Sha256 {
public:
  Sha256();
  void update(std::string_view bytes);
  /// The 32 bytes of the digest of everything so far, the most significant first.
  std::array<uint8_t, 32> digest() const;
  /// The same as 64 lower-case hexadecimal digits.
  std::string hexDigest() const;

private:
  std::array<uint32_t, 8> state;
  std::array<uint8_t, 64> pending;
  uint64_t length = 0;
};

} // namespace vlp
