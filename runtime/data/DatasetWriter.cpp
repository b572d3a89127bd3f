// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes dataset files: pixels as they come, metadata behind them, the preamble last, then the rename.
#include "runtime/data/Dataset.h"
#include "runtime/data/DatasetFormat.h"

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <unordered_map>
#include <zlib.h>

namespace vlp::data {

using Json = nlohmann::ordered_json;

struct DatasetWriter::State {
  std::filesystem::path path, temporary;
  std::FILE *file = nullptr;
  DatasetInfo info;
  Json items = Json::array();
  std::unordered_map<std::string, int32_t> pairs;
  uint32_t pixelCrc = 0;
};

static Status cannotWrite(const std::filesystem::path &path) {
  return {StatusCode::Unavailable, "cannot write " + path.string() + ": " + std::strerror(errno)};
}

static bool put(std::FILE *file, const void *bytes, size_t size) { return std::fwrite(bytes, 1, size, file) == size; }

Expected<std::unique_ptr<DatasetWriter>> DatasetWriter::create(const std::filesystem::path &directory,
                                                               DatasetInfo info) {
  if (info.side < 1 || info.side > int(maxDatasetSide))
    return Status::invalid("picture size " + std::to_string(info.side) + " is not between 1 and " +
                           std::to_string(maxDatasetSide));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return Status(StatusCode::Unavailable, "cannot create " + directory.string() + ": " + error.message());
  std::unique_ptr<DatasetWriter> writer(new DatasetWriter);
  writer->state = std::make_unique<State>();
  State &state = *writer->state;
  state.path = directory / datasetFileName;
  state.temporary = state.path.string() + ".tmp" + std::to_string(::getpid());
  state.info = std::move(info);
  state.file = std::fopen(state.temporary.c_str(), "wbe");
  std::vector<char> space(datasetPixelOffset);
  if (!state.file || !put(state.file, space.data(), space.size()))
    return cannotWrite(state.temporary);
  return writer;
}

DatasetWriter::~DatasetWriter() {
  if (!state || !state->file)
    return;
  std::fclose(state->file);
  ::unlink(state->temporary.c_str());
}

Status DatasetWriter::add(Item item, ByteView rgb) {
  size_t expected = size_t(state->info.side) * state->info.side * 3;
  if (rgb.size() != expected)
    return {StatusCode::Internal,
            "dataset item of " + std::to_string(rgb.size()) + " bytes, expected " + std::to_string(expected)};
  if (item.captions.empty() || item.captions.front().empty())
    return {StatusCode::Internal, "dataset item " + item.key + " has no caption"};
  if (!put(state->file, rgb.data(), rgb.size()))
    return cannotWrite(state->temporary);
  state->pixelCrc = uint32_t(crc32_z(state->pixelCrc, rgb.data(), rgb.size()));
  if (item.conceptName.empty() && state->info.kind == "emoji")
    item.conceptName = conceptKey(item.name());
  int32_t pair = state->pairs.emplace(item.name(), int32_t(state->pairs.size())).first->second;
  state->items.push_back({{"captions", item.captions},
                          {"keywords", item.keywords},
                          {"style", item.style},
                          {"group", item.group},
                          {"key", item.key},
                          {"concept", item.conceptName},
                          {"split", splitName(item.split)},
                          {"pair", pair},
                          {"mirror", item.mirrorable ? 1 : 0}});
  return Status::ok();
}

Status DatasetWriter::finish() {
  const DatasetInfo &info = state->info;
  Json root = {{"kind", info.kind},
               {"salt", info.salt},
               {"valPercent", info.valPercent},
               {"testPercent", info.testPercent},
               {"items", std::move(state->items)}};
  size_t count = root["items"].size();
  std::string metadata = root.dump(-1, ' ', false, Json::error_handler_t::replace);

  DatasetPreamble preamble{};
  std::memcpy(preamble.magic, datasetMagic, sizeof preamble.magic);
  preamble.version = datasetVersion;
  preamble.side = uint32_t(info.side);
  preamble.items = count;
  preamble.pixelOffset = datasetPixelOffset;
  preamble.metadataOffset = datasetPixelOffset + uint64_t(count) * info.side * info.side * 3;
  preamble.metadataBytes = metadata.size();
  preamble.pixelCrc = state->pixelCrc;
  preamble.metadataCrc = uint32_t(crc32_z(0, reinterpret_cast<const Bytef *>(metadata.data()), metadata.size()));
  preamble.preambleCrc =
      uint32_t(crc32_z(0, reinterpret_cast<const Bytef *>(&preamble), offsetof(DatasetPreamble, preambleCrc)));

  std::FILE *file = state->file;
  bool written = put(file, metadata.data(), metadata.size()) && std::fseek(file, 0, SEEK_SET) == 0 &&
                 put(file, &preamble, sizeof preamble) && std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  if (!written)
    return cannotWrite(state->temporary);
  std::fclose(std::exchange(state->file, nullptr));
  if (std::rename(state->temporary.c_str(), state->path.c_str()) != 0) {
    Status status = cannotWrite(state->path);
    ::unlink(state->temporary.c_str());
    return status;
  }
  return Status::ok();
}

} // namespace vlp::data
