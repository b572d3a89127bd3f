// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CoCa models that open_clip publishes, and a small one.
#include "models/coca/CocaConfig.h"

using namespace vlp::models;

static CocaConfig makeConfig(int64_t image, int64_t patch, TowerConfig vision, TowerConfig text, int64_t context,
                             int64_t vocabulary, int64_t queries, int64_t poolHeads) {
  CocaConfig config;
  config.clip.image = image;
  config.clip.patch = patch;
  config.clip.vision = vision;
  config.clip.text = config.decoder = text;
  config.clip.context = context;
  config.clip.vocabulary = vocabulary;
  config.clip.embed = text.width;
  config.clip.activation = Activation::Gelu;
  config.queries = queries;
  config.poolHeads = poolHeads;
  return config;
}

const std::vector<CocaPreset> &vlp::models::getCocaPresets() {
  static const std::vector<CocaPreset> presets = [] {
    // The sizes of the golden file coca_openclip_tiny.
    CocaPreset tiny{"coca/tiny", "0.2 M parameters, 32 px, for tests",
                    makeConfig(32, 16, {64, 2, 2}, {32, 2, 2}, 7, 64, 5, 2)};
    tiny.config.clip.recipe = {1e-3, 0.1, 0.9, 0.98, 1e-6, 1.0, 10, 100};
    // The towers of clip/emoji, and a decoder of their size.
    CocaPreset emoji{"coca/emoji", "3.0 M parameters, 56 px, for training on two cores",
                     makeConfig(56, 8, {128, 4, 4}, {128, 2, 4}, 20, 3584, 9, 4)};
    emoji.config.clip.mean = emoji.config.clip.deviation = {0.5f, 0.5f, 0.5f};
    emoji.config.clip.recipe = {1e-3, 0.1, 0.9, 0.98, 1e-8, 1.0, 50, 469};
    // open_clip's model configs; 76 tokens and the class token fill CLIP's 77 positions.
    return std::vector<CocaPreset>{
        tiny,
        emoji,
        {"coca/ViT-B-32", "253 M parameters, 224 px (open_clip)",
         makeConfig(224, 32, {768, 12}, {512, 12}, 76, 49408, 256, 8)},
        {"coca/ViT-L-14", "638 M parameters, 224 px (open_clip)",
         makeConfig(224, 14, {1024, 24}, {768, 12}, 76, 49408, 256, 8)},
    };
  }();
  return presets;
}
