// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds a small font with the tables that EmojiFont reads.
#pragma once

#include "runtime/data/File.h"

#include <map>

namespace vlp::data::testing {

struct TinyFont {
  std::map<char32_t, uint16_t> characters;             ///< glyph of each code point
  std::map<std::vector<uint16_t>, uint16_t> ligatures; ///< glyph of each sequence (two or more glyphs)
  std::map<uint16_t, Bytes> bitmaps;                   ///< PNG stream of each glyph
  bool extension = false;                              ///< wrap the ligatures into a lookup of type 7
  bool rangeCoverage = false;                          ///< coverage format 2

  Bytes build() const;
};

} // namespace vlp::data::testing
