// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The vocabulary of CLIP's BPE, and encoding and decoding with it.
#include "runtime/tokenizer/ClipBpe.h"
#include "runtime/core/Sha256.h"
#include "runtime/data/File.h"
#include "runtime/tokenizer/ClipText.h"

#include <algorithm>
#include <zlib.h>

namespace vlp::tokenizer {

static constexpr std::string_view wordEnd = "</w>";
static constexpr size_t maxMergesBytes = size_t(1) << 26;

ClipBpe::ClipBpe() {
  const ByteAlphabet &alphabet = byteAlphabet();
  for (int id = 0; id < 256; ++id)
    symbols.push_back(alphabet.symbolOfByte[alphabet.byteOfId[id]]);
  for (int id = 0; id < 256; ++id)
    symbols.push_back(symbols[id] + std::string(wordEnd));
  for (size_t id = 0; id < symbols.size(); ++id)
    ids[symbols[id]] = int32_t(id);
}

Status ClipBpe::addMerge(std::string_view left, std::string_view right, const std::string &where) {
  auto a = ids.find(std::string(left)), b = ids.find(std::string(right));
  if (a == ids.end() || b == ids.end())
    return {StatusCode::DataLoss, where + ": merge of a symbol that no line before it made: \"" +
                                      std::string(a == ids.end() ? left : right) + "\""};
  std::string joined = symbols[a->second] + symbols[b->second];
  int32_t id = int32_t(symbols.size());
  merges.push_back({a->second, b->second});
  symbols.push_back(joined);
  // Two merges may make the same text; the later id counts, as in the original's dictionary.
  ids[joined] = id;
  return Status::ok();
}

/// Fills what depends on the whole list of merges.
void ClipBpe::finish() {
  ranks.clear();
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string &left = symbols[merges[i].first], &right = symbols[merges[i].second];
    // Ids by text: a symbol made twice is known by its later id only.
    ranks[pairKey(ids[left], ids[right])] = {int32_t(i), ids[symbols[512 + i]]};
  }
  digest = sha256Hex(mergesText());
}

static Expected<std::string> inflateGzip(data::ByteView bytes, const std::string &what) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK)
    return Status(StatusCode::Internal, "zlib does not start");
  stream.next_in = const_cast<Bytef *>(bytes.data());
  stream.avail_in = uInt(bytes.size());
  std::string text;
  int state = Z_OK;
  while (state == Z_OK && text.size() <= maxMergesBytes) {
    char chunk[1 << 14];
    stream.next_out = reinterpret_cast<Bytef *>(chunk);
    stream.avail_out = sizeof chunk;
    state = inflate(&stream, Z_NO_FLUSH);
    text.append(chunk, sizeof chunk - stream.avail_out);
  }
  inflateEnd(&stream);
  if (state == Z_STREAM_END)
    return text;
  return Status(StatusCode::DataLoss, what + ": damaged or truncated gzip file");
}

