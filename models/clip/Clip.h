// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CLIP with a vision transformer (arXiv 2103.00020): towers and entries.
#pragma once

#include "models/clip/ClipConfig.h"

namespace vlp::models {

/// Embeddings [B, embed], not normalised, of images [B, 3, image, image].
mlir::Value encodeImage(ModelBuilder &b, const ClipConfig &config, mlir::Value image);

/// Rows [B, 1 + patches, width] of the image tower, the class row first, before its last norm; in the layer that holds
/// the tower.
mlir::Value visionRows(ModelBuilder &b, const ClipConfig &config, mlir::Value image);
/// Rows [B, T, width] of token ids [B, T], without positions.
mlir::Value embedTokens(ModelBuilder &b, const ClipConfig &config, mlir::Value text);
/// The text tower's deviations shrink with width and, on the residual path, with depth.
BlockInit textInit(mlir::MLIRContext *context, const TowerConfig &tower);
BlockConfig makeBlock(const ClipConfig &config, const TowerConfig &tower, BlockInit init, bool causal);

/// Embeddings [B, embed], not normalised, of token ids [B, T], T <= context. The end of a text is its largest id.
mlir::Value encodeText(ModelBuilder &b, const ClipConfig &config, mlir::Value text);

/// Keeps the logarithm of the multiplier `logit_scale` in [0, ln train.logit_scale_max] after each step, as open_clip
/// does.
void clampLogitScale(mlir::ModuleOp module);

/// Builds `entries` (none: those by default) into a new module; see ClipArchitecture for what they are.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildClip(mlir::MLIRContext *context, llvm::StringRef name,
                                                            const ClipConfig &config,
                                                            llvm::ArrayRef<EntryRequest> entries);

} // namespace vlp::models
