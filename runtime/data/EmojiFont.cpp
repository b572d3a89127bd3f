// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// OpenType tables as ISO/IEC 14496-22 lays them out, read through one bounds-checked accessor.
#include "runtime/data/EmojiFont.h"

#include <algorithm>
#include <string_view>

namespace vlp::data {

/// Reads tables into an EmojiFont. A read out of range sets `broken` and yields 0, so loops are bounded by explicit
/// limits.
class EmojiFontParser {
public:
  EmojiFontParser(EmojiFont &font, const std::string &what) : font(font), bytes(font.bytes), what(what) {}

  Status parse();

private:
  struct Table {
    uint64_t offset = 0, size = 0;
  };

  uint32_t u16(uint64_t at) { return read(at, 2); }
  uint32_t u32(uint64_t at) { return read(at, 4); }
  uint32_t read(uint64_t at, int width);
  Status damaged(const char *table, const std::string &reason) const {
    return {StatusCode::DataLoss, what + ": damaged font, table " + table + ": " + reason};
  }
  Expected<Table> table(const char *tag);
  Status parseCharacterMap();
  Status parseSubstitutions();
  Status parseLigatures(uint64_t subtable);
  Status parseBitmaps();
  Status parseBitmapRange(uint64_t header, uint32_t first, uint32_t last, const Table &data);
  Expected<std::vector<uint16_t>> coverage(uint64_t at);

