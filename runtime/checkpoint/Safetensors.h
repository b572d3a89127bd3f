// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The safetensors format: u64 LE header length, JSON header {name: {dtype, shape, data_offsets}} with an optional
// __metadata__ of strings, then the raw little-endian bytes of the tensors, one after the other without holes.
#pragma once

#include "runtime/core/MappedFile.h"
#include "runtime/core/Status.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vlp {

enum class SafetensorsType { Bool, U8, I8, F8E4M3, F8E5M2, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64 };

/// "F32", "BF16", ...: as the format spells them.
const char *toString(SafetensorsType type);
/// Bytes of one element.
size_t sizeOf(SafetensorsType type);

/// A tensor of a safetensors file. `data` points into the file's memory and need not be aligned to the element.
struct SafetensorsTensor {
  std::string name;
  SafetensorsType type;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;

  uint64_t elements() const { return data.size() / sizeOf(type); }

  /// Converts the elements into `values`, which must have elements() of them. Floats come from F64, F32, F16 and BF16;
  /// integers (Bool, U8 ... U64) convert too where every value is exact, else the error names the first that is not.
  /// InvalidArgument when the type does not convert.
  Status read(std::span<float> values) const;
  Status read(std::span<double> values) const;
  /// From integers, where every value fits; floats do not convert.
  Status read(std::span<int32_t> values) const;
  Status read(std::span<int64_t> values) const;
};

/// A safetensors file mapped into memory.
class SafetensorsFile {
public:
  /// Opens and checks `path`: header length, JSON, names that occur twice, offsets (in range, no overlap, no hole,
  /// whole file covered), sizes against shapes. The error is one line that names the file and the tensor.
  static Expected<SafetensorsFile> open(const std::string &path);
  /// The same for bytes in memory; `name` is used in messages.
  static Expected<SafetensorsFile> parse(std::span<const char> bytes, const std::string &name);

  const std::string &path() const { return name; }
  /// All tensors, in the order of their bytes in the file.
  const std::vector<SafetensorsTensor> &tensors() const { return list; }
  /// The tensor called `name`, or null.
  const SafetensorsTensor *find(std::string_view name) const;
  const std::map<std::string, std::string> &metadata() const { return strings; }

private:
  explicit SafetensorsFile(MappedFile file, std::string name) : file(std::move(file)), name(std::move(name)) {}
  static Expected<SafetensorsFile> check(Expected<MappedFile> file, const std::string &name);
  Status readHeader();

  MappedFile file;
  std::string name;
  std::vector<SafetensorsTensor> list;
  std::map<std::string, size_t, std::less<>> byName;
  std::map<std::string, std::string> strings;
};

/// Writes `tensors` (any order; sorted by element size, then name) with `metadata` to `path`: to a temporary name in
/// the same folder first, synced, then renamed, so that `path` holds either the old or the new file whatever happens.
Status writeSafetensors(const std::string &path, std::vector<SafetensorsTensor> tensors,
                        const std::map<std::string, std::string> &metadata);

} // namespace vlp
