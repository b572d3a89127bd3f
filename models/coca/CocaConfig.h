// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sizes of a CoCa model as open_clip builds it.
#pragma once

#include "models/clip/ClipConfig.h"

namespace vlp::models {

struct CocaConfig {
  /// The two towers. `clip.text` is the unimodal half of the decoder: its context leaves out the appended class token.
  ClipConfig clip;
  /// Queries of the attentional pooler, the first of which is the picture's embedding, and heads that they look with.
  int64_t queries = 0, poolHeads = 8;
  /// The multimodal half; its width is the text tower's.
  TowerConfig decoder;
  /// The id of padding, which is no target and which the class token does not see.
  int64_t padding = 0;
  double contrastiveWeight = 1, captionWeight = 2;

  /// Reads all sizes off a checkpoint's tensors (open_clip's names) and metadata; see ClipConfig::fromTensors.
  static llvm::Expected<CocaConfig> fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                const std::map<std::string, std::string> &metadata);
  llvm::Error apply(const Settings &settings);
  llvm::Error verify() const;
  static std::vector<std::pair<std::string, std::string>> getSettings();
  std::map<std::string, double> getSizes() const;
};

struct CocaPreset {
  std::string name;
  std::string summary;
  CocaConfig config;
};

/// coca/tiny, coca/emoji, coca/ViT-B-32, coca/ViT-L-14 (CocaPresets.cpp).
const std::vector<CocaPreset> &getCocaPresets();

} // namespace vlp::models
