// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Each entry parses, and touches what came out.
#include "test/runtime/data/fuzz/FuzzEntries.h"

#include "runtime/data/Dataset.h"
#include "runtime/data/DatasetFormat.h"
#include "runtime/data/EmojiFont.h"
#include "runtime/data/PrepareFolder.h"
#include "runtime/data/Resize.h"
#include "runtime/data/UnicodeEmoji.h"
#include "runtime/tokenizer/ClipBpe.h"

#include <numeric>
#include <zlib.h>

namespace vlp::data::testing {

static std::string_view asText(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

/// Reads every byte, so that a view out of range is noticed.
static unsigned touch(ByteView bytes) { return std::accumulate(bytes.begin(), bytes.end(), 0u); }

static volatile unsigned sink;

void fuzzFont(const uint8_t *data, size_t size) {
  Expected<EmojiFont> font = EmojiFont::parse(Bytes(data, data + size), "fuzz");
  if (!font)
    return;
  for (uint32_t glyph = 0; glyph < 65536; ++glyph)
    sink = touch(font->png(uint16_t(glyph)));
  for (char32_t first : {char32_t(0x1F600), char32_t(0x1F1E6), char32_t('#'), char32_t(0x10FFFF)}) {
    char32_t sequence[] = {first, 0x1F3FB, 0x200D};
    for (size_t length = 0; length <= 3; ++length)
      (void)font->glyph({sequence, length});
  }
}

static void readDataset(ByteView bytes) {
  Expected<std::shared_ptr<const Dataset>> dataset = openDatasetBytes(bytes, "fuzz");
  if (!dataset)
    return;
  for (size_t i = 0; i < (*dataset)->size(); ++i)
    sink = touch((*dataset)->pixels(i)) + unsigned((*dataset)->item(i).name().size());
  (void)(*dataset)->verifyPixels();
  (void)verifyNoLeak(**dataset);
  (void)(*dataset)->trainingTexts();
}

void fuzzDataset(const uint8_t *data, size_t size) {
  readDataset({data, size});
  if (size < sizeof(DatasetPreamble))
    return;
  Bytes repaired(data, data + size);
  DatasetPreamble preamble;
  std::memcpy(&preamble, data, sizeof preamble);
  std::memcpy(preamble.magic, datasetMagic, sizeof datasetMagic);
  preamble.version = datasetVersion;
  if (preamble.metadataOffset <= size) {
    preamble.metadataBytes = size - preamble.metadataOffset;
    preamble.metadataCrc = uint32_t(crc32_z(0, data + preamble.metadataOffset, preamble.metadataBytes));
  }
  preamble.preambleCrc =
      uint32_t(crc32_z(0, reinterpret_cast<const Bytef *>(&preamble), offsetof(DatasetPreamble, preambleCrc)));
  std::memcpy(repaired.data(), &preamble, sizeof preamble);
  readDataset(repaired);
}

void fuzzAnnotations(const uint8_t *data, size_t size) {
  Annotations annotations;
  (void)parseAnnotations(asText(data, size), "fuzz", annotations);
}

void fuzzEmojiTest(const uint8_t *data, size_t size) {
  for (const Emoji &emoji : parseEmojiTest(asText(data, size)))
    sink = unsigned(codePointKey(emoji.codePoints).size() + conceptKey(emoji.name).size());
}

void fuzzCaptions(const uint8_t *data, size_t size) {
  sink = unsigned(parseCaptionTsv(asText(data, size), "fuzz").entries.size());
  sink = unsigned(parseCaptionJsonl(asText(data, size), "fuzz").entries.size());
}

void fuzzImages(const uint8_t *data, size_t size) {
  Expected<RgbaImage> image = decodeRgba({data, size}, "fuzz");
  // Small ones only: scaling a large picture says nothing more and takes long.
  if (image && size_t(image->width) * image->height <= 1 << 16)
    sink = touch(letterbox(*image, 16).rgb);
}

void fuzzMerges(const uint8_t *data, size_t size) {
  Expected<tokenizer::ClipBpe> bpe = tokenizer::ClipBpe::parse(asText(data, size), "fuzz", 1000);
  if (!bpe)
    return;
  std::string text(asText(data, std::min<size_t>(size, 200)));
  sink = unsigned(bpe->decode(bpe->encode(text, 77)).size());
  sink = unsigned(bpe->mergesText().size());
}

} // namespace vlp::data::testing
