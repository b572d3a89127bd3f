// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pictures to search among or to classify: a dataset's, or the files of a folder; and their embeddings.
#pragma once

#include "runtime/data/Image.h"
#include "runtime/train/Encoder.h"

#include <optional>

namespace vlp::training {

/// Pictures by number, decoded when they are asked for.
class Gallery {
public:
  virtual ~Gallery() = default;
  virtual size_t size() const = 0;
  /// What a picture is called: its caption, or its path.
  virtual std::string title(size_t index) const = 0;
  /// Where it comes from: drawing style and split, or nothing.
  virtual std::string source(size_t index) const { return {}; }
  /// For showing it.
  virtual Expected<data::Image> picture(size_t index) const = 0;
  /// Writes it as the model sees it: 3 x R x R floats.
  virtual Status fill(size_t index, const DualEncoderSizes &sizes, float *target) const = 0;
};

/// The items of a dataset: all of them, or those of one split.
Expected<std::unique_ptr<Gallery>> galleryOf(std::shared_ptr<const data::Dataset> dataset,
                                             std::optional<data::Split> split = {});

/// PNG and JPEG files. A folder stands for all such files in it and below, in order of their paths. Every file is
/// decoded once here, and those that are missing or damaged are all named in one error.
Expected<std::unique_ptr<Gallery>> galleryOf(const std::vector<std::string> &paths);

/// [size, width], L2-normalised.
Expected<std::vector<float>> embedGallery(Encoder &encoder, const Gallery &gallery, const Encoder::Tick &tick = {});

struct Hit {
  size_t index;
  float similarity; ///< cosine
};
/// The `top` rows of `embeddings` [n, width] most similar to `query` [width], best first; equal ones in their order.
std::vector<Hit> nearest(std::span<const float> embeddings, std::span<const float> query, size_t top);

/// The embedding of each class name [classes, width]: its texts (the name in place of "{}" in each template) are
/// embedded, averaged and normalised again. A template without "{}" is an error.
Expected<std::vector<float>> embedClasses(Encoder &encoder, std::span<const std::string> names,
                                          std::span<const std::string> templates);
/// Softmax over classes of `scale` times the cosine: [classes].
std::vector<double> classProbabilities(std::span<const float> classes, std::span<const float> picture, double scale);
/// exp of the model's logit_scale parameter; 1 where it has none.
double similarityScale(Session &session);

} // namespace vlp::training
