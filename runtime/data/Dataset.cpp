// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads dataset files. Every number of the file is checked before it is used.
#include "runtime/data/Dataset.h"
#include "runtime/core/Sha256.h"
#include "runtime/data/DatasetFormat.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <zlib.h>

namespace vlp::data {

using Json = nlohmann::json;

static Status damaged(const std::string &what, const std::string &reason) {
  return {StatusCode::DataLoss, what + ": damaged dataset: " + reason + "; prepare it again"};
}

static uint32_t crc(ByteView bytes) { return uint32_t(crc32_z(0, bytes.data(), bytes.size())); }

static Expected<DatasetPreamble> readPreamble(ByteView bytes, const std::string &what) {
  DatasetPreamble preamble;
  if (bytes.size() < sizeof datasetMagic || std::memcmp(bytes.data(), datasetMagic, sizeof datasetMagic) != 0)
    return Status(StatusCode::DataLoss, what + ": not a VLPC dataset; make one with `vlp-run data prepare`");
  if (bytes.size() < sizeof preamble)
    return damaged(what, "it ends after " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(&preamble, bytes.data(), sizeof preamble);
  if (preamble.version != datasetVersion)
    return Status(StatusCode::DataLoss, what + ": dataset of version " + std::to_string(preamble.version) +
                                            ", this program reads version " + std::to_string(datasetVersion) +
                                            "; prepare it again");
  if (crc(bytes.first(offsetof(DatasetPreamble, preambleCrc))) != preamble.preambleCrc)
    return damaged(what, "checksum of the preamble does not match");
  uint64_t itemBytes = uint64_t(preamble.side) * preamble.side * 3;
  bool plausible = preamble.side > 0 && preamble.side <= maxDatasetSide &&
                   preamble.items <= std::numeric_limits<uint32_t>::max() &&
                   preamble.pixelOffset == datasetPixelOffset &&
                   preamble.metadataOffset == preamble.pixelOffset + preamble.items * itemBytes &&
                   preamble.metadataBytes <= std::numeric_limits<uint32_t>::max();
  if (!plausible)
    return damaged(what, "sizes in the preamble contradict one another");
  uint64_t total = preamble.metadataOffset + preamble.metadataBytes;
  if (total != bytes.size())
    return damaged(what,
                   "it has " + std::to_string(bytes.size()) + " bytes, its preamble says " + std::to_string(total));
  return preamble;
}

static bool getText(const Json &object, const char *key, std::string &value) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_string())
    return false;
  value = found->get<std::string>();
  return true;
}

static bool getTexts(const Json &object, const char *key, std::vector<std::string> &values) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_array())
    return false;
  for (const Json &element : *found) {
    if (!element.is_string())
      return false;
    values.push_back(element.get<std::string>());
  }
  return true;
}

static bool getInteger(const Json &object, const char *key, int64_t low, int64_t high, int64_t &value) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer())
    return false;
  value = found->get<int64_t>();
  return value >= low && value <= high;
}

static bool readItem(const Json &object, size_t count, Item &item) {
  std::string split;
  int64_t pair = 0, mirror = 0;
  bool complete = object.is_object() && getTexts(object, "captions", item.captions) &&
                  getTexts(object, "keywords", item.keywords) && getText(object, "style", item.style) &&
                  getText(object, "group", item.group) && getText(object, "key", item.key) &&
                  getText(object, "concept", item.conceptName) && getText(object, "split", split) &&
                  getInteger(object, "pair", 0, int64_t(count) - 1, pair) && getInteger(object, "mirror", 0, 1, mirror);
  std::optional<Split> parsed = parseSplit(split);
  if (!complete || !parsed || item.captions.empty())
    return false;
  for (const std::string &caption : item.captions)
    if (caption.empty())
      return false;
  item.split = *parsed;
  item.pairId = int32_t(pair);
  item.mirrorable = mirror;
  return true;
}

