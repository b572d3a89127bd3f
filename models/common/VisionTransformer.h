// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The vision transformer of ALBEF and BLIP (arXiv 2010.11929), with the names of timm.
#pragma once

#include "models/common/Layers.h"
#include "models/common/TowerConfig.h"

namespace vlp::models {

struct VisionTransformerConfig {
  /// Pixels of a picture's side, a multiple of `patch`.
  int64_t image = 0, patch = 0;
  TowerConfig tower;
  double eps = 1e-6;

  int64_t getPatches() const { return (image / patch) * (image / patch); }
};

/// Rows [B, 1 + patches, width] of pictures [B, 3, R, R], the class row first, all normed. Layer `name`: cls_token,
/// pos_embed, patch_embed.proj, blocks.N, norm.
mlir::Value visionTransformer(ModelBuilder &b, llvm::StringRef name, const VisionTransformerConfig &config,
                              mlir::Value image);

} // namespace vlp::models
