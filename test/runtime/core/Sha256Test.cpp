// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards SHA-256 against the published vectors and against pieces of every length.
#include "runtime/core/Sha256.h"

#include <gtest/gtest.h>

using namespace vlp;

// FIPS 180-2 appendix B, and the empty message.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256Hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Lengths around the ends of a block, where padding moves to another block.
TEST(Sha256, PiecesGiveTheSameDigest) {
  std::string message;
  for (int i = 0; i < 200; ++i)
    message += char(i * 37);
  for (size_t length = 0; length <= message.size(); ++length) {
    std::string part = message.substr(0, length);
    for (size_t piece : {size_t(1), size_t(7), size_t(63), size_t(64), size_t(65)}) {
      Sha256 hash;
      for (size_t begin = 0; begin < length; begin += piece)
        hash.update(std::string_view(part).substr(begin, piece));
      ASSERT_EQ(hash.hexDigest(), sha256Hex(part)) << length << " in pieces of " << piece;
    }
  }
}

TEST(Sha256, DigestMayBeTakenInBetween) {
  Sha256 hash;
  hash.update("a");
  EXPECT_EQ(hash.hexDigest(), sha256Hex("a"));
  hash.update("bc");
  EXPECT_EQ(hash.hexDigest(), sha256Hex("abc"));
}
