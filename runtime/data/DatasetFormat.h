// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The preamble of a dataset file, shared by its reader and writer. Not part of the library's interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vlp::data {

struct DatasetPreamble {
  char magic[8];
  uint32_t version;
  uint32_t side;
  uint64_t items;
  uint64_t pixelOffset;
  uint64_t metadataOffset;
  uint64_t metadataBytes;
  uint32_t pixelCrc;
  uint32_t metadataCrc;
  uint32_t zero;
  uint32_t preambleCrc; ///< of the bytes before it
};
static_assert(sizeof(DatasetPreamble) == 64);

inline constexpr char datasetMagic[8] = {'V', 'L', 'P', 'D', 'A', 'T', 'A', 0};
inline constexpr uint32_t datasetVersion = 1;
inline constexpr uint64_t datasetPixelOffset = 4096;
inline constexpr uint32_t maxDatasetSide = 4096;

} // namespace vlp::data
