// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A tiny dataset that tests draw themselves: coloured shapes with captions such as "small red circle".
#pragma once

#include "runtime/data/Dataset.h"
#include "runtime/data/Image.h"

namespace vlp::data::testing {

struct ShapesOptions {
  int side = 32;     ///< pixels
  int perName = 4;   ///< drawings of each of the 40 names; the last is test, the one before (from three on) validation
  uint64_t seed = 0; ///< moves the shapes about
};

/// "small" or "big", red, green, blue or black, circle, square, triangle, cross or ring.
struct Shape {
  int size, colour, form;
  std::string name() const;
};
inline constexpr int numShapes = 2 * 4 * 5;
/// All of them, in a fixed order.
Shape shapeAt(int index);

/// Draws a shape on white with a little noise, shifted by up to an eighth of the side.
Image drawShape(const Shape &shape, int side, uint64_t seed, int variant);

/// Writes `directory/dataset.vlpdata` of kind "shapes", with keywords, and `numShapes * perName` items.
Status writeShapes(const std::filesystem::path &directory, const ShapesOptions &options = {});

} // namespace vlp::data::testing
