// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Learns merges: again and again the most frequent pair of neighbouring symbols becomes one symbol.
#include "runtime/tokenizer/ClipBpe.h"
#include "runtime/tokenizer/ClipText.h"

#include <map>
#include <queue>

namespace vlp::tokenizer {

namespace {
/// The distinct words with their symbols, and how often each pair of neighbours occurs. Symbols are numbered as in
/// ClipBpe, but one text has one number.
class Trainer {
public:
  explicit Trainer(std::span<const std::string> texts);
  /// The texts of the next merge's two symbols; nothing when no pair occurs twice.
  bool next(std::string &left, std::string &right);

private:
  struct Word {
    std::vector<int32_t> symbols;
    int64_t count;
  };
  struct Candidate {
    int64_t count;
    int32_t left, right;
    /// The most frequent first; among equals the one whose symbols are older.
    bool operator<(const Candidate &other) const {
      return count != other.count ? count < other.count : std::pair(left, right) > std::pair(other.left, other.right);
    }
  };
  struct Pair {
    int64_t count = 0;
    std::vector<uint32_t> words; ///< may hold words that lost the pair since
  };
  static uint64_t key(int32_t left, int32_t right) { return uint64_t(uint32_t(left)) << 32 | uint32_t(right); }

  int32_t intern(const std::string &text);
  void count(uint32_t word, int64_t sign);
  void merge(std::vector<int32_t> &symbols) const;

  std::vector<Word> words;
  std::vector<std::string> texts;
  std::unordered_map<std::string, int32_t> ids;
  std::unordered_map<uint64_t, Pair> pairs;
  std::unordered_map<uint64_t, std::pair<int, int32_t>> ranks; ///< rank and result of the merges so far
  std::priority_queue<Candidate> candidates;
};
} // namespace

int32_t Trainer::intern(const std::string &text) {
  auto [entry, isNew] = ids.emplace(text, int32_t(texts.size()));
  if (isNew)
    texts.push_back(text);
  return entry->second;
}

Trainer::Trainer(std::span<const std::string> corpus) {
  const ByteAlphabet &alphabet = byteAlphabet();
  for (const char *end : {"", "</w>"})
    for (int id = 0; id < 256; ++id)
      intern(alphabet.symbolOfByte[alphabet.byteOfId[id]] + end);
  // Ordered, so that nothing depends on the order of the texts.
  std::map<std::string, int64_t> counts;
  for (const std::string &text : corpus)
    for (std::string &word : splitClipWords(cleanClipText(text)))
      ++counts[std::move(word)];
  for (const auto &[text, occurrences] : counts) {
    Word &word = words.emplace_back(Word{{}, occurrences});
    for (char byte : text)
      word.symbols.push_back(alphabet.idOfByte[uint8_t(byte)]);
    word.symbols.back() += 256;
    count(uint32_t(words.size() - 1), 1);
  }
  for (const auto &[pair, entry] : pairs)
    candidates.push({entry.count, int32_t(pair >> 32), int32_t(pair)});
}

void Trainer::count(uint32_t index, int64_t sign) {
  const Word &word = words[index];
  for (size_t i = 0; i + 1 < word.symbols.size(); ++i) {
    Pair &pair = pairs[key(word.symbols[i], word.symbols[i + 1])];
    pair.count += sign * word.count;
    if (sign > 0 && (pair.words.empty() || pair.words.back() != index))
      pair.words.push_back(index);
  }
}

/// As the encoder does it, so that training and use cannot drift apart: the merge of lowest rank first.
void Trainer::merge(std::vector<int32_t> &symbols) const {
  while (true) {
    auto best = ranks.end();
    size_t place = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      auto found = ranks.find(key(symbols[i], symbols[i + 1]));
      if (found != ranks.end() && (best == ranks.end() || found->second.first < best->second.first)) {
        best = found;
        place = i;
      }
    }
    if (best == ranks.end())
      return;
    symbols[place] = best->second.second;
    symbols.erase(symbols.begin() + ptrdiff_t(place) + 1);
  }
}

bool Trainer::next(std::string &left, std::string &right) {
  while (!candidates.empty()) {
    Candidate top = candidates.top();
    candidates.pop();
    uint64_t pair = key(top.left, top.right);
    int64_t current = pairs[pair].count;
    if (current != top.count) {
      if (current > 0)
        candidates.push({current, top.left, top.right});
      continue;
    }
    if (current < 2)
      return false;
    left = texts[top.left];
    right = texts[top.right];
    ranks[pair] = {int(ranks.size()), intern(left + right)};
    std::vector<uint32_t> affected = std::move(pairs[pair].words);
    std::vector<uint64_t> touched;
    for (uint32_t index : affected) {
      std::vector<int32_t> merged = words[index].symbols;
      merge(merged);
      if (merged == words[index].symbols)
        continue;
      count(index, -1);
      words[index].symbols = std::move(merged);
      count(index, 1);
      for (size_t i = 0; i + 1 < words[index].symbols.size(); ++i)
        touched.push_back(key(words[index].symbols[i], words[index].symbols[i + 1]));
    }
    for (uint64_t changed : touched)
      if (int64_t now = pairs[changed].count; now > 0)
        candidates.push({now, int32_t(changed >> 32), int32_t(changed)});
    return true;
  }
  return false;
}

Expected<ClipBpe> ClipBpe::train(std::span<const std::string> texts, int vocabularySize) {
  if (vocabularySize < 514)
    return Status::invalid("a CLIP vocabulary has at least 514 entries (bytes and marks), asked for " +
                           std::to_string(vocabularySize));
  if (texts.empty())
    return Status::invalid("cannot train a vocabulary: no training captions");
  Trainer trainer(texts);
  ClipBpe bpe;
  std::string left, right;
  while (bpe.vocabularySize() < vocabularySize && trainer.next(left, right))
    VLP_RETURN_IF_ERROR(bpe.addMerge(left, right, "training"));
  bpe.finish();
  return bpe;
}

} // namespace vlp::tokenizer
