// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Unicode by utf8proc, whose tables are Unicode 14's.
#include "runtime/data/Text.h"

#include <cstdlib>
#include <utf8proc.h>

namespace vlp::data {

std::u32string decodeUtf8(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  auto bytes = reinterpret_cast<const utf8proc_uint8_t *>(text.data());
  for (size_t at = 0; at < text.size();) {
    utf8proc_int32_t c;
    utf8proc_ssize_t used = utf8proc_iterate(bytes + at, utf8proc_ssize_t(text.size() - at), &c);
    result += used > 0 ? char32_t(c) : U'\uFFFD';
    at += used > 0 ? size_t(used) : 1;
  }
  return result;
}

void appendUtf8(std::string &text, char32_t c) {
  utf8proc_uint8_t bytes[4];
  bool valid = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
  utf8proc_ssize_t used = utf8proc_encode_char(valid ? utf8proc_int32_t(c) : 0xFFFD, bytes);
  text.append(reinterpret_cast<const char *>(bytes), size_t(used));
}

std::string encodeUtf8(std::u32string_view text) {
  std::string result;
  for (char32_t c : text)
    appendUtf8(result, c);
  return result;
}

std::u32string composed(std::u32string_view text) {
  std::string bytes = encodeUtf8(text);
  utf8proc_uint8_t *result = nullptr;
  utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(bytes.data()), utf8proc_ssize_t(bytes.size()), &result,
                   utf8proc_option_t(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  if (size < 0)
    return std::u32string(text);
  std::u32string composed = decodeUtf8({reinterpret_cast<const char *>(result), size_t(size)});
  std::free(result);
  return composed;
}

static utf8proc_category_t category(char32_t c) {
  return c <= 0x10FFFF ? utf8proc_category(utf8proc_int32_t(c)) : UTF8PROC_CATEGORY_CN;
}

bool isLetter(char32_t c) {
  utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool isNumber(char32_t c) {
  utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool isSpace(char32_t c) {
  if (c < 0x80)
    return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
  utf8proc_category_t kind = category(c);
  return c == 0x85 || kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL || kind == UTF8PROC_CATEGORY_ZP;
}

/// Whether a capital sigma at `at` ends a word: a letter before it, none after it, marks in between not counting.
static bool isFinalSigma(std::u32string_view text, size_t at) {
  auto isMark = [&](size_t i) {
    utf8proc_category_t kind = category(text[i]);
    return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_ME || kind == UTF8PROC_CATEGORY_CF;
  };
  size_t before = at, after = at + 1;
  while (before > 0 && isMark(before - 1))
    --before;
  while (after < text.size() && isMark(after))
    ++after;
  return before > 0 && isLetter(text[before - 1]) && !(after < text.size() && isLetter(text[after]));
}

std::u32string lower(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char32_t c = text[i];
    if (c == 0x130)
      result += U"i\u0307";
    else if (c == 0x3A3)
      result += isFinalSigma(text, i) ? char32_t(0x3C2) : char32_t(0x3C3);
    else
      result += c <= 0x10FFFF ? char32_t(utf8proc_tolower(utf8proc_int32_t(c))) : c;
  }
  return result;
}

std::string lower(std::string_view text) { return encodeUtf8(lower(decodeUtf8(text))); }

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> result;
  bool inWord = false;
  for (char32_t c : lower(decodeUtf8(text))) {
    bool letter = c >= 'a' && c <= 'z';
    if (letter && inWord)
      result.back() += char(c);
    else if (letter)
      result.emplace_back(1, char(c));
    else if (category(c) == UTF8PROC_CATEGORY_ND)
      appendUtf8(result.emplace_back(), c);
    inWord = letter;
  }
  return result;
}

} // namespace vlp::data
