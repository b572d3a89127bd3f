// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pictures in memory, and PNG and JPEG to and from bytes.
#pragma once

#include "runtime/data/File.h"

namespace vlp::data {

/// Row-major 8-bit RGB, `rgb.size() == width * height * 3`.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;
};

/// Row-major 8-bit RGBA with straight (not premultiplied) alpha, `rgba.size() == width * height * 4`.
struct RgbaImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgba;
};

/// Pictures with more pixels than this are refused before memory is taken for them.
inline constexpr uint64_t maxPixels = uint64_t(1) << 26;

/// Decodes a PNG or JPEG, recognised by its first bytes. `what` names the picture in errors (a file name, "font glyph
/// 12"). Truncated and damaged pictures are errors, never half-grey results. CMYK JPEGs are not supported.
Expected<RgbaImage> decodeRgba(ByteView bytes, const std::string &what);

/// decodeRgba, composited on white.
Expected<Image> decodeImage(ByteView bytes, const std::string &what);

/// Draws the picture on a white ground with Pillow's `alpha_composite` arithmetic.
Image compositeOnWhite(const RgbaImage &image);

/// Encodes as PNG (8-bit RGB).
Expected<Bytes> encodePng(const Image &image);

} // namespace vlp::data
