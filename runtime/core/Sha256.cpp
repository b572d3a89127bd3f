// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SHA-256 as FIPS 180-4 states it.
#include "runtime/core/Sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace vlp {

/// FIPS 180-4 §4.2.2: the first 32 fractional bits of the cube roots of the first 64 primes.
static constexpr std::array<uint32_t, 64> roundConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t readBigEndian(const uint8_t *bytes) {
  return uint32_t(bytes[0]) << 24 | uint32_t(bytes[1]) << 16 | uint32_t(bytes[2]) << 8 | uint32_t(bytes[3]);
}

/// FIPS 180-4 §6.2.2: folds one block of 64 bytes into `state`.
static void compress(std::array<uint32_t, 8> &state, const uint8_t *block) {
  std::array<uint32_t, 64> w;
  for (unsigned t = 0; t < 16; ++t)
    w[t] = readBigEndian(block + 4 * t);
  for (unsigned t = 16; t < 64; ++t) {
    uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (unsigned t = 0; t < 64; ++t) {
    uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + roundConstants[t] + w[t];
    uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::array<uint32_t, 8> added = {a, b, c, d, e, f, g, h};
  for (unsigned i = 0; i < 8; ++i)
    state[i] += added[i];
}

Sha256::Sha256()
    : state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, pending{} {
}

void Sha256::update(std::string_view bytes) {
  const auto *data = reinterpret_cast<const uint8_t *>(bytes.data());
  size_t size = bytes.size(), filled = length % 64;
  length += size;
  if (filled) {
    size_t taken = std::min(size, 64 - filled);
    std::memcpy(pending.data() + filled, data, taken);
    data += taken;
    size -= taken;
    if (filled + taken < 64)
      return;
    compress(state, pending.data());
  }
  for (; size >= 64; data += 64, size -= 64)
    compress(state, data);
  if (size)
    std::memcpy(pending.data(), data, size);
}

std::array<uint8_t, 32> Sha256::digest() const {
  // The padding of §5.1.1 goes to copies, so that the message may go on.
  std::array<uint32_t, 8> last = state;
  std::array<uint8_t, 128> tail{};
  size_t filled = length % 64;
  std::copy_n(pending.begin(), filled, tail.begin());
  tail[filled] = 0x80;
  size_t padded = filled < 56 ? 64 : 128;
  for (unsigned i = 0; i < 8; ++i)
    tail[padded - 1 - i] = uint8_t(length * 8 >> (8 * i));
  for (size_t offset = 0; offset < padded; offset += 64)
    compress(last, tail.data() + offset);
  std::array<uint8_t, 32> result;
  for (unsigned i = 0; i < 32; ++i)
    result[i] = uint8_t(last[i / 4] >> (24 - 8 * (i % 4)));
  return result;
}

std::string Sha256::hexDigest() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : digest()) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string sha256Hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hexDigest();
}

} // namespace vlp
