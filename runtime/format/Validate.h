// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Judges a manifest before anything in it is believed: ranges, sizes, alignment, indices, names.
#pragma once

#include "runtime/format/manifest.pb.h"

#include <cstdint>
#include <string>

namespace vlp::format {

/// Sections start at multiples of this many bytes.
inline constexpr uint64_t kSectionAlignment = 4096;

/// The section that holds the CONSTANTS region, by its name. A file without constants has none.
inline constexpr char kConstantsSection[] = "constants";

/// The size in bytes of the CONSTANTS region: that of its section, or 0.
uint64_t constantsSize(const Manifest &manifest);

/// The number of elements of a shape; false where an extent is negative or the product leaves 62 bits.
bool countElements(const google::protobuf::RepeatedField<int64_t> &shape, uint64_t &count);

/// An empty string, or the first thing in `manifest` that a runtime must not follow: what it is and where.
std::string validateManifest(const Manifest &manifest);

} // namespace vlp::format
