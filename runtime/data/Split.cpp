// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Concept keys and splits. The rules and their order are fixed: numbers of different runs are only comparable on equal
// splits.
#include "runtime/data/Split.h"
#include "runtime/core/Sha256.h"
#include "runtime/data/Text.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace vlp::data {

static constexpr std::array<std::string_view, numSplits> names = {
    "train",       "unused",    "val",        "test",        "unseen-val",
    "unseen-test", "cross-val", "cross-test", "compose-val", "compose-test"};

std::string_view splitName(Split split) { return names[size_t(split)]; }

std::optional<Split> parseSplit(std::string_view name) {
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    return std::nullopt;
  return Split(found - names.begin());
}

static bool isGenderOrAgeWord(const std::u32string &word) {
  static const std::unordered_set<std::u32string> set = {
      U"man",   U"woman",  U"person",  U"men",       U"women", U"people", U"boy", U"girl",
      U"child", U"old",    U"prince",  U"princess",  U"santa", U"claus",  U"mrs", U"he",
      U"she",   U"merman", U"mermaid", U"merperson", U"king",  U"queen"};
  return set.contains(word);
}

static bool isTitle(const std::u32string &word) {
  return word == U"m" || word == U"mr" || word == U"ms" || word == U"mrs";
}

/// Drops whole words that tell gender or age, and titles ("mr.") that run into the next word.
static std::u32string dropGenderWords(std::u32string_view text) {
  auto isWord = [&](size_t i) { return i < text.size() && (isLetter(text[i]) || isNumber(text[i]) || text[i] == '_'); };
  std::u32string result;
  for (size_t at = 0; at < text.size();) {
    if (!isWord(at)) {
      result += text[at++];
      continue;
    }
    size_t end = at;
    while (isWord(end))
      ++end;
    std::u32string word(text.substr(at, end - at));
    bool titleRunsOn = isTitle(word) && end < text.size() && text[end] == '.' && isWord(end + 1);
    if (titleRunsOn)
      ++end;
    else if (!isGenderOrAgeWord(word))
      result += word;
    at = end;
  }
  return result;
}

/// a-z and 0-9 only, everything else a separator; separators single, none at the ends.
static std::string keepLettersAndDigits(std::u32string_view text) {
  std::string result;
  bool separated = false;
  for (char32_t c : text) {
    bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (keep && separated && !result.empty())
      result += ' ';
    separated = !keep;
    if (keep)
      result += char(c);
    else
      separated = true;
  }
  return result;
}

static std::u32string_view strip(std::u32string_view text) {
  while (!text.empty() && isSpace(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && isSpace(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string conceptKey(std::string_view name) {
  std::u32string lowered = lower(decodeUtf8(name));
  if (lowered.starts_with(U"flag:") || lowered.starts_with(U"keycap:"))
    return encodeUtf8(lowered);
  std::u32string_view text = lowered;
  std::string key = keepLettersAndDigits(dropGenderWords(text.substr(0, text.find(U':'))));
  if (!key.empty())
    return key;
  size_t colon = text.rfind(U':');
  std::u32string_view detail = colon == text.npos ? U"" : text.substr(colon + 1);
  if (colon == text.npos || detail.find(U"skin") != detail.npos)
    return "person";
  return "person:" + encodeUtf8(strip(detail));
}

static uint32_t percentile(std::string_view salt, char purpose, std::string_view text) {
  // The first 32 bits of the digest.
  return std::stoul(sha256Hex(std::string(salt) + purpose + std::string(text)).substr(0, 8), nullptr, 16) % 100;
}

static bool isToned(std::string_view name) { return name.find("skin tone") != name.npos; }

Split emojiSplit(std::string_view name, std::string_view style, std::string_view group, std::string_view salt) {
  std::string key = conceptKey(name);
  bool flag = group == "Flags", toned = isToned(name);
  uint32_t place = percentile(salt, 'c', key);
  if (!flag && key != "person" && place < 15)
    return place < 10 ? Split::UnseenTest : Split::UnseenVal;
  if (style == "gemojione" && !flag && !toned) {
    place = percentile(salt, 'g', name);
    if (place < 32)
      return place < 25 ? Split::CrossTest : Split::CrossVal;
  }
  if (!toned)
    return Split::Train;
  // A held-out toned name is out in every style, but scored in Noto's only.
  place = percentile(salt, 't', name);
  if (place >= 20)
    return Split::Train;
  if (style != "noto")
    return Split::Unused;
  return place < 15 ? Split::ComposeTest : Split::ComposeVal;
}

bool isScored(Split split, std::string_view name, std::string_view style) {
  if (split == Split::UnseenTest || split == Split::UnseenVal)
    return style == "noto" && !isToned(name);
  return isTest(split) || isValidation(split);
}

Split folderSplit(std::string_view fileName, std::string_view salt, int valPercent, int testPercent) {
  int place = int(percentile(salt, 'f', fileName));
  if (place < testPercent)
    return Split::Test;
  return place < testPercent + valPercent ? Split::Val : Split::Train;
}

} // namespace vlp::data
