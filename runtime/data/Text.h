// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// UTF-8 and the few Unicode properties that splits and tokenizers need, with Python's meaning of lower() and isspace().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vlp::data {

/// Damaged sequences become U+FFFD, one for each byte that cannot start or continue a character.
std::u32string decodeUtf8(std::string_view text);
void appendUtf8(std::string &text, char32_t c);
std::string encodeUtf8(std::u32string_view text);

/// Python's str.lower(): simple mappings, "i" and a dot for U+0130, and the final form of sigma.
std::u32string lower(std::u32string_view text);
std::string lower(std::string_view text);

/// Canonical composition (NFC).
std::u32string composed(std::u32string_view text);

bool isLetter(char32_t c); ///< general category L*
bool isNumber(char32_t c); ///< general category N*
bool isSpace(char32_t c);  ///< Python's str.isspace()

/// Lower-case runs of a-z and single decimal digits, in order, after lower(): the words of the pixel baseline.
std::vector<std::string> words(std::string_view text);

} // namespace vlp::data
