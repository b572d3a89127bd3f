// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which items a model may learn from: one fixed, salted split of the emoji by concept, and a hashed one for users'
// folders.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vlp::data {

enum class Split : uint8_t {
  Train,
  /// Neither trained on nor scored (a held-out name in a drawing style that the test leaves out).
  Unused,
  /// Of a user's folder.
  Val,
  Test,
  /// Concepts out of training in every drawing style.
  UnseenVal,
  UnseenTest,
  /// Gemojione drawings whose concept is in training in Noto's style.
  CrossVal,
  CrossTest,
  /// Toned names of which other tones are in training.
  ComposeVal,
  ComposeTest,
};
inline constexpr int numSplits = 10;

/// "train", "unused", "val", "test", "unseen-val", "unseen-test", ...
std::string_view splitName(Split split);
std::optional<Split> parseSplit(std::string_view name);
inline bool isTest(Split split) {
  return split == Split::Test || split == Split::UnseenTest || split == Split::CrossTest || split == Split::ComposeTest;
}
inline bool isValidation(Split split) {
  return split == Split::Val || split == Split::UnseenVal || split == Split::CrossVal || split == Split::ComposeVal;
}

/// The name without tone, hair and gender words: "woman singer: dark skin tone" -> "singer". Names that are nothing
/// else become "person" or "person:<hair>"; flags and keycaps keep their whole name. Lower case.
std::string conceptKey(std::string_view name);

/// The split of an emoji drawing. `style` is "noto" or "gemojione", `group` the Unicode group.
Split emojiSplit(std::string_view name, std::string_view style, std::string_view group, std::string_view salt);

/// Whether a drawing of an evaluation split is scored: in the unseen splits only Noto's untoned drawings are.
bool isScored(Split split, std::string_view name, std::string_view style);

/// The split of a file of a user's folder: by SHA-256 of salt and name, `valPercent` and `testPercent` out of 100.
Split folderSplit(std::string_view fileName, std::string_view salt, int valPercent, int testPercent);

} // namespace vlp::data