Expected<ClipBpe> ClipBpe::load(const std::filesystem::path &path, size_t maxMerges) {
  Expected<data::Bytes> bytes = data::readFile(path, maxMergesBytes);
  if (!bytes)
    return bytes.status();
  std::string_view text(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  return parse(text, path.string(), maxMerges);
}

Expected<ClipBpe> ClipBpe::parse(std::string_view text, const std::string &what, size_t maxMerges) {
  std::string inflated;
  if (text.starts_with("\x1f\x8b")) {
    Expected<std::string> result = inflateGzip({reinterpret_cast<const uint8_t *>(text.data()), text.size()}, what);
    if (!result)
      return result.status();
    text = inflated = std::move(*result);
  }
  ClipBpe bpe;
  size_t line = 0;
  while (!text.empty() && bpe.merges.size() < maxMerges) {
    size_t end = text.find('\n');
    std::string_view content = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (content.ends_with('\r'))
      content.remove_suffix(1);
    if (++line == 1 || content.empty())
      continue;
    std::string where = what + ":" + std::to_string(line);
    size_t space = content.find(' ');
    if (space == content.npos || space == 0 || content.find(' ', space + 1) != content.npos ||
        space + 1 == content.size())
      return Status(StatusCode::DataLoss, where + ": expected two symbols and one space between them");
    VLP_RETURN_IF_ERROR(bpe.addMerge(content.substr(0, space), content.substr(space + 1), where));
  }
  if (bpe.merges.empty())
    return Status(StatusCode::DataLoss, what + ": no merges; expected a first line and then two symbols a line");
  bpe.finish();
  return bpe;
}

/// Joins the pair of lowest rank wherever it stands, until no pair has a rank.
void ClipBpe::mergeWord(std::vector<int32_t> &word) const {
  while (word.size() > 1) {
    const Merge *best = nullptr;
    Pair pair;
    for (size_t i = 0; i + 1 < word.size(); ++i) {
      auto found = ranks.find(pairKey(word[i], word[i + 1]));
      if (found != ranks.end() && (!best || found->second.rank < best->rank)) {
        best = &found->second;
        pair = {word[i], word[i + 1]};
      }
    }
    if (!best)
      return;
    size_t out = 0;
    for (size_t i = 0; i < word.size(); ++i) {
      bool joined = i + 1 < word.size() && word[i] == pair.first && word[i + 1] == pair.second;
      word[out++] = joined ? best->result : word[i];
      i += joined;
    }
    word.resize(out);
  }
}

// A longer run of letters or marks is cut here: merging takes time quadratic in its length.
static constexpr size_t maxWordBytes = 4096;

std::vector<int32_t> ClipBpe::encodeIds(std::string_view text) const {
  const ByteAlphabet &alphabet = byteAlphabet();
  std::vector<int32_t> result;
  for (std::string_view whole : splitClipWords(cleanClipText(text)))
    for (size_t at = 0; at < whole.size(); at += maxWordBytes) {
      std::string_view part = whole.substr(at, maxWordBytes);
      std::vector<int32_t> word;
      for (char byte : part)
        word.push_back(alphabet.idOfByte[uint8_t(byte)]);
      if (at + part.size() == whole.size())
        word.back() += 256;
      mergeWord(word);
      result.insert(result.end(), word.begin(), word.end());
    }
  return result;
}

std::vector<int32_t> ClipBpe::encode(std::string_view text, int contextLength) const {
  std::vector<int32_t> result(size_t(std::max(contextLength, 0)), 0);
  if (result.size() < 2)
    return result;
  std::vector<int32_t> body = encodeIds(text);
  size_t kept = std::min(body.size(), result.size() - 2);
  result[0] = startId();
  std::copy_n(body.begin(), kept, result.begin() + 1);
  result[kept + 1] = endId();
  return result;
}

std::string ClipBpe::decode(const std::vector<int32_t> &tokens) const {
  // Padding is 0, which is also the id of '!': what follows the end mark is left out, and nothing else.
  auto end = std::find(tokens.begin(), tokens.end(), endId());
  static const std::unordered_map<std::string, uint8_t> byteOfSymbol = [] {
    std::unordered_map<std::string, uint8_t> map;
    for (int byte = 0; byte < 256; ++byte)
      map[byteAlphabet().symbolOfByte[byte]] = uint8_t(byte);
    return map;
  }();
  std::string text;
  for (auto token = tokens.begin(); token != end; ++token) {
    if (*token < 0 || size_t(*token) >= symbols.size())
      continue;
    std::string_view symbol = symbols[*token];
    bool endsWord = symbol.ends_with(wordEnd);
    if (endsWord)
      symbol.remove_suffix(wordEnd.size());
    while (!symbol.empty()) {
      // The stand-ins are below U+0180: one byte or two.
      size_t length = std::min<size_t>(uint8_t(symbol[0]) < 0x80 ? 1 : 2, symbol.size());
      text += char(byteOfSymbol.at(std::string(symbol.substr(0, length))));
      symbol.remove_prefix(length);
    }
    if (endsWord)
      text += ' ';
  }
  if (text.ends_with(' '))
    text.pop_back();
  return text;
}

std::string ClipBpe::mergesText() const {
  std::string text = "#version: 0.2\n";
  for (auto [left, right] : merges)
    text += symbols[left] + ' ' + symbols[right] + '\n';
  return text;
}

Status ClipBpe::save(const std::filesystem::path &path) const {
  std::string text = mergesText();
  return data::writeFileAtomically(path, {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

} // namespace vlp::tokenizer
