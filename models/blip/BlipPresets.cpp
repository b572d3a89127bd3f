// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The BLIP models that were published, and small ones.
#include "models/blip/BlipConfig.h"

using namespace vlp::models;

const std::vector<BlipPreset> &vlp::models::getBlipPresets() {
  // 30,522 word pieces of BERT, the first token of captions and that of texts to match.
  static const std::vector<BlipPreset> presets = {
      // The sizes of the golden file blip_tiny.
      {"blip/tiny", "0.2 M parameters, 32 px, for tests", {{32, 16, {48, 2, 2}}, {{32, 2, 2, 64}, 62, 16}, 8, 16, 16}},
      // The picture tower of clip/emoji.
      {"blip/emoji",
       "2.3 M parameters, 56 px, for training on two cores",
       {{56, 8, {128, 4, 4}}, {{128, 3, 4}, 3584, 32}, 20, 64, 1024}},
      {"blip/base", "252 M parameters, 224 px", {{224, 16, {768, 12}}, {{768, 12}, 30524, 512}, 30, 256, 57600}},
      {"blip/large", "475 M parameters, 224 px", {{224, 16, {1024, 24}}, {{768, 12}, 30524, 512}, 30, 256, 57600}},
  };
  return presets;
}
