// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads colour bitmaps out of an OpenType font: cmap format 12, GSUB ligatures, CBLC index format 1, CBDT format 17.
#pragma once

#include "runtime/data/File.h"

#include <map>
#include <optional>

namespace vlp::data {

/// A parsed font. Every offset is checked, so a damaged font gives a status and never reads out of range.
class EmojiFont {
public:
  /// `what` names the font in errors.
  static Expected<EmojiFont> parse(Bytes bytes, const std::string &what);

  /// The glyph drawn for a sequence of code points (without U+FE0F), by cmap and, for more than one, a ligature.
  std::optional<uint16_t> glyph(std::span<const char32_t> codePoints) const;

  /// The PNG stream of the glyph's bitmap, empty when the font has none.
  ByteView png(uint16_t glyph) const;

  size_t ligatureCount() const { return ligatures.size(); }
  size_t bitmapCount() const { return bitmaps.size(); }

private:
  friend class EmojiFontParser;
  struct CharacterGroup {
    uint32_t first, last, glyph;
  };
  struct Extent {
    uint32_t offset, size;
  };

  Bytes bytes;
  std::vector<CharacterGroup> groups;
  std::map<std::vector<uint16_t>, uint16_t> ligatures;
  std::map<uint16_t, Extent> bitmaps;
};

} // namespace vlp::data
