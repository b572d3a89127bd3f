// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CoCa (arXiv 2205.01917) as open_clip builds it: CLIP's towers, an attentional pooler, and a decoder that captions.
#pragma once

#include "models/coca/CocaConfig.h"

namespace vlp::models {

struct CocaImage {
  /// Embeddings [B, embed], not normalised.
  mlir::Value embedding;
  /// Pooled rows [B, queries - 1, embed] for the decoder.
  mlir::Value memory;
};
CocaImage encodeCocaImage(ModelBuilder &b, const CocaConfig &config, mlir::Value image);

struct CocaText {
  /// Embeddings [B, embed] of the class token, not normalised.
  mlir::Value embedding;
  /// Token states [B, T, width] for the decoder.
  mlir::Value states;
};
CocaText encodeCocaText(ModelBuilder &b, const CocaConfig &config, mlir::Value text);

/// Logits [B, T, vocabulary] of the token after each.
mlir::Value decodeCaption(ModelBuilder &b, const CocaConfig &config, const CocaText &text, const CocaImage &image);

/// Builds `entries` (none: those by default) into a new module; see CocaArchitecture for what they are.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildCoca(mlir::MLIRContext *context, llvm::StringRef name,
                                                            const CocaConfig &config,
                                                            llvm::ArrayRef<EntryRequest> entries);

} // namespace vlp::models
