// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names, groups and keywords of emoji, from Unicode's emoji-test.txt and CLDR's annotation files.
#pragma once

#include "runtime/core/Status.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vlp::data {

struct Emoji {
  std::u32string codePoints; ///< as listed, U+FE0F included
  std::string name;          ///< "woman singer: dark skin tone"
  std::string group;         ///< "People & Body"
  std::string subgroup;      ///< "person-role"
};

/// The fully-qualified emoji and components of emoji-test.txt, in file order. Other lines are skipped.
std::vector<Emoji> parseEmojiTest(std::string_view text);

struct Annotation {
  std::string shortName; ///< the "tts" text; empty when absent
  std::vector<std::string> keywords;
};

/// Keyed by the code points without U+FE0F.
using Annotations = std::map<std::u32string, Annotation>;

/// Adds the `<annotation cp="..." [type="tts"]>` elements of a CLDR annotations file; later calls overwrite earlier
/// texts. `what` names the file in errors.
Status parseAnnotations(std::string_view xml, const std::string &what, Annotations &annotations);

/// The sequence without U+FE0F, which CLDR and fonts leave out.
std::u32string dropVariationSelector(std::u32string_view codePoints);

/// Lower-case hexadecimal code points (at least four digits), joined by '_'.
std::string codePointKey(std::u32string_view codePoints);

} // namespace vlp::data
