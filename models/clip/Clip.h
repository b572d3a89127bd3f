// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CLIP with a vision transformer (arXiv 2103.00020): towers and entries.
#pragma once

#include "models/clip/ClipConfig.h"

namespace vlp::models {

/// Embeddings [B, embed], not normalised, of images [B, 3, image, image].
mlir::Value encodeImage(ModelBuilder &b, const ClipConfig &config, mlir::Value image);

/// Embeddings [B, embed], not normalised, of token ids [B, T], T <= context. The end of a text is its largest id.
mlir::Value encodeText(ModelBuilder &b, const ClipConfig &config, mlir::Value text);

/// Builds `entries` (none: those by default) into a new module; see ClipArchitecture for what they are.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildClip(mlir::MLIRContext *context, llvm::StringRef name,
                                                            const ClipConfig &config,
                                                            llvm::ArrayRef<EntryRequest> entries);

} // namespace vlp::models
