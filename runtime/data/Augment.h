// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns a stored picture and its captions into one training or evaluation sample.
#pragma once

#include "runtime/data/Dataset.h"
#include "runtime/data/Image.h"
#include "runtime/data/Random.h"

namespace vlp::data {

enum class Crop {
  /// A square of `cropFraction` of the side at a random offset: nothing is resampled when it has the model's size.
  Offset,
  /// Random area and aspect ratio, resampled (bicubic) to the model's size.
  RandomResized,
};

struct ImageOptions {
  int size = 56; ///< R: the model sees R x R
  /// (x / 255 - mean) / deviation, per channel.
  float mean[3] = {0.5f, 0.5f, 0.5f};
  float deviation[3] = {0.5f, 0.5f, 0.5f};
  /// Side of the evaluation crop and of Crop::Offset, as a fraction of the stored side; 56 of 64, 224 of 256.
  float cropFraction = 0.875f;
};

/// The defaults: docs/Rationale.md, "Augmentation".
struct AugmentOptions {
  Crop crop = Crop::Offset;
  float scaleMin = 0.6f, scaleMax = 1.0f;  ///< area of a random resized crop, as a fraction of the picture
  float ratioMin = 0.8f, ratioMax = 1.25f; ///< its width over its height
  /// The normalised picture is multiplied by a number drawn from here.
  float brightnessMin = 0.85f, brightnessMax = 1.10f;
  /// Mirror half of the pictures that are marked mirrorable.
  bool mirror = false;
};

/// Shares of the captions drawn for an item that has keywords; what is left is the plain caption.
struct CaptionOptions {
  float keywordsOnly = 0.30f;    ///< one to four keywords
  float nameAndKeywords = 0.20f; ///< the caption and up to two keywords
  float picturePrefix = 0.15f;   ///< "a picture of " and the caption
  /// As above for emoji; for users' folders the captions as they are.
  static CaptionOptions forKind(const std::string &kind);
};

/// Writes channels x R x R floats (channel-major). Without crop randomness: the centre crop, not mirrored, not
/// brightened.
void evaluationImage(const Dataset &dataset, size_t item, const ImageOptions &options, float *target);

/// As evaluationImage, augmented; depends on the draws alone.
void trainingImage(const Dataset &dataset, size_t item, const ImageOptions &options, const AugmentOptions &augment,
                   Draws &draws, float *target);

/// A caption drawn for the item: one of its captions uniformly, then a form by `options`. Keywords are drawn without
/// repetition.
std::string sampleCaption(const Item &item, const CaptionOptions &options, Draws &draws);

/// Normalises a picture of any size as evaluation does (letterboxed to `side`, centre crop): for queries from files.
Expected<std::vector<float>> queryImage(const RgbaImage &image, int side, const ImageOptions &options);

} // namespace vlp::data
