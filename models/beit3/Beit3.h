// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// BEiT-3 (arXiv 2208.10442) as its weights were released: one transformer, all of whose weights exist once for rows of
// pictures (A) and once for rows of texts (B); they meet in the softmax.
#pragma once

#include "models/beit3/Beit3Config.h"
#include "models/common/Layers.h"

namespace vlp::models {

/// Rows [B, 1 + patches, width] of pictures [B, 3, R, R], the class row first. Where `masked` [B, patches] is 1, the
/// mask token stands for the patch; null: nowhere.
mlir::Value embedBeit3Image(ModelBuilder &b, const Beit3Config &config, mlir::Value image, mlir::Value masked = {});
/// Rows [B, T, width] of token ids [B, T].
mlir::Value embedBeit3Text(ModelBuilder &b, const Beit3Config &config, mlir::Value text);

/// The encoder on rows of pictures, of texts, or of both joined, pictures first. `padding` [B, T] is 1 where a text has
/// none; null: nowhere.
mlir::Value encodeBeit3(ModelBuilder &b, const Beit3Config &config, mlir::Value imageRows, mlir::Value textRows,
                        mlir::Value padding);

/// Builds `entries` (none: those by default) into a new module; see Beit3Architecture for what they are.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildBeit3(mlir::MLIRContext *context, llvm::StringRef name,
                                                             const Beit3Config &config,
                                                             llvm::ArrayRef<EntryRequest> entries);

} // namespace vlp::models
