// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Draws the shapes by testing each pixel against the form.
#include "test/runtime/data/Shapes.h"

#include "runtime/data/Random.h"

#include <algorithm>
#include <cmath>

namespace vlp::data::testing {

static constexpr const char *sizes[] = {"small", "big"};
static constexpr const char *colours[] = {"red", "green", "blue", "black"};
static constexpr uint8_t rgbOf[][3] = {{220, 30, 30}, {30, 170, 40}, {40, 60, 220}, {20, 20, 20}};
static constexpr const char *forms[] = {"circle", "square", "triangle", "cross", "ring"};

std::string Shape::name() const { return std::string(sizes[size]) + " " + colours[colour] + " " + forms[form]; }

Shape shapeAt(int index) { return {index % 2, index / 2 % 4, index / 8 % 5}; }

/// Whether a point is inside; the form spans -1 to 1 both ways.
static bool isInside(int form, double x, double y) {
  double radius = std::hypot(x, y), ax = std::fabs(x), ay = std::fabs(y);
  switch (form) {
  case 0: return radius <= 1;
  case 1: return ax <= 0.9 && ay <= 0.9;
  case 2: return y <= 0.9 && y >= 2 * ax - 0.9;
  case 3: return std::fmin(ax, ay) <= 0.3 && std::fmax(ax, ay) <= 1;
  default: return radius <= 1 && radius >= 0.6;
  }
}

Image drawShape(const Shape &shape, int side, uint64_t seed, int variant) {
  uint32_t id = uint32_t(shape.size + 2 * (shape.colour + 4 * shape.form));
  Draws draws(seed, uint64_t(variant), id, 7);
  double reach = side / 8.0;
  double centreX = side / 2.0 + draws.uniform(-reach, reach), centreY = side / 2.0 + draws.uniform(-reach, reach);
  double extent = side * (shape.size ? 0.36 : 0.2);
  Image image{side, side, std::vector<uint8_t>(size_t(side) * side * 3, 255)};
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      if (isInside(shape.form, (x + 0.5 - centreX) / extent, (y + 0.5 - centreY) / extent))
        std::copy_n(rgbOf[shape.colour], 3, &image.rgb[(size_t(y) * side + x) * 3]);
  // A little noise, so that no two drawings are the same picture.
  for (uint8_t &value : image.rgb)
    value = uint8_t(value - draws.below(16));
  return image;
}

Status writeShapes(const std::filesystem::path &directory, const ShapesOptions &options) {
  DatasetInfo info;
  info.kind = "shapes";
  info.side = options.side;
  Expected<std::unique_ptr<DatasetWriter>> writer = DatasetWriter::create(directory, info);
  if (!writer)
    return writer.status();
  for (int variant = 0; variant < options.perName; ++variant)
    for (int index = 0; index < numShapes; ++index) {
      Shape shape = shapeAt(index);
      Item item;
      item.captions = {shape.name()};
      item.keywords = {sizes[shape.size], colours[shape.colour], forms[shape.form]};
      item.group = forms[shape.form];
      item.key = std::to_string(index) + "_" + std::to_string(variant);
      item.mirrorable = true;
      if (options.perName > 1 && variant == options.perName - 1)
        item.split = Split::Test;
      else if (options.perName > 2 && variant == options.perName - 2)
        item.split = Split::Val;
      VLP_RETURN_IF_ERROR((*writer)->add(std::move(item), drawShape(shape, options.side, options.seed, variant).rgb));
    }
  return (*writer)->finish();
}

} // namespace vlp::data::testing