static Status readMetadata(ByteView bytes, const DatasetPreamble &preamble, const std::string &what, DatasetInfo &info,
                           std::vector<Item> &items) {
  Json root = Json::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false);
  int64_t valPercent = 0, testPercent = 0;
  if (!root.is_object() || !getText(root, "kind", info.kind) || !getText(root, "salt", info.salt) ||
      !getInteger(root, "valPercent", 0, 100, valPercent) || !getInteger(root, "testPercent", 0, 100, testPercent))
    return damaged(what, "its metadata is not the JSON that was expected");
  info.valPercent = int(valPercent);
  info.testPercent = int(testPercent);
  info.side = int(preamble.side);
  auto list = root.find("items");
  if (list == root.end() || !list->is_array() || list->size() != preamble.items)
    return damaged(what, "its metadata does not describe " + std::to_string(preamble.items) + " items");
  items.resize(list->size());
  for (size_t i = 0; i < items.size(); ++i)
    if (!readItem((*list)[i], items.size(), items[i]))
      return damaged(what, "metadata of item " + std::to_string(i) + " is incomplete");
  return Status::ok();
}

Expected<std::shared_ptr<const Dataset>> openDatasetBytes(ByteView bytes, const std::string &what) {
  Expected<DatasetPreamble> preamble = readPreamble(bytes, what);
  if (!preamble)
    return preamble.status();
  ByteView metadata = bytes.subspan(preamble->metadataOffset, preamble->metadataBytes);
  if (crc(metadata) != preamble->metadataCrc)
    return damaged(what, "checksum of the metadata does not match");
  std::shared_ptr<Dataset> dataset(new Dataset);
  dataset->file = what;
  VLP_RETURN_IF_ERROR(readMetadata(metadata, *preamble, what, dataset->about, dataset->items));
  dataset->pixelData = bytes.subspan(preamble->pixelOffset, preamble->metadataOffset - preamble->pixelOffset);
  Sha256 hash;
  auto update = [&](const void *from, size_t size) { hash.update({static_cast<const char *>(from), size}); };
  update(&preamble->side, sizeof preamble->side);
  update(&preamble->pixelCrc, sizeof preamble->pixelCrc);
  update(metadata.data(), metadata.size());
  dataset->identity = hash.hexDigest().substr(0, 16);
  dataset->expectedPixelCrc = preamble->pixelCrc;
  return std::shared_ptr<const Dataset>(std::move(dataset));
}

Status Dataset::verifyPixels() const {
  return crc(pixelData) == expectedPixelCrc ? Status::ok() : damaged(file, "checksum of the pixels does not match");
}

Expected<std::shared_ptr<const Dataset>> Dataset::open(const std::filesystem::path &path, OpenOptions options) {
  std::error_code ignored;
  std::filesystem::path file = std::filesystem::is_directory(path, ignored) ? path / datasetFileName : path;
  Expected<MappedFile> mapping = MappedFile::open(file);
  if (!mapping)
    return Status(mapping.status().code(),
                  mapping.status().message() + "; expected a dataset made with `vlp-run data prepare`");
  Expected<std::shared_ptr<const Dataset>> dataset = openDatasetBytes(mapping->bytes(), file.string());
  if (!dataset)
    return dataset;
  if (options.verifyPixels)
    VLP_RETURN_IF_ERROR((*dataset)->verifyPixels());
  std::const_pointer_cast<Dataset>(*dataset)->mapping = std::move(*mapping);
  return dataset;
}

std::vector<uint32_t> Dataset::indices(Split split) const {
  std::vector<uint32_t> result;
  for (size_t i = 0; i < items.size(); ++i)
    if (items[i].split == split)
      result.push_back(uint32_t(i));
  return result;
}

std::vector<uint32_t> Dataset::scored(Split split) const {
  std::vector<uint32_t> result = indices(split);
  std::erase_if(result, [&](uint32_t i) { return !isScored(split, items[i].name(), items[i].style); });
  return result;
}

std::vector<Split> Dataset::evaluationSplits(bool test) const {
  std::vector<Split> result;
  for (int s = 0; s < numSplits; ++s)
    if ((test ? isTest(Split(s)) : isValidation(Split(s))) && !scored(Split(s)).empty())
      result.push_back(Split(s));
  return result;
}

std::vector<std::string> Dataset::trainingTexts() const {
  std::vector<std::string> texts;
  for (const Item &item : items) {
    if (item.split != Split::Train)
      continue;
    texts.insert(texts.end(), item.captions.begin(), item.captions.end());
    texts.insert(texts.end(), item.keywords.begin(), item.keywords.end());
  }
  return texts;
}

} // namespace vlp::data
