// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files of the golden layout at any size, with the interpreter in f64 as the oracle.
#pragma once

#include "models/albef/AlbefConfig.h"
#include "models/beit3/Beit3Config.h"
#include "models/blip/BlipConfig.h"
#include "models/coca/CocaConfig.h"
#include "models/vlmo/VlmoConfig.h"
#include "runtime/checkpoint/Safetensors.h"

namespace vlp::test {

/// The tensors of one file, as f32 and i32 bytes by name.
struct GoldenTensors {
  struct Tensor {
    SafetensorsType type;
    std::vector<int64_t> shape;
    std::string bytes;
  };
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;

  void write(const std::string &path) const;
};

/// Random weights and a random batch of a CLIP of these sizes, and what the interpreter computes from them.
GoldenTensors makeClipGolden(const models::ClipConfig &config, int64_t batch, int64_t length);
/// The same of a CoCa; padding may stand anywhere in its texts.
GoldenTensors makeCocaGolden(const models::CocaConfig &config, int64_t batch, int64_t length);
/// The same of an ALBEF; texts end in padding, and every third token is masked.
GoldenTensors makeAlbefGolden(const models::AlbefConfig &config, int64_t batch, int64_t length);
/// The same of a BLIP; tied tensors under both names.
GoldenTensors makeBlipGolden(const models::BlipConfig &config, int64_t batch, int64_t length);
/// The same of a VLMo.
GoldenTensors makeVlmoGolden(const models::VlmoConfig &config, int64_t batch, int64_t length);
/// The same of a BEiT-3; about half of patches, tokens and paddings are masked.
GoldenTensors makeBeit3Golden(const models::Beit3Config &config, int64_t batch, int64_t length);

} // namespace vlp::test
