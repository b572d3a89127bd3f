// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Relative position indices.
#include "models/vlmo/RelativePositions.h"

using namespace vlp::models;

/// Gives the first row and column, those of a class token, three rows of the table of their own.
static void setClassToken(RelativePositions &positions, int64_t fromClass) {
  for (int64_t i = 0; i < positions.size; ++i) {
    positions.index[i] = int32_t(fromClass);
    positions.index[i * positions.size] = int32_t(fromClass + 1);
  }
  positions.index[0] = int32_t(fromClass + 2);
}

RelativePositions vlp::models::getPicturePositions(const VlmoConfig &config) {
  int64_t grid = config.getGrid(), size = 1 + config.getPatches(), span = 2 * grid - 1;
  RelativePositions positions{size, std::vector<int32_t>(size * size)};
  for (int64_t i = 0; i < config.getPatches(); ++i)
    for (int64_t j = 0; j < config.getPatches(); ++j) {
      int64_t down = i / grid - j / grid + grid - 1, right = i % grid - j % grid + grid - 1;
      positions.index[(i + 1) * size + j + 1] = int32_t(down * span + right);
    }
  setClassToken(positions, config.getPictureDistances() - 3);
  return positions;
}

RelativePositions vlp::models::getTextPositions(const VlmoConfig &config, int64_t length) {
  RelativePositions positions{length, std::vector<int32_t>(length * length)};
  int64_t middle = config.getPictureDistances() + 2 + config.relativeTokens - 2;
  for (int64_t i = 1; i < length; ++i)
    for (int64_t j = 1; j < length; ++j)
      positions.index[i * length + j] = int32_t(middle + j - i);
  setClassToken(positions, config.getDistances() - 3);
  return positions;
}

RelativePositions vlp::models::getPairPositions(const VlmoConfig &config, int64_t length) {
  RelativePositions text = getTextPositions(config, length), picture = getPicturePositions(config);
  int64_t size = text.size + picture.size, fromText = config.getPictureDistances();
  RelativePositions positions{size, std::vector<int32_t>(size * size)};
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j) {
      bool isText = i < length, seesText = j < length;
      int64_t across = isText ? fromText : fromText + 1;
      positions.index[i * size + j] = isText && seesText     ? text.index[i * length + j]
                                      : !isText && !seesText ? picture.index[(i - length) * picture.size + j - length]
                                                             : int32_t(across);
    }
  return positions;
}
