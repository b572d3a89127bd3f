// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sizes of an ALBEF model.
#pragma once

#include "models/common/Bert.h"
#include "models/common/Entries.h"
#include "models/common/Sizes.h"
#include "models/common/VisionTransformer.h"

namespace vlp::models {

struct AlbefConfig {
  VisionTransformerConfig vision;
  /// Its first layers encode texts, those from bert.firstCross on fuse them with pictures.
  BertConfig bert;
  /// Tokens of a text unless an entry says otherwise.
  int64_t context = 0;
  /// Width of the common space, and features that each queue holds: a multiple of the batch.
  int64_t embed = 0, queue = 0;
  /// The momentum model's share in targets, and its inertia.
  double alpha = 0.4, momentum = 0.995;

  /// Reads all sizes off a checkpoint's tensors (the official names) and metadata (heads, patch, alpha, momentum,
  /// ln_eps_vit, ln_eps_text).
  static llvm::Expected<AlbefConfig> fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                 const std::map<std::string, std::string> &metadata);
  llvm::Error apply(const Settings &settings);
  llvm::Error verify() const;
  static std::vector<std::pair<std::string, std::string>> getSettings();
  std::map<std::string, double> getSizes() const;
};

struct AlbefPreset {
  std::string name;
  std::string summary;
  AlbefConfig config;
};

/// albef/tiny, albef/emoji, albef/base (AlbefPresets.cpp).
const std::vector<AlbefPreset> &getAlbefPresets();

} // namespace vlp::models
