// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text cleaning as in OpenAI's simple_tokenizer.py and what ftfy does to sound text; mojibake is not repaired.
#include "runtime/tokenizer/ClipText.h"
#include "runtime/data/Text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <unordered_map>

namespace vlp::tokenizer {

using data::isLetter;
using data::isNumber;
using data::isSpace;

/// The names of U+00A0 to U+00FF in HTML, in order.
static constexpr std::u32string_view latinEntities =
    U"nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute "
    U"micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring "
    U"AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml "
    U"times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil "
    U"egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash "
    U"ugrave uacute ucirc uuml yacute thorn yuml";

static char32_t namedEntity(std::u32string_view entity) {
  static const std::unordered_map<std::u32string_view, char32_t> values = [] {
    std::unordered_map<std::u32string_view, char32_t> map = {
        {U"amp", '&'},      {U"lt", '<'},        {U"gt", '>'},       {U"quot", '"'},
        {U"apos", '\''},    {U"hellip", 0x2026}, {U"ndash", 0x2013}, {U"mdash", 0x2014},
        {U"lsquo", 0x2018}, {U"rsquo", 0x2019},  {U"ldquo", 0x201C}, {U"rdquo", 0x201D}};
    char32_t value = 0xA0;
    for (size_t at = 0; at < latinEntities.size(); ++value) {
      size_t end = std::min(latinEntities.find(U' ', at), latinEntities.size());
      map[latinEntities.substr(at, end - at)] = value;
      at = end + 1;
    }
    return map;
  }();
  auto found = values.find(entity);
  return found == values.end() ? 0 : found->second;
}

static char32_t entityValue(std::u32string_view entity) {
  if (!entity.starts_with(U'#'))
    return namedEntity(entity);
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

/// Straight quotes for curly ones, letters for ligatures, ASCII for full-width forms, composed characters: what ftfy
/// changes in sound text.
static std::u32string plainForms(std::u32string_view text) {
  static constexpr std::u32string_view ligatures[] = {U"ff", U"fi", U"fl", U"ffi", U"ffl", U"\u017ft", U"st"};
  std::u32string result;
  for (char32_t c : text) {
    if (c == 0x02BC || (c >= 0x2018 && c <= 0x201B))
      result += U'\'';
    else if (c >= 0x201C && c <= 0x201F)
      result += U'"';
    else if (c >= 0xFB00 && c <= 0xFB06)
      result += ligatures[c - 0xFB00];
    else if (c >= 0xFF01 && c <= 0xFF5E)
      result += c - 0xFF01 + U'!';
    else
      result += c == 0x3000 ? U' ' : c;
  }
  return data::composed(result);
}

std::u32string cleanClipText(std::string_view text) {
  std::u32string unescaped = plainForms(unescapeHtml(unescapeHtml(data::decodeUtf8(text))));
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
  auto isPrintable = [](int byte) {
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  };
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
