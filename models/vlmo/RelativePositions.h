// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which row of VLMo's relative position table stands for each pair of positions (BEiT's layout for pictures, arXiv
// 2106.08254, and offsets for texts).
#pragma once

#include "models/vlmo/VlmoConfig.h"

namespace vlp::models {

/// A square matrix of rows of the table, row-major: entry (query, key).
struct RelativePositions {
  int64_t size;
  std::vector<int32_t> index;
};

/// Of a picture's rows: the class row first, then patches, row by row.
RelativePositions getPicturePositions(const VlmoConfig &config);
/// Of a text of `length` tokens.
RelativePositions getTextPositions(const VlmoConfig &config, int64_t length);
/// Of a text and a picture behind it.
RelativePositions getPairPositions(const VlmoConfig &config, int64_t length);

} // namespace vlp::models
