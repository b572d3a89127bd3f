// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The VLMo models that were published, and small ones.
#include "models/vlmo/VlmoConfig.h"

using namespace vlp::models;

const std::vector<VlmoPreset> &vlp::models::getVlmoPresets() {
  // Relative positions are made for the 196 tokens of the text-only stage.
  static const std::vector<VlmoPreset> presets = {
      // The sizes of the golden file vlmo_tiny.
      {"vlmo/tiny", "0.1 M parameters, 32 px, for tests", {32, 16, {32, 4, 2}, 2, 64, 8, 12}},
      {"vlmo/emoji", "3.3 M parameters, 56 px, for training on two cores", {56, 8, {128, 6, 4}, 4, 3584, 20, 32}},
      {"vlmo/base", "202 M parameters, 224 px", {224, 16, {768, 12}, 10, 30522, 40, 196}},
      {"vlmo/base_plus",
       "185 M parameters, 224 px, absolute positions",
       {224, 16, {544, 24, 16}, 21, 30522, 40, 0, /*layerScale=*/0}},
      {"vlmo/large", "599 M parameters, 224 px", {224, 16, {1024, 24}, 21, 30522, 40, 196}},
  };
  return presets;
}
