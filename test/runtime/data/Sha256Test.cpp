// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards SHA-256 against the vectors of FIPS 180-4 and against how the text is cut into updates.
#include "runtime/data/Sha256.h"

#include <gtest/gtest.h>

using namespace vlp::data;

TEST(Sha256, KnownVectors) {
  EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256Hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256Prefix("abc"), 0xba7816bfu);
}

TEST(Sha256, PiecesEqualTheWhole) {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += char(i);
  for (size_t length : {0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 300})
    for (size_t cut = 0; cut <= length; cut += 7) {
      Sha256 hash;
      hash.update(std::string_view(text).substr(0, cut));
      hash.update(std::string_view(text).substr(cut, length - cut));
      EXPECT_EQ(toHex(hash.digest()), sha256Hex(text.substr(0, length))) << length << " cut at " << cut;
    }
}
