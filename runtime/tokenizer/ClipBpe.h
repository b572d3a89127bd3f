// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CLIP's byte-level BPE: reads the official merges file, or trains such merges on captions.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <filesystem>
#include <span>
#include <unordered_map>
#include <utility>

namespace vlp::tokenizer {

/// Ids are CLIP's: 256 bytes, 256 bytes ending a word, one id a merge, <|startoftext|>, <|endoftext|>. Text is taken as
/// UTF-8 (damaged sequences become U+FFFD), HTML entities are unescaped, quotes straightened, white space is collapsed
/// and letters are lowered. Unlike OpenAI's, no mojibake is repaired (ftfy), and the marks written out in a text are
/// plain text.
class ClipBpe : public Tokenizer {
public:
  /// What the official vocabulary takes of its file: 49,152 - 256 - 2.
  static constexpr size_t officialMerges = 48894;

  /// Reads a merges file, plain or gzip: a first line that is skipped, then two symbols a line. At most `maxMerges` are
  /// used.
  static Expected<ClipBpe> load(const std::filesystem::path &path, size_t maxMerges = officialMerges);
  /// As load, from memory; `what` names the file in errors.
  static Expected<ClipBpe> parse(std::string_view merges, const std::string &what, size_t maxMerges = officialMerges);
  /// Learns merges until the vocabulary has `vocabularySize` entries or no pair of symbols occurs twice. Depends on the
  /// texts alone, not on their order. Fails when `vocabularySize` is below 514 or there are no texts.
  static Expected<ClipBpe> train(std::span<const std::string> texts, int vocabularySize);

  std::vector<int32_t> encode(std::string_view text, int contextLength) const override;
  /// The ids of a text without marks, truncation or padding.
  std::vector<int32_t> encodeIds(std::string_view text) const;
  std::string decode(const std::vector<int32_t> &ids) const override;

  int vocabularySize() const override { return int(512 + merges.size() + 2); }
  int startId() const { return vocabularySize() - 2; }
  int endId() const { return vocabularySize() - 1; }
  /// SHA-256 of mergesText().
  const std::string &hash() const override { return digest; }
  /// The merges in the file format that load() reads.
  std::string mergesText() const;
  Status save(const std::filesystem::path &path) const;

private:
  using Pair = std::pair<int32_t, int32_t>;
  struct Merge {
    int32_t rank;
    int32_t result;
  };
  ClipBpe();
  Status addMerge(std::string_view left, std::string_view right, const std::string &where);
  void finish();
  void mergeWord(std::vector<int32_t> &symbols) const;
  static uint64_t pairKey(int32_t left, int32_t right) { return uint64_t(uint32_t(left)) << 32 | uint32_t(right); }

  std::vector<Pair> merges;
  /// Of every id but the two marks: its text in CLIP's printable alphabet.
  std::vector<std::string> symbols;
  std::unordered_map<std::string, int32_t> ids;
  std::unordered_map<uint64_t, Merge> ranks;
  std::string digest;
};

} // namespace vlp::tokenizer
