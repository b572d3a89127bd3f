// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ALBEF model that was published, and small ones.
#include "models/albef/AlbefConfig.h"

using namespace vlp::models;

const std::vector<AlbefPreset> &vlp::models::getAlbefPresets() {
  static const std::vector<AlbefPreset> presets = {
      // The sizes of the golden file albef_tiny.
      {"albef/tiny",
       "0.1 M parameters, 32 px, for tests",
       {{32, 16, {32, 2, 2}}, {{32, 4, 2, 64}, 64, 16, 2, 2}, 8, 16, 16}},
      // The towers of clip/emoji, and two fusion layers.
      {"albef/emoji",
       "2.3 M parameters, 56 px, for training on two cores",
       {{56, 8, {128, 4, 4}}, {{128, 4, 4}, 3584, 32, 2, 2}, 20, 64, 1024}},
      {"albef/base", "210 M parameters, 256 px", {{256, 16, {768, 12}}, {{768, 12}, 30522, 512, 2, 6}, 25, 256, 65536}},
  };
  return presets;
}
