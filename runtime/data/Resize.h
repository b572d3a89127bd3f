// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Antialiased resampling that is bit-equal to Pillow's: CLIP-family preprocessing means that arithmetic.
#pragma once

#include "runtime/data/Image.h"

namespace vlp::data {

enum class Filter { Box, Bicubic };

/// The part of the source to resample, in pixels; edges may be fractional. Must lie inside the source and not be empty.
struct Box {
  float left, top, right, bottom;
};

/// Resamples `channels` interleaved 8-bit channels from `width` x `height` to `outWidth` x `outHeight` (row-major, no
/// padding): horizontal pass, rounding to 8 bits, vertical pass; 22-bit fixed-point coefficients; support grows with
/// the shrink factor.
void resizePixels(const uint8_t *source, int width, int height, int channels, const Box &box, Filter filter,
                  uint8_t *target, int outWidth, int outHeight);

Image resize(const Image &image, int width, int height, Filter filter);
/// As Pillow does it: premultiplied while resampling.
RgbaImage resize(const RgbaImage &image, int width, int height, Filter filter);

/// Fits the picture into a white `side` x `side` square, centred, keeping its aspect ratio: bicubic, or box when it
/// shrinks by four or more.
Image letterbox(const RgbaImage &image, int side);

} // namespace vlp::data
