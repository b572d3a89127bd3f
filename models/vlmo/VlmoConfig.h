// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sizes of a VLMo model.
#pragma once

#include "models/common/Entries.h"
#include "models/common/Sizes.h"
#include "models/common/TowerConfig.h"

namespace vlp::models {

struct VlmoConfig {
  /// Pixels of a picture's side, a multiple of `patch`.
  int64_t image = 0, patch = 0;
  TowerConfig tower;
  /// The first layer that has an expert of pairs.
  int64_t firstPair = 0;
  /// Entries of the token embedding, and tokens that a text may have.
  int64_t vocabulary = 0, context = 0;
  /// Tokens that the relative positions are made for (of the text-only stage); 0: positions are absolute.
  int64_t relativeTokens = 0;
  /// Whether residual branches are scaled by learnt vectors: 1 or 0.
  int64_t layerScale = 1;
  double eps = 1e-6, textEps = 1e-12;
  /// The weight of masked language in the loss.
  double maskedWeight = 0.25;

  int64_t getGrid() const { return image / patch; }
  int64_t getPatches() const { return getGrid() * getGrid(); }
  /// Pairs of positions in a picture that the relative position table tells apart, those with the class row included.
  int64_t getPictureDistances() const { return (2 * getGrid() - 1) * (2 * getGrid() - 1) + 3; }
  /// Rows of the relative position table: pairs in a picture, of a text and a picture (two), in a text.
  int64_t getDistances() const { return getPictureDistances() + 2 + 2 * relativeTokens; }

  /// Reads all sizes off a checkpoint's tensors (the official names) and metadata (heads, ln_eps, text_emb_ln_eps,
  /// mlm_weight).
  static llvm::Expected<VlmoConfig> fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                const std::map<std::string, std::string> &metadata);
  llvm::Error apply(const Settings &settings);
  llvm::Error verify() const;
  static std::vector<std::pair<std::string, std::string>> getSettings();
  std::map<std::string, double> getSizes() const;
};

struct VlmoPreset {
  std::string name;
  std::string summary;
  VlmoConfig config;
};

/// vlmo/tiny, vlmo/emoji, vlmo/base, vlmo/base_plus, vlmo/large (VlmoPresets.cpp).
const std::vector<VlmoPreset> &getVlmoPresets();

} // namespace vlp::models
