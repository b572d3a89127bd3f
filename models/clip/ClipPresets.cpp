// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The published CLIP models with vision transformers, and two small ones.
#include "models/clip/ClipConfig.h"

using namespace vlp::models;

namespace {
/// A published size; texts have 77 tokens of 49,408 (arXiv 2103.00020 table 20; open_clip's model configs).
struct Published {
  const char *name;
  int64_t image, patch;
  TowerConfig vision, text;
  int64_t embed;
  double learningRate;
  const char *where;
};
} // namespace

static const Published published[] = {
    {"ViT-B-32", 224, 32, {768, 12}, {512, 12}, 512, 5e-4, "151 M parameters"},
    {"ViT-B-16", 224, 16, {768, 12}, {512, 12}, 512, 5e-4, "150 M parameters"},
    {"ViT-L-14", 224, 14, {1024, 24}, {768, 12}, 768, 4e-4, "428 M parameters"},
    {"ViT-L-14-336", 336, 14, {1024, 24}, {768, 12}, 768, 2e-5, "428 M parameters, 336 px"},
    {"ViT-H-14", 224, 14, {1280, 32, 16}, {1024, 24}, 1024, 5e-4, "986 M parameters, open_clip only"},
    {"ViT-g-14", 224, 14, {1408, 40, 16, 6144}, {1024, 24}, 1024, 5e-4, "1.37 G parameters, open_clip only"},
    {"ViT-bigG-14", 224, 14, {1664, 48, 16, 8192}, {1280, 32}, 1280, 5e-4, "2.54 G parameters, open_clip only"},
};

static ClipPreset makePreset(const Published &model, Activation activation) {
  bool quick = activation == Activation::QuickGelu;
  ClipPreset preset;
  preset.name = std::string("clip/") + model.name + (quick ? "-quickgelu" : "");
  preset.summary = std::string(model.where) + (quick ? ", QuickGELU (OpenAI weights)" : ", exact GELU (LAION weights)");
  preset.config.image = model.image;
  preset.config.patch = model.patch;
  preset.config.vision = model.vision;
  preset.config.context = 77;
  preset.config.vocabulary = 49408;
  preset.config.text = model.text;
  preset.config.embed = model.embed;
  preset.config.activation = activation;
  preset.config.recipe.learningRate = model.learningRate;
  return preset;
}

/// The sizes of the golden file clip_vit_tiny.
static ClipPreset makeTiny() {
  ClipPreset preset{"clip/tiny", "0.3 M parameters, 32 px, for tests", {}};
  preset.config.image = 32;
  preset.config.patch = 16;
  preset.config.vision = {64, 2};
  preset.config.context = 8;
  preset.config.vocabulary = 64;
  preset.config.text = {64, 2};
  preset.config.embed = 16;
  preset.config.recipe = {1e-3, 0.1, 0.9, 0.98, 1e-6, 1.0, 10, 100};
  return preset;
}

/// Learns emoji pictures in minutes on two CPU cores.
static ClipPreset makeEmoji() {
  ClipPreset preset{"clip/emoji", "1.7 M parameters, 56 px, trained by the quickstart", {}};
  preset.config.image = 56;
  preset.config.patch = 8;
  preset.config.vision = {128, 4, 4};
  preset.config.context = 20;
  preset.config.vocabulary = 3584;
  preset.config.text = {128, 2, 4};
  preset.config.embed = 128;
  preset.config.activation = Activation::Gelu;
  preset.config.mean = preset.config.deviation = {0.5f, 0.5f, 0.5f};
  preset.config.recipe = {1e-3, 0.1, 0.9, 0.98, 1e-8, 1.0, 50, 469};
  return preset;
}

const std::vector<ClipPreset> &vlp::models::getClipPresets() {
  static const std::vector<ClipPreset> presets = [] {
    std::vector<ClipPreset> list = {makeTiny(), makeEmoji()};
    for (const Published &model : published)
      for (Activation activation : {Activation::Gelu, Activation::QuickGelu})
        list.push_back(makePreset(model, activation));
    return list;
  }();
  return presets;
}