  EmojiFont &font;
  const Bytes &bytes;
  const std::string &what;
  bool broken = false;
  size_t components = 0;
};

// A font has at most 65,536 glyphs; these keep overlapping tables of a damaged one from being expanded without end.
static constexpr size_t maxGlyphs = 65536;
static constexpr size_t maxLigatures = size_t(1) << 17;
static constexpr size_t maxComponents = size_t(1) << 20;

uint32_t EmojiFontParser::read(uint64_t at, int width) {
  if (at > bytes.size() || bytes.size() - at < uint64_t(width)) {
    broken = true;
    return 0;
  }
  uint32_t value = 0;
  for (int i = 0; i < width; ++i)
    value = value << 8 | bytes[at + i];
  return value;
}

Expected<EmojiFontParser::Table> EmojiFontParser::table(const char *tag) {
  uint32_t count = u16(4);
  for (uint32_t i = 0; i < count && !broken; ++i) {
    uint64_t record = 12 + 16 * uint64_t(i);
    if (record + 16 > bytes.size())
      break;
    if (std::string_view(reinterpret_cast<const char *>(&bytes[record]), 4) != tag)
      continue;
    Table found{u32(record + 8), u32(record + 12)};
    if (found.offset > bytes.size() || found.size > bytes.size() - found.offset)
      return damaged(tag, "it ends at byte " + std::to_string(found.offset + found.size) + " of a file of " +
                              std::to_string(bytes.size()));
    return found;
  }
  return Status(StatusCode::DataLoss, what + ": not a colour bitmap font: it has no table " + tag);
}

Status EmojiFontParser::parseCharacterMap() {
  Expected<Table> map = table("cmap");
  if (!map)
    return map.status();
  uint32_t count = u16(map->offset + 2);
  for (uint32_t i = 0; i < count && !broken; ++i) {
    uint64_t subtable = map->offset + u32(map->offset + 4 + 8 * uint64_t(i) + 4);
    if (broken || u16(subtable) != 12)
      continue;
    uint32_t groups = u32(subtable + 12);
    if (groups > bytes.size() / 12)
      return damaged("cmap",
                     std::to_string(groups) + " groups in a file of " + std::to_string(bytes.size()) + " bytes");
    for (uint32_t g = 0; g < groups && !broken; ++g) {
      uint64_t record = subtable + 16 + 12 * uint64_t(g);
      font.groups.push_back({u32(record), u32(record + 4), u32(record + 8)});
    }
    break;
  }
  if (broken)
    return damaged("cmap", "it points out of the file");
  if (font.groups.empty())
    return damaged("cmap", "no subtable of format 12");
  return Status::ok();
}

Expected<std::vector<uint16_t>> EmojiFontParser::coverage(uint64_t at) {
  std::vector<uint16_t> glyphs;
  uint32_t format = u16(at), count = u16(at + 2);
  for (uint32_t i = 0; i < count && !broken; ++i) {
    if (format == 1) {
      glyphs.push_back(uint16_t(u16(at + 4 + 2 * uint64_t(i))));
      continue;
    }
    uint64_t range = at + 4 + 6 * uint64_t(i);
    uint32_t first = u16(range), last = u16(range + 2);
    if (last < first || glyphs.size() + (last - first) >= maxGlyphs)
      return damaged("GSUB", "coverage ranges out of order at byte " + std::to_string(range));
    for (uint32_t glyph = first; glyph <= last; ++glyph)
      glyphs.push_back(uint16_t(glyph));
  }
  return glyphs;
}

Status EmojiFontParser::parseLigatures(uint64_t subtable) {
  Expected<std::vector<uint16_t>> first = coverage(subtable + u16(subtable + 2));
  if (!first)
    return first.status();
  uint32_t sets = u16(subtable + 4);
  if (!broken && sets > first->size())
    return damaged("GSUB",
                   std::to_string(sets) + " ligature sets for " + std::to_string(first->size()) + " covered glyphs");
  for (uint32_t s = 0; s < sets && !broken; ++s) {
    uint64_t set = subtable + u16(subtable + 6 + 2 * uint64_t(s));
    uint32_t count = u16(set);
    for (uint32_t i = 0; i < count && !broken; ++i) {
      uint64_t ligature = set + u16(set + 2 + 2 * uint64_t(i));
      uint32_t length = u16(ligature + 2);
      components += length;
      if (font.ligatures.size() >= maxLigatures || components > maxComponents)
        return damaged("GSUB", "implausibly many ligatures");
      std::vector<uint16_t> key{(*first)[s]};
      for (uint32_t c = 1; c < length && !broken; ++c)
        key.push_back(uint16_t(u16(ligature + 4 + 2 * uint64_t(c - 1))));
      font.ligatures.emplace(std::move(key), uint16_t(u16(ligature)));
    }
  }
  return Status::ok();
}

Status EmojiFontParser::parseSubstitutions() {
  Expected<Table> gsub = table("GSUB");
  if (!gsub)
    return gsub.status();
  uint64_t list = gsub->offset + u16(gsub->offset + 8);
  uint32_t lookups = u16(list);
  for (uint32_t i = 0; i < lookups && !broken; ++i) {
    uint64_t lookup = list + u16(list + 2 + 2 * uint64_t(i));
    uint32_t type = u16(lookup), subtables = u16(lookup + 4);
    for (uint32_t s = 0; s < subtables && !broken; ++s) {
      uint64_t subtable = lookup + u16(lookup + 6 + 2 * uint64_t(s));
      uint32_t kind = type;
      // Type 7 wraps another type behind a 32-bit offset.
      if (type == 7) {
        kind = u16(subtable + 2);
        subtable += u32(subtable + 4);
      }
      if (++components > maxComponents)
        return damaged("GSUB", "implausibly many subtables");
      if (kind == 4 && !broken)
        VLP_RETURN_IF_ERROR(parseLigatures(subtable));
    }
  }
  return broken ? damaged("GSUB", "it points out of the file") : Status::ok();
}

Status EmojiFontParser::parseBitmapRange(uint64_t header, uint32_t first, uint32_t last, const Table &data) {
  if (u16(header) != 1 || u16(header + 2) != 17)
    return Status::ok();
  uint64_t base = u32(header + 4);
  for (uint32_t glyph = first; glyph <= last && !broken; ++glyph) {
    uint64_t entry = header + 8 + 4 * uint64_t(glyph - first);
    uint64_t start = u32(entry), end = u32(entry + 4);
    if (end <= start)
      continue;
    // Format 17: five bytes of metrics, u32 length, PNG stream.
    uint64_t record = data.offset + base + start, recordSize = end - start;
    uint64_t recordEnd = base + end;
    if (broken || recordEnd > data.size || recordSize < 9)
      return damaged("CBDT", "bitmap of glyph " + std::to_string(glyph) + " lies outside of it");
    uint64_t length = u32(record + 5);
    if (length > recordSize - 9)
      return damaged("CBDT", "bitmap of glyph " + std::to_string(glyph) + " is longer than its record");
    font.bitmaps[uint16_t(glyph)] = {uint32_t(record + 9), uint32_t(length)};
  }
  return Status::ok();
}

Status EmojiFontParser::parseBitmaps() {
  Expected<Table> index = table("CBLC");
  if (!index)
    return index.status();
  Expected<Table> data = table("CBDT");
  if (!data)
    return data.status();
  uint32_t strikes = u32(index->offset + 4);
  size_t ranges = 0;
  for (uint32_t s = 0; s < strikes && !broken; ++s) {
    uint64_t strike = index->offset + 8 + 48 * uint64_t(s);
    uint64_t array = index->offset + u32(strike);
    uint32_t count = u32(strike + 8);
    for (uint32_t k = 0; k < count && !broken; ++k) {
      uint64_t entry = array + 8 * uint64_t(k);
      uint32_t first = u16(entry), last = u16(entry + 2);
      uint64_t header = array + u32(entry + 4);
      if (broken || last < first)
        return damaged("CBLC", "glyph range out of order at byte " + std::to_string(entry));
      ranges += last - first + 1;
      if (ranges > maxGlyphs)
        return damaged("CBLC", "more glyphs than a font can have");
      VLP_RETURN_IF_ERROR(parseBitmapRange(header, first, last, *data));
    }
  }
  return broken ? damaged("CBLC", "it points out of the file") : Status::ok();
}

Status EmojiFontParser::parse() {
  VLP_RETURN_IF_ERROR(parseCharacterMap());
  VLP_RETURN_IF_ERROR(parseSubstitutions());
  return parseBitmaps();
}

Expected<EmojiFont> EmojiFont::parse(Bytes bytes, const std::string &what) {
  EmojiFont font;
  font.bytes = std::move(bytes);
  VLP_RETURN_IF_ERROR(EmojiFontParser(font, what).parse());
  return font;
}

std::optional<uint16_t> EmojiFont::glyph(std::span<const char32_t> codePoints) const {
  std::vector<uint16_t> glyphs;
  for (char32_t c : codePoints) {
    auto holds = [c](const CharacterGroup &group) { return group.first <= c && c <= group.last; };
    auto group = std::find_if(groups.begin(), groups.end(), holds);
    if (group == groups.end())
      return std::nullopt;
    glyphs.push_back(uint16_t(group->glyph + (c - group->first)));
  }
  if (glyphs.size() == 1)
    return glyphs.front();
  auto ligature = ligatures.find(glyphs);
  if (ligature == ligatures.end())
    return std::nullopt;
  return ligature->second;
}

ByteView EmojiFont::png(uint16_t glyph) const {
  auto bitmap = bitmaps.find(glyph);
  if (bitmap == bitmaps.end())
    return {};
  return ByteView(bytes).subspan(bitmap->second.offset, bitmap->second.size);
}

} // namespace vlp::data
