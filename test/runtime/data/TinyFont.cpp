// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes OpenType tables, big-endian, just complete enough.
#include "test/runtime/data/TinyFont.h"

#include <set>

namespace vlp::data::testing {

static void put16(Bytes &out, uint32_t value) {
  out.push_back(uint8_t(value >> 8));
  out.push_back(uint8_t(value));
}
static void put32(Bytes &out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
static void append(Bytes &out, const Bytes &more) { out.insert(out.end(), more.begin(), more.end()); }

static Bytes characterMap(const std::map<char32_t, uint16_t> &characters) {
  Bytes out;
  put16(out, 0);
  put16(out, 1);
  put16(out, 3), put16(out, 10), put32(out, 12);
  put16(out, 12), put16(out, 0);
  put32(out, uint32_t(16 + 12 * characters.size())), put32(out, 0), put32(out, uint32_t(characters.size()));
  for (auto [character, glyph] : characters)
    put32(out, character), put32(out, character), put32(out, glyph);
  return out;
}

static Bytes ligatureSubtable(const std::map<std::vector<uint16_t>, uint16_t> &ligatures, bool ranges) {
  std::map<uint16_t, std::vector<Bytes>> sets;
  for (const auto &[sequence, glyph] : ligatures) {
    Bytes ligature;
    put16(ligature, glyph), put16(ligature, uint32_t(sequence.size()));
    for (size_t i = 1; i < sequence.size(); ++i)
      put16(ligature, sequence[i]);
    sets[sequence[0]].push_back(ligature);
  }
  Bytes coverage;
  put16(coverage, ranges ? 2 : 1), put16(coverage, uint32_t(sets.size()));
  for (const auto &[first, list] : sets) {
    put16(coverage, first);
    if (ranges)
      put16(coverage, first), put16(coverage, 0);
  }
  size_t header = 6 + 2 * sets.size();
  Bytes out, body = coverage;
  put16(out, 1), put16(out, uint32_t(header)), put16(out, uint32_t(sets.size()));
  for (const auto &[first, list] : sets) {
    put16(out, uint32_t(header + body.size()));
    Bytes set, contents;
    put16(set, uint32_t(list.size()));
    for (const Bytes &ligature : list) {
      put16(set, uint32_t(2 + 2 * list.size() + contents.size()));
      append(contents, ligature);
    }
    append(body, set);
    append(body, contents);
  }
  append(out, body);
  return out;
}

static Bytes substitutions(const TinyFont &font) {
  Bytes out;
  put32(out, 0x00010000), put16(out, 0), put16(out, 0), put16(out, 10);
  put16(out, 1), put16(out, 4); // lookup list
  put16(out, font.extension ? 7 : 4), put16(out, 0), put16(out, 1), put16(out, 8);
  if (font.extension)
    put16(out, 1), put16(out, 4), put32(out, 8);
  append(out, ligatureSubtable(font.ligatures, font.rangeCoverage));
  return out;
}

/// CBLC and CBDT: one strike, one index subtable a glyph.
static std::pair<Bytes, Bytes> bitmapTables(const std::map<uint16_t, Bytes> &bitmaps) {
  Bytes index, data;
  put32(data, 0x00030000);
  put32(index, 0x00030000), put32(index, 1);
  put32(index, 56), put32(index, 0), put32(index, uint32_t(bitmaps.size()));
  index.resize(56);
  Bytes headers;
  for (const auto &[glyph, png] : bitmaps) {
    put16(index, glyph), put16(index, glyph), put32(index, uint32_t(8 * bitmaps.size() + headers.size()));
    put16(headers, 1), put16(headers, 17), put32(headers, uint32_t(data.size()));
    put32(headers, 0), put32(headers, uint32_t(9 + png.size()));
    data.insert(data.end(), 5, 0);
    put32(data, uint32_t(png.size()));
    append(data, png);
  }
  append(index, headers);
  return {index, data};
}

Bytes TinyFont::build() const {
  auto [index, data] = bitmapTables(bitmaps);
  std::map<std::string, Bytes> tables = {
      {"cmap", characterMap(characters)}, {"GSUB", substitutions(*this)}, {"CBLC", index}, {"CBDT", data}};
  Bytes out, body;
  put32(out, 0x00010000), put16(out, uint32_t(tables.size()));
  out.resize(12);
  for (const auto &[tag, table] : tables) {
    out.insert(out.end(), tag.begin(), tag.end());
    put32(out, 0), put32(out, uint32_t(12 + 16 * tables.size() + body.size())), put32(out, uint32_t(table.size()));
    append(body, table);
  }
  append(out, body);
  return out;
}

} // namespace vlp::data::testing
