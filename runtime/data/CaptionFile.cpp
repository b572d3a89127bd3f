// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Caption files, line by line. What is wrong with a line becomes a problem; the next line is read all the same.
#include "runtime/data/PrepareFolder.h"
#include "runtime/data/Text.h"

#include <nlohmann/json.hpp>

namespace vlp::data {

using Json = nlohmann::json;

static std::string trim(std::string_view text) {
  std::u32string wide = decodeUtf8(text);
  size_t first = 0, last = wide.size();
  while (first < last && isSpace(wide[first]))
    ++first;
  while (last > first && isSpace(wide[last - 1]))
    --last;
  return encodeUtf8(std::u32string_view(wide).substr(first, last - first));
}

/// Calls `line(content, number)` for each line that is not blank, without its end and without a byte order mark.
template <typename F>
static void forEachLine(std::string_view text, F line) {
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = text.find('\n');
    std::string_view content = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (content.ends_with('\r'))
      content.remove_suffix(1);
    if (content.find_first_not_of(" \t") != content.npos)
      line(content, number);
  }
}

/// Adds the entry unless a caption is empty or no picture is named.
static void accept(CaptionFile &file, CaptionEntry entry, const std::string &where) {
  if (entry.image.empty()) {
    file.problems.push_back(where + ": no picture named");
    return;
  }
  if (entry.captions.empty())
    file.problems.push_back(where + ": no caption for " + entry.image);
  for (const std::string &caption : entry.captions)
    if (caption.empty())
      file.problems.push_back(where + ": empty caption for " + entry.image);
  file.entries.push_back(std::move(entry));
}

CaptionFile parseCaptionTsv(std::string_view text, const std::string &what) {
  CaptionFile file;
  forEachLine(text, [&](std::string_view line, size_t number) {
    CaptionEntry entry;
    entry.line = number;
    size_t tab = line.find('\t');
    entry.image = trim(line.substr(0, tab));
    while (tab != line.npos) {
      line.remove_prefix(tab + 1);
      tab = line.find('\t');
      entry.captions.push_back(trim(line.substr(0, tab)));
    }
    accept(file, std::move(entry), what + ":" + std::to_string(number));
  });
  return file;
}

/// Strings of a field that may be one string or a list of them; false when it is something else.
static bool readTexts(const Json &object, const char *key, std::vector<std::string> &texts) {
  auto field = object.find(key);
  if (field == object.end())
    return true;
  if (field->is_string()) {
    texts.push_back(trim(field->get<std::string>()));
    return true;
  }
  if (!field->is_array())
    return false;
  for (const Json &element : *field) {
    if (!element.is_string())
      return false;
    texts.push_back(trim(element.get<std::string>()));
  }
  return true;
}

static void readJsonLine(std::string_view line, const std::string &where, CaptionEntry entry, CaptionFile &file) {
  Json object = Json::parse(line, nullptr, false);
  if (!object.is_object()) {
    file.problems.push_back(where + ": not a JSON object");
    return;
  }
  std::vector<std::string> image, split;
  bool wellFormed = readTexts(object, "image", image) && readTexts(object, "caption", entry.captions) &&
                    readTexts(object, "captions", entry.captions) && readTexts(object, "keywords", entry.keywords) &&
                    readTexts(object, "split", split) && image.size() <= 1 && split.size() <= 1;
  if (!wellFormed) {
    file.problems.push_back(
        where + ": expected \"image\": text, \"captions\": list of texts, optionally \"keywords\" and \"split\"");
    return;
  }
  if (!image.empty())
    entry.image = image.front();
  std::erase(entry.keywords, "");
  if (!split.empty()) {
    entry.split = parseSplit(split.front());
    if (entry.split != Split::Train && entry.split != Split::Val && entry.split != Split::Test)
      file.problems.push_back(where + ": split \"" + split.front() + "\", expected train, val or test");
  }
  accept(file, std::move(entry), where);
}

CaptionFile parseCaptionJsonl(std::string_view text, const std::string &what) {
  CaptionFile file;
  forEachLine(text, [&](std::string_view line, size_t number) {
    CaptionEntry entry;
    entry.line = number;
    readJsonLine(line, what + ":" + std::to_string(number), std::move(entry), file);
  });
  return file;
}

} // namespace vlp::data
