// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sizes of a CLIP model with a vision transformer.
#pragma once

#include "models/common/Entries.h"
#include "models/common/Layers.h"
#include "models/common/Sizes.h"
#include "models/common/TowerConfig.h"
#include <array>

namespace vlp::models {

/// How it is trained unless the user sets other scalars; see README.md.
struct ClipRecipe {
  double learningRate = 5e-4, weightDecay = 0.2, beta1 = 0.9, beta2 = 0.98, eps = 1e-6, clipNorm = 0;
  double warmupSteps = 2000, totalSteps = 100000, logitScaleMax = 100;
};

/// By the names of the scalars.
std::map<std::string, double> getScalars(const ClipRecipe &recipe);

struct ClipConfig {
  /// Pixels of a picture's side; a multiple of `patch`.
  int64_t image = 0;
  int64_t patch = 0;
  TowerConfig vision;
  /// Tokens of a text, and entries of the token embedding (a capacity: a vocabulary may be smaller).
  int64_t context = 0;
  int64_t vocabulary = 0;
  TowerConfig text;
  /// Width of the common space.
  int64_t embed = 0;
  Activation activation = Activation::QuickGelu;
  double eps = 1e-5;
  /// How pictures are normalised, red, green, blue.
  std::array<float, 3> mean = {0.48145466f, 0.4578275f, 0.40821073f};
  std::array<float, 3> deviation = {0.26862954f, 0.26130258f, 0.27577711f};
  ClipRecipe recipe;

  int64_t getGrid() const { return image / patch; }
  Preprocessing getPreprocessing() const { return {image, context, vocabulary, mean, deviation}; }

  /// Reads all sizes off a checkpoint's tensors (OpenAI names with their shapes). What shapes do not show comes from
  /// `metadata` where it says so: act (gelu, quick_gelu), ln_eps, heads or vision_heads and text_heads. Tensors that
  /// are missing, or of impossible shape, are all named in the error.
  static llvm::Expected<ClipConfig> fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                const std::map<std::string, std::string> &metadata);

  /// Changes sizes by name ("text.layers" = "3"); unknown names and bad values are all named in the error.
  llvm::Error apply(const Settings &settings);
  /// Fails, with all reasons, if no such model can be built.
  llvm::Error verify() const;
  /// The same, adding the reasons to `problems`, for models with these towers inside. Sizes one by one are not checked.
  void check(std::vector<std::string> &problems) const;
  static const SizeTable<ClipConfig> &getSizeTable();
  /// With heads and hidden widths that are left open put in.
  ClipConfig resolved() const;
  /// Names of settings with what they mean.
  static std::vector<std::pair<std::string, std::string>> getSettings();
  /// All sizes as numbers, by the names of the settings.
  std::map<std::string, double> getSizes() const;
};

struct ClipPreset {
  std::string name;
  std::string summary;
  ClipConfig config;
};

/// clip/tiny, clip/emoji, clip/ViT-B-32, ... (ClipPresets.cpp).
const std::vector<ClipPreset> &getClipPresets();

} // namespace vlp::models
