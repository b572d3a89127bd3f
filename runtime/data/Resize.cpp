// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Follows Pillow's Resample.c: coefficient tables, 8-bit fixed point, and the order of the two passes.
#include "runtime/data/Resize.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace vlp::data {

namespace {
/// For each output position: the first input position, and `taps` weights in 22-bit fixed point (rest of the row zero).
struct Coefficients {
  struct Window {
    int first, taps;
  };
  int pitch = 0;
  std::vector<Window> windows;
  std::vector<int32_t> weights;
};
} // namespace

// 8 bits of the result and 2 of headroom are kept free.
static constexpr int precisionBits = 32 - 8 - 2;

static double filterValue(Filter filter, double x) {
  if (filter == Filter::Box)
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0)
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0)
    return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

static Coefficients makeCoefficients(int inSize, float low, float high, int outSize, Filter filter) {
  double scale = double(high - low) / outSize;
  double filterScale = std::max(scale, 1.0);
  double support = (filter == Filter::Box ? 0.5 : 2.0) * filterScale;
  Coefficients table;
  table.pitch = int(std::ceil(support)) * 2 + 1;
  table.windows.resize(outSize);
  table.weights.resize(size_t(outSize) * table.pitch);
  std::vector<double> row(table.pitch);
  for (int out = 0; out < outSize; ++out) {
    double center = low + (out + 0.5) * scale;
    double step = 1.0 / filterScale, sum = 0;
    int first = std::max(0, int(center - support + 0.5));
    int taps = std::min(inSize, int(center + support + 0.5)) - first;
    for (int x = 0; x < taps; ++x) {
      row[x] = filterValue(filter, (x + first - center + 0.5) * step);
      sum += row[x];
    }
    for (int x = 0; x < taps; ++x) {
      double weight = sum != 0.0 ? row[x] / sum : row[x];
      table.weights[size_t(out) * table.pitch + x] = int32_t((weight < 0 ? -0.5 : 0.5) + weight * (1 << precisionBits));
    }
    table.windows[out] = {first, taps};
  }
  return table;
}

static uint8_t clip8(int32_t sum) { return uint8_t(std::clamp(sum >> precisionBits, 0, 255)); }

template <int C>
static void horizontalPass(const uint8_t *source, int width, int rows, const Coefficients &table, uint8_t *target) {
  int outWidth = int(table.windows.size());
  for (int y = 0; y < rows; ++y, source += size_t(width) * C)
    for (int x = 0; x < outWidth; ++x, target += C) {
      auto [first, taps] = table.windows[x];
      const int32_t *weights = &table.weights[size_t(x) * table.pitch];
      int32_t sum[C];
      std::fill_n(sum, C, 1 << (precisionBits - 1));
      for (int k = 0; k < taps; ++k)
        for (int c = 0; c < C; ++c)
          sum[c] += source[(first + k) * C + c] * weights[k];
      for (int c = 0; c < C; ++c)
        target[c] = clip8(sum[c]);
    }
}

/// `firstRow` is the source row that the first row of `source` stands for.
static void verticalPass(const uint8_t *source, int firstRow, int pitch, const Coefficients &table, uint8_t *target) {
  std::vector<int32_t> sums(pitch);
  for (size_t y = 0; y < table.windows.size(); ++y, target += pitch) {
    auto [first, taps] = table.windows[y];
    std::fill(sums.begin(), sums.end(), 1 << (precisionBits - 1));
    for (int k = 0; k < taps; ++k) {
      const uint8_t *row = source + size_t(first + k - firstRow) * pitch;
      int32_t weight = table.weights[y * table.pitch + k];
      for (int x = 0; x < pitch; ++x)
        sums[x] += row[x] * weight;
    }
    for (int x = 0; x < pitch; ++x)
      target[x] = clip8(sums[x]);
  }
}

void resizePixels(const uint8_t *source, int width, int height, int channels, const Box &box, Filter filter,
                  uint8_t *target, int outWidth, int outHeight) {
  assert((channels == 3 || channels == 4) && box.left >= 0 && box.top >= 0 && box.right <= width &&
         box.bottom <= height);
  assert(box.left < box.right && box.top < box.bottom);
  bool needHorizontal = outWidth != width || box.left != 0 || box.right != outWidth;
  bool needVertical = outHeight != height || box.top != 0 || box.bottom != outHeight;
  Coefficients vertical = makeCoefficients(height, box.top, box.bottom, outHeight, filter);
  int firstRow = vertical.windows.front().first;
  int lastRow = vertical.windows.back().first + vertical.windows.back().taps;

  const uint8_t *rows = source + size_t(firstRow) * width * channels;
  std::vector<uint8_t> between;
  if (needHorizontal) {
    Coefficients horizontal = makeCoefficients(width, box.left, box.right, outWidth, filter);
    between.resize(size_t(lastRow - firstRow) * outWidth * channels);
    auto pass = channels == 3 ? horizontalPass<3> : horizontalPass<4>;
    pass(rows, width, lastRow - firstRow, horizontal, between.data());
    rows = between.data();
  }
  if (needVertical)
    return verticalPass(rows, firstRow, outWidth * channels, vertical, target);
  std::copy_n(rows, size_t(outWidth) * outHeight * channels, target);
}

Image resize(const Image &image, int width, int height, Filter filter) {
  Image result{width, height, std::vector<uint8_t>(size_t(width) * height * 3)};
  resizePixels(image.rgb.data(), image.width, image.height, 3, {0, 0, float(image.width), float(image.height)}, filter,
               result.rgb.data(), width, height);
  return result;
}

static uint8_t multiplyBy255th(uint32_t a, uint32_t b) {
  uint32_t product = a * b + 128;
  return uint8_t(((product >> 8) + product) >> 8);
}

RgbaImage resize(const RgbaImage &image, int width, int height, Filter filter) {
  if (width == image.width && height == image.height)
    return image;
  std::vector<uint8_t> premultiplied = image.rgba;
  for (size_t i = 0; i < premultiplied.size(); i += 4)
    for (int c = 0; c < 3; ++c)
      premultiplied[i + c] = multiplyBy255th(premultiplied[i + c], premultiplied[i + 3]);
  RgbaImage result{width, height, std::vector<uint8_t>(size_t(width) * height * 4)};
  resizePixels(premultiplied.data(), image.width, image.height, 4, {0, 0, float(image.width), float(image.height)},
               filter, result.rgba.data(), width, height);
  for (size_t i = 0; i < result.rgba.size(); i += 4) {
    uint32_t alpha = result.rgba[i + 3];
    if (alpha == 0 || alpha == 255)
      continue;
    for (int c = 0; c < 3; ++c)
      result.rgba[i + c] = uint8_t(std::min(255u, 255u * result.rgba[i + c] / alpha));
  }
  return result;
}

Image letterbox(const RgbaImage &image, int side) {
  double scale = double(side) / std::max(image.width, image.height);
  // nearbyint rounds halves to even, as Python's round does.
  int width = std::max(1, int(std::nearbyint(image.width * scale)));
  int height = std::max(1, int(std::nearbyint(image.height * scale)));
  Image fitted = compositeOnWhite(resize(image, width, height, scale > 0.25 ? Filter::Bicubic : Filter::Box));
  Image square{side, side, std::vector<uint8_t>(size_t(side) * side * 3, 255)};
  int left = (side - width) / 2, top = (side - height) / 2;
  for (int y = 0; y < height; ++y)
    std::copy_n(&fitted.rgb[size_t(y) * width * 3], size_t(width) * 3,
                &square.rgb[(size_t(top + y) * side + left) * 3]);
  return square;
}

} // namespace vlp::data
