// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sizes of an BLIP model.
#pragma once

#include "models/common/Bert.h"
#include "models/common/Entries.h"
#include "models/common/Sizes.h"
#include "models/common/VisionTransformer.h"

namespace vlp::models {

struct BlipConfig {
  VisionTransformerConfig vision;
  /// One stack for three uses: texts alone, texts that look at a picture, captions (whose self-attention is its own).
  BertConfig bert;
  /// Tokens of a text unless an entry says otherwise.
  int64_t context = 0;
  /// Width of the common space, and features that each queue holds: a multiple of the batch.
  int64_t embed = 0, queue = 0;
  /// The first token of a caption to decode, and of a text to match with a picture; 0: the last two of the vocabulary.
  int64_t decodeToken = 0, matchToken = 0;
  /// The part of a caption's targets that all tokens share.
  double smoothing = 0.1;
  /// The momentum model's share in targets, and its inertia.
  double alpha = 0.4, momentum = 0.995;

  /// Reads all sizes off a checkpoint's tensors (the official names) and metadata (heads, patch, alpha, momentum,
  /// bos, enc, label_smoothing, ln_eps_vit, ln_eps_text).
  static llvm::Expected<BlipConfig> fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                const std::map<std::string, std::string> &metadata);
  int64_t getDecodeToken() const { return decodeToken ? decodeToken : bert.vocabulary - 2; }
  int64_t getMatchToken() const { return matchToken ? matchToken : bert.vocabulary - 1; }
  llvm::Error apply(const Settings &settings);
  llvm::Error verify() const;
  static std::vector<std::pair<std::string, std::string>> getSettings();
  std::map<std::string, double> getSizes() const;
};

struct BlipPreset {
  std::string name;
  std::string summary;
  BlipConfig config;
};

/// blip/tiny, blip/emoji, blip/base, blip/large (BlipPresets.cpp).
const std::vector<BlipPreset> &getBlipPresets();

} // namespace vlp::models
