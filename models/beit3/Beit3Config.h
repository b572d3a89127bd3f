// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sizes of a BEiT-3 model.
#pragma once

#include "models/common/Entries.h"
#include "models/common/Sizes.h"
#include "models/common/TowerConfig.h"

namespace vlp::models {

struct Beit3Config {
  /// Pixels of a picture's side, a multiple of `patch`.
  int64_t image = 0, patch = 0;
  /// Of the one transformer that all modalities go through.
  TowerConfig encoder;
  /// Entries of the token embedding, and tokens that a text may have.
  int64_t vocabulary = 0, context = 0;
  /// Visual tokens, the classes of a masked patch.
  int64_t codes = 0;
  double eps = 1e-5;

  int64_t getPatches() const { return (image / patch) * (image / patch); }

  /// Reads all sizes off a checkpoint's tensors (the official names) and metadata (heads, patch, ln_eps).
  static llvm::Expected<Beit3Config> fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                 const std::map<std::string, std::string> &metadata);
  llvm::Error apply(const Settings &settings);
  llvm::Error verify() const;
  static std::vector<std::pair<std::string, std::string>> getSettings();
  std::map<std::string, double> getSizes() const;
};

struct Beit3Preset {
  std::string name;
  std::string summary;
  Beit3Config config;
};

/// beit3/tiny, beit3/base, beit3/large (Beit3Presets.cpp).
const std::vector<Beit3Preset> &getBeit3Presets();

} // namespace vlp::models
