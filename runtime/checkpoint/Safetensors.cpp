// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads and writes safetensors files.
#include "runtime/checkpoint/Safetensors.h"

#include "runtime/checkpoint/SafetensorsHeader.h"
#include "runtime/core/AtomicFile.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

namespace vlp {

/// The limit of the reference implementation.
static constexpr uint64_t kLargestHeader = 100'000'000;

namespace {
struct TypeInfo {
  const char *name;
  size_t size;
};
} // namespace

/// In the order of SafetensorsType.
static constexpr std::array<TypeInfo, 15> typeInfos = {{{"BOOL", 1},
                                                        {"U8", 1},
                                                        {"I8", 1},
                                                        {"F8_E4M3", 1},
                                                        {"F8_E5M2", 1},
                                                        {"I16", 2},
                                                        {"U16", 2},
                                                        {"F16", 2},
                                                        {"BF16", 2},
                                                        {"I32", 4},
                                                        {"U32", 4},
                                                        {"F32", 4},
                                                        {"F64", 8},
                                                        {"I64", 8},
                                                        {"U64", 8}}};

const char *toString(SafetensorsType type) { return typeInfos[size_t(type)].name; }
size_t sizeOf(SafetensorsType type) { return typeInfos[size_t(type)].size; }

static std::optional<SafetensorsType> parseType(const std::string &name) {
  for (size_t i = 0; i < typeInfos.size(); ++i)
    if (name == typeInfos[i].name)
      return SafetensorsType(i);
  return std::nullopt;
}

/// The bytes that a shape takes; false when they leave 63 bits.
static bool countBytes(const std::vector<uint64_t> &shape, size_t elementSize, uint64_t &bytes) {
  bytes = elementSize;
  for (uint64_t extent : shape)
    if (extent > INT64_MAX || __builtin_mul_overflow(bytes, extent, &bytes) || bytes > INT64_MAX)
      return false;
  return true;
}

Expected<SafetensorsFile> SafetensorsFile::check(Expected<MappedFile> file, const std::string &name) {
  if (!file)
    return file.status();
  SafetensorsFile result(std::move(*file), name);
  VLP_RETURN_IF_ERROR(result.readHeader());
  return result;
}

Expected<SafetensorsFile> SafetensorsFile::open(const std::string &path) { return check(MappedFile::open(path), path); }

Expected<SafetensorsFile> SafetensorsFile::parse(std::span<const char> bytes, const std::string &name) {
  return check(MappedFile::copy(bytes), name);
}

Status SafetensorsFile::readHeader() {
  auto bad = [&](const std::string &what) {
    return Status(StatusCode::DataLoss, name + ": damaged or no safetensors file: " + what);
  };
  std::span<const char> bytes = file.bytes();
  uint64_t length;
  if (bytes.size() < sizeof length)
    return bad("it has " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > kLargestHeader || length > bytes.size() - sizeof length)
    return bad("its header is said to have " + std::to_string(length) + " bytes, the file has " +
               std::to_string(bytes.size()));
  std::string_view json(bytes.data() + sizeof length, length);
  if (!json.starts_with('{'))
    return bad("its header does not start with {");
  SafetensorsHeader header;
  if (std::string problem = parseSafetensorsHeader(json, header); !problem.empty())
    return bad("header: " + problem);
  strings = std::move(header.metadata);
  auto buffer = std::as_bytes(bytes.subspan(sizeof length + length));
  // By name last: empty tensors share their offsets.
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const auto &a, const auto &b) { return std::tie(a.offsets, a.name) < std::tie(b.offsets, b.name); });
  uint64_t end = 0;
  for (SafetensorsHeader::Tensor &tensor : header.tensors) {
    std::string where = "tensor '" + tensor.name + "': ";
    auto type = parseType(tensor.type);
    uint64_t size;
    if (!type)
      return bad(where + "unknown dtype '" + tensor.type + "'");
    if (!countBytes(tensor.shape, sizeOf(*type), size))
      return bad(where + "a shape that no memory holds");
    uint64_t first = tensor.offsets[0], last = tensor.offsets[1];
    if (first != end || last < first)
      return bad(where + "its bytes " + std::to_string(first) + " to " + std::to_string(last) +
                 (first < end ? " overlap another's" : " leave a hole before them"));
    if (last > buffer.size())
      return bad(where + "its bytes end at " + std::to_string(last) + ", the file's at " +
                 std::to_string(buffer.size()) + " (truncated?)");
    if (last - first != size)
      return bad(where + "its shape needs " + std::to_string(size) + " bytes, it has " + std::to_string(last - first));
    end = last;
    byName[tensor.name] = list.size();
    list.push_back(
        {std::move(tensor.name), *type, {tensor.shape.begin(), tensor.shape.end()}, buffer.subspan(first, size)});
  }
  if (end != buffer.size())
    return bad(std::to_string(buffer.size() - end) + " bytes belong to no tensor");
  return Status::ok();
}

const SafetensorsTensor *SafetensorsFile::find(std::string_view tensor) const {
  auto found = byName.find(tensor);
  return found == byName.end() ? nullptr : &list[found->second];
}

/// A tensor's entry in the header, its bytes starting at `offset`.
static nlohmann::json describe(const SafetensorsTensor &tensor, uint64_t offset) {
  return {{"dtype", toString(tensor.type)},
          {"shape", tensor.shape},
          {"data_offsets", {offset, offset + tensor.data.size()}}};
}

static std::string dump(const nlohmann::json &value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status writeSafetensors(const std::string &path, std::vector<SafetensorsTensor> tensors,
                        const std::map<std::string, std::string> &metadata) {
  // Large elements first: every tensor then starts at a multiple of its element size.
  std::sort(tensors.begin(), tensors.end(), [](const SafetensorsTensor &a, const SafetensorsTensor &b) {
    return sizeOf(a.type) != sizeOf(b.type) ? sizeOf(a.type) > sizeOf(b.type) : a.name < b.name;
  });
  std::string header = "{";
  if (!metadata.empty())
    header += "\"__metadata__\":" + dump(metadata);
  uint64_t offset = 0;
  for (const SafetensorsTensor &tensor : tensors) {
    uint64_t size;
    std::vector<uint64_t> shape(tensor.shape.begin(), tensor.shape.end());
    if (!countBytes(shape, sizeOf(tensor.type), size) || size != tensor.data.size())
      return {StatusCode::Internal, path + ": tensor '" + tensor.name + "' has bytes that do not fit its shape"};
    header += (header.size() > 1 ? "," : "") + dump(tensor.name) + ":" + dump(describe(tensor, offset));
    offset += tensor.data.size();
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  auto file = AtomicFile::create(path);
  if (!file)
    return file.status();
  uint64_t length = header.size();
  VLP_RETURN_IF_ERROR(file->write(std::as_bytes(std::span(&length, 1))));
  VLP_RETURN_IF_ERROR(file->write(std::as_bytes(std::span(header))));
  for (const SafetensorsTensor &tensor : tensors)
    VLP_RETURN_IF_ERROR(file->write(tensor.data));
  return file->commit();
}

} // namespace vlp
