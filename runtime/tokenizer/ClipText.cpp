// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text cleaning as in OpenAI's simple_tokenizer.py, without the repair of mojibake.
#include "runtime/tokenizer/ClipText.h"
#include "runtime/data/Text.h"

#include <charconv>
#include <cstdint>

namespace vlp::tokenizer {

using data::isLetter;
using data::isNumber;
using data::isSpace;

static char32_t entityValue(std::u32string_view entity) {
  static constexpr std::pair<std::u32string_view, char32_t> named[] = {{U"amp", '&'},   {U"lt", '<'},      {U"gt", '>'},     {U"quot", '"'},
                                                                       {U"apos", '\''}, {U"nbsp", 0xA0},   {U"hellip", 0x2026},
                                                                       {U"ndash", 0x2013}, {U"mdash", 0x2014}, {U"lsquo", 0x2018},
                                                                       {U"rsquo", 0x2019}, {U"ldquo", 0x201C}, {U"rdquo", 0x201D}};
  for (auto [name, value] : named)
    if (entity == name)
      return value;
  if (!entity.starts_with(U'#'))
    return 0;
  std::string digits = data::encodeUtf8(entity.substr(1));
  bool hex = digits.starts_with('x') || digits.starts_with('X');
  const char *first = digits.data() + hex, *last = digits.data() + digits.size();
  uint32_t value = 0;
  auto [end, error] = std::from_chars(first, last, value, hex ? 16 : 10);
  return error == std::errc() && end == last && value <= 0x10FFFF ? char32_t(value) : 0;
}

static std::u32string unescapeHtml(std::u32string_view text) {
  std::u32string result;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t end = text[i] == '&' ? text.substr(i, 12).find(U';') : text.npos;
    char32_t value = end == text.npos ? 0 : entityValue(text.substr(i + 1, end - 1));
    result += value ? value : text[i];
    if (value)
      i += end;
  }
  return result;
}

std::u32string cleanClipText(std::string_view text) {
  std::u32string unescaped = unescapeHtml(unescapeHtml(data::decodeUtf8(text)));
  std::u32string collapsed;
  bool separated = false;
  for (char32_t c : unescaped) {
    if (isSpace(c)) {
      separated = true;
      continue;
    }
    if (separated && !collapsed.empty())
      collapsed += U' ';
    separated = false;
    collapsed += c;
  }
  return data::lower(collapsed);
}

static size_t matchContraction(std::u32string_view text) {
  for (std::u32string_view form : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"})
    if (text.starts_with(form))
      return form.size();
  return 0;
}

std::vector<std::string> splitClipWords(std::u32string_view text) {
  auto isMark = [](char32_t c) { return !isSpace(c) && !isLetter(c) && !isNumber(c); };
  std::vector<std::string> result;
  for (size_t at = 0; at < text.size();) {
    size_t length = matchContraction(text.substr(at));
    if (length == 0 && isSpace(text[at])) {
      ++at;
      continue;
    }
    if (length == 0 && isNumber(text[at]))
      length = 1;
    if (length == 0) {
      auto belongs = isLetter(text[at]) ? isLetter : +isMark;
      while (at + length < text.size() && belongs(text[at + length]))
        ++length;
    }
    result.push_back(data::encodeUtf8(text.substr(at, length)));
    at += length;
  }
  return result;
}

static ByteAlphabet makeByteAlphabet() {
  ByteAlphabet alphabet;
  auto isPrintable = [](int byte) { return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174; };
  int next = 0;
  auto assign = [&](int byte, char32_t symbol) {
    data::appendUtf8(alphabet.symbolOfByte[byte], symbol);
    alphabet.idOfByte[byte] = next;
    alphabet.byteOfId[next++] = uint8_t(byte);
  };
  for (int byte = 0; byte < 256; ++byte)
    if (isPrintable(byte))
      assign(byte, char32_t(byte));
  char32_t standIn = 256;
  for (int byte = 0; byte < 256; ++byte)
    if (!isPrintable(byte))
      assign(byte, standIn++);
  return alphabet;
}

const ByteAlphabet &byteAlphabet() {
  static const ByteAlphabet alphabet = makeByteAlphabet();
  return alphabet;
}

} // namespace vlp::tokenizer
