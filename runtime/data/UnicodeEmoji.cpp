// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Line and tag scanners for two Unicode text formats; tolerant of what they do not know.
#include "runtime/data/UnicodeEmoji.h"
#include "runtime/data/Text.h"

#include <charconv>
#include <cstdio>
#include <optional>

namespace vlp::data {

static std::string_view strip(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  size_t first = text.find_first_not_of(blank);
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// The text up to `end`, which is cut off `rest` with it; all of it when `end` does not occur.
static std::string_view takeUntil(std::string_view &rest, std::string_view end) {
  size_t at = rest.find(end);
  std::string_view head = rest.substr(0, at);
  rest.remove_prefix(at == rest.npos ? rest.size() : at + end.size());
  return head;
}

static std::u32string parseCodePoints(std::string_view text) {
  std::u32string result;
  while (!(text = strip(text)).empty()) {
    std::string_view word = takeUntil(text, " ");
    uint32_t value = 0;
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
    if (error != std::errc() || end != word.data() + word.size() || value > 0x10FFFF)
      return {};
    result += char32_t(value);
  }
  return result;
}

/// A data line reads `1F600 ; fully-qualified # <the emoji> E1.0 grinning face`.
static std::optional<Emoji> parseEmojiLine(std::string_view line) {
  Emoji emoji;
  emoji.codePoints = parseCodePoints(takeUntil(line, ";"));
  std::string_view status = strip(takeUntil(line, "#"));
  if (emoji.codePoints.empty() || (status != "fully-qualified" && status != "component"))
    return std::nullopt;
  line = strip(line);
  takeUntil(line, " ");
  std::string_view version = takeUntil(line, " ");
  if (!version.starts_with('E') || strip(line).empty())
    return std::nullopt;
  emoji.name = strip(line);
  return emoji;
}

std::vector<Emoji> parseEmojiTest(std::string_view text) {
  constexpr std::string_view groupMark = "# group:", subgroupMark = "# subgroup:";
  std::vector<Emoji> result;
  std::string_view group, subgroup;
  while (!text.empty()) {
    std::string_view line = takeUntil(text, "\n");
    if (line.starts_with(groupMark))
      group = strip(line.substr(groupMark.size()));
    else if (line.starts_with(subgroupMark))
      subgroup = strip(line.substr(subgroupMark.size()));
    else if (line.starts_with('#'))
      continue;
    else if (std::optional<Emoji> emoji = parseEmojiLine(line)) {
      emoji->group = group;
      emoji->subgroup = subgroup;
      result.push_back(std::move(*emoji));
    }
  }
  return result;
}

/// Replaces the five named entities and numeric ones; anything else stays as it is.
static std::string unescapeXml(std::string_view text) {
  static constexpr std::pair<std::string_view, char> named[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  std::string result;
  while (!text.empty()) {
    size_t start = text.find('&');
    result += text.substr(0, start);
    if (start == text.npos)
      break;
    text.remove_prefix(start);
    size_t end = text.substr(0, 12).find(';');
    std::string_view entity = end == text.npos ? "" : text.substr(1, end - 1);
    char32_t value = 0;
    for (auto [name, c] : named)
      if (entity == name)
        value = char32_t(c);
    if (entity.starts_with('#')) {
      bool hex = entity.starts_with("#x") || entity.starts_with("#X");
      std::string_view digits = entity.substr(hex ? 2 : 1);
      uint32_t number = 0;
      auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
      if (error == std::errc() && stop == digits.data() + digits.size() && number <= 0x10FFFF)
        value = number;
    }
    if (value)
      appendUtf8(result, value);
    else
      result += text.substr(0, end == text.npos ? 1 : end + 1);
    text.remove_prefix(end == text.npos ? 1 : end + 1);
  }
  return result;
}

static std::optional<std::string> attribute(std::string_view tag, std::string_view name) {
  for (size_t at = tag.find(name); at != tag.npos; at = tag.find(name, at + 1)) {
    if (at == 0 || (tag[at - 1] != ' ' && tag[at - 1] != '\t' && tag[at - 1] != '\n'))
      continue;
    std::string_view rest = strip(tag.substr(at + name.size()));
    if (!rest.starts_with('='))
      continue;
    rest = strip(rest.substr(1));
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\''))
      continue;
    size_t close = rest.find(rest[0], 1);
    if (close == rest.npos)
      return std::nullopt;
    return unescapeXml(rest.substr(1, close - 1));
  }
  return std::nullopt;
}

/// Where the tag that `xml` begins with ends: the first '>' outside of quotes.
static size_t findTagEnd(std::string_view xml) {
  char quote = 0;
  for (size_t i = 0; i < xml.size(); ++i) {
    if (quote)
      quote = xml[i] == quote ? 0 : quote;
    else if (xml[i] == '"' || xml[i] == '\'')
      quote = xml[i];
    else if (xml[i] == '>')
      return i;
  }
  return xml.npos;
}

static std::vector<std::string> splitKeywords(std::string_view text) {
  std::vector<std::string> result;
  while (true) {
    bool last = text.find('|') == text.npos;
    std::string_view word = strip(takeUntil(text, "|"));
    if (!word.empty())
      result.emplace_back(word);
    if (last)
      return result;
  }
}

Status parseAnnotations(std::string_view xml, const std::string &what, Annotations &annotations) {
  const char *begin = xml.data();
  auto damaged = [&](std::string_view at, const char *reason) {
    return Status(StatusCode::DataLoss, what + ": " + reason + " at byte " + std::to_string(at.data() - begin));
  };
  for (size_t open; (open = xml.find('<')) != xml.npos;) {
    xml.remove_prefix(open);
    std::string_view here = xml;
    if (xml.starts_with("<!--")) {
      if (xml.find("-->") == xml.npos)
        return damaged(here, "comment without end");
      takeUntil(xml, "-->");
      continue;
    }
    size_t end = findTagEnd(xml);
    if (end == xml.npos)
      return damaged(here, "tag without end");
    std::string_view tag = xml.substr(1, end - 1);
    xml.remove_prefix(end + 1);
    if (!tag.starts_with("annotation ") && !tag.starts_with("annotation\t") && !tag.starts_with("annotation\n"))
      continue;
    std::optional<std::string> characters = attribute(tag, "cp");
    if (!characters || tag.ends_with('/'))
      continue;
    if (xml.find("</annotation>") == xml.npos)
      return damaged(here, "annotation without end");
    std::string content = unescapeXml(takeUntil(xml, "</annotation>"));
    Annotation &entry = annotations[dropVariationSelector(decodeUtf8(*characters))];
    if (attribute(tag, "type") == "tts")
      entry.shortName = strip(content);
    else
      entry.keywords = splitKeywords(content);
  }
  return Status::ok();
}

std::u32string dropVariationSelector(std::u32string_view codePoints) {
  std::u32string result;
  for (char32_t c : codePoints)
    if (c != 0xFE0F)
      result += c;
  return result;
}

std::string codePointKey(std::u32string_view codePoints) {
  std::string key;
  for (char32_t c : codePoints) {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%04x", unsigned(c));
    key += (key.empty() ? "" : "_") + std::string(digits);
  }
  return key;
}

} // namespace vlp::data
