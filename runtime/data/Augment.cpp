// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Crops, brightness, mirroring and normalisation of pictures, and the forms a caption may take.
#include "runtime/data/Augment.h"
#include "runtime/data/Resize.h"

#include <algorithm>
#include <cmath>

namespace vlp::data {

CaptionOptions CaptionOptions::forKind(const std::string &kind) {
  if (kind == "folder")
    return {0, 0, 0};
  return {};
}

/// Side of the square that evaluation and Crop::Offset cut out.
static int cropSide(int side, const ImageOptions &options) {
  return std::clamp(int(std::lround(side * options.cropFraction)), 1, side);
}

namespace {
/// An R x R x 3 picture on its way into the batch.
struct Cut {
  const uint8_t *pixels;
  int pitch; ///< bytes from row to row
};
} // namespace

/// Resamples a box of the stored picture to R x R into `scratch`, or points into the picture when nothing changes its
/// size.
static Cut cut(const Dataset &dataset, size_t item, const Box &box, int size, std::vector<uint8_t> &scratch) {
  const uint8_t *pixels = dataset.pixels(item).data();
  int side = dataset.side();
  bool whole = box.left == std::floor(box.left) && box.top == std::floor(box.top);
  if (whole && box.right - box.left == float(size) && box.bottom - box.top == float(size))
    return {pixels + (size_t(box.top) * side + size_t(box.left)) * 3, side * 3};
  scratch.resize(size_t(size) * size * 3);
  resizePixels(pixels, side, side, 3, box, Filter::Bicubic, scratch.data(), size, size);
  return {scratch.data(), size * 3};
}

static void normalise(const Cut &source, const ImageOptions &options, float gain, bool mirror, float *target) {
  int size = options.size;
  for (int c = 0; c < 3; ++c) {
    float scale = gain / (255.0f * options.deviation[c]);
    float offset = -gain * options.mean[c] / options.deviation[c];
    for (int y = 0; y < size; ++y, target += size) {
      const uint8_t *row = source.pixels + size_t(y) * source.pitch + c;
      for (int x = 0; x < size; ++x)
        target[x] = float(row[3 * (mirror ? size - 1 - x : x)]) * scale + offset;
    }
  }
}

static Box centreBox(int side, const ImageOptions &options) {
  int crop = cropSide(side, options), margin = (side - crop) / 2;
  return {float(margin), float(margin), float(margin + crop), float(margin + crop)};
}

void evaluationImage(const Dataset &dataset, size_t item, const ImageOptions &options, float *target) {
  std::vector<uint8_t> scratch;
  normalise(cut(dataset, item, centreBox(dataset.side(), options), options.size, scratch), options, 1, false, target);
}

static Box randomOffsetBox(int side, const ImageOptions &options, Draws &draws) {
  int crop = cropSide(side, options);
  float top = float(draws.below(uint32_t(side - crop + 1))), left = float(draws.below(uint32_t(side - crop + 1)));
  return {left, top, left + float(crop), top + float(crop)};
}

static Box randomResizedBox(int side, const AugmentOptions &augment, Draws &draws) {
  double area = double(side) * side * draws.uniform(augment.scaleMin, augment.scaleMax);
  double ratio = std::exp(draws.uniform(std::log(augment.ratioMin), std::log(augment.ratioMax)));
  double width = std::clamp(std::round(std::sqrt(area * ratio)), 1.0, double(side));
  double height = std::clamp(std::round(std::sqrt(area / ratio)), 1.0, double(side));
  float left = float(draws.below(uint32_t(side - width) + 1)), top = float(draws.below(uint32_t(side - height) + 1));
  return {left, top, left + float(width), top + float(height)};
}

void trainingImage(const Dataset &dataset, size_t item, const ImageOptions &options, const AugmentOptions &augment,
                   Draws &draws, float *target) {
  int side = dataset.side();
  Box box =
      augment.crop == Crop::Offset ? randomOffsetBox(side, options, draws) : randomResizedBox(side, augment, draws);
  float gain = float(draws.uniform(augment.brightnessMin, augment.brightnessMax));
  // Drawn in any case, so that an item's marks do not shift the draws after it.
  bool heads = draws.uniform() < 0.5;
  bool mirror = augment.mirror && dataset.item(item).mirrorable && heads;
  std::vector<uint8_t> scratch;
  normalise(cut(dataset, item, box, options.size, scratch), options, gain, mirror, target);
}

/// `count` keywords without repetition, in random order, joined by spaces.
static std::string drawKeywords(const Item &item, uint32_t count, Draws &draws) {
  std::vector<uint32_t> order(item.keywords.size());
  for (uint32_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::string text;
  for (uint32_t i = 0; i < count && i < order.size(); ++i) {
    std::swap(order[i], order[i + draws.below(uint32_t(order.size()) - i)]);
    text += (i ? " " : "") + item.keywords[order[i]];
  }
  return text;
}

std::string sampleCaption(const Item &item, const CaptionOptions &options, Draws &draws) {
  const std::string &caption = item.captions[draws.below(uint32_t(item.captions.size()))];
  double form = draws.uniform();
  bool hasKeywords = !item.keywords.empty();
  double limit = options.keywordsOnly;
  if (hasKeywords && form < limit)
    return drawKeywords(item, 1 + draws.below(4), draws);
  limit += options.nameAndKeywords;
  if (hasKeywords && form < limit)
    return caption + " " + drawKeywords(item, 2, draws);
  limit += options.picturePrefix;
  return form < limit && options.picturePrefix > 0 ? "a picture of " + caption : caption;
}

Expected<std::vector<float>> queryImage(const RgbaImage &image, int side, const ImageOptions &options) {
  if (image.width < 1 || image.height < 1)
    return Status::invalid("an empty picture cannot be a query");
  Image square = letterbox(image, side);
  Box box = centreBox(side, options);
  std::vector<uint8_t> scratch(size_t(options.size) * options.size * 3);
  resizePixels(square.rgb.data(), side, side, 3, box, Filter::Bicubic, scratch.data(), options.size, options.size);
  std::vector<float> result(scratch.size());
  normalise({scratch.data(), options.size * 3}, options, 1, false, result.data());
  return result;
}

} // namespace vlp::data
