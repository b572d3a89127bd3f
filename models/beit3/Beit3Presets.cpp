// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The BEiT-3 models that were released, and a small one.
#include "models/beit3/Beit3Config.h"

using namespace vlp::models;

const std::vector<Beit3Preset> &vlp::models::getBeit3Presets() {
  // Tokens: 64,002 pieces and special ones; visual tokens: those of BEiT v2.
  static const std::vector<Beit3Preset> presets = {
      // The sizes of the golden file beit3_tiny.
      {"beit3/tiny", "0.1 M parameters, 32 px, for tests", {32, 16, {32, 2, 2, 64}, 64, 14, 24}},
      {"beit3/base", "277 M parameters, 224 px", {224, 16, {768, 12}, 64010, 1022, 8192}},
      {"beit3/large", "747 M parameters, 224 px", {224, 16, {1024, 24}, 64010, 1022, 8192}},
  };
  return presets;
}
