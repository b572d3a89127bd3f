// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How CLIP cleans a text and cuts it into words before byte pair encoding.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace vlp::tokenizer {

/// Unescapes the common HTML entities twice, straightens quotes, composes (NFC), collapses white space, trims, lowers.
std::u32string cleanClipText(std::string_view text);

/// The matches of CLIP's pattern in a cleaned text, as UTF-8: contractions ('s 't 're 've 'm 'll 'd), runs of letters,
/// single numbers, runs of other marks.
std::vector<std::string> splitClipWords(std::u32string_view text);

/// For each byte, CLIP's printable stand-in as UTF-8, and the order in which bytes take the ids 0 to 255.
struct ByteAlphabet {
  std::array<std::string, 256> symbolOfByte;
  std::array<int, 256> idOfByte;
  std::array<uint8_t, 256> byteOfId;
};
const ByteAlphabet &byteAlphabet();

} // namespace vlp::tokenizer
