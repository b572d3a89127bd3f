// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ALBEF (arXiv 2107.07651): a picture and a text are aligned by a contrast of their features, then fused by
// cross-attention; a momentum model gives soft targets. Parameters carry the official names. B is the batch, T the
// tokens of a text.
#pragma once

#include "models/albef/AlbefConfig.h"
#include "models/common/Momentum.h"

namespace vlp::models {

/// One of the two models: the one that learns (suffix "") or its moving average ("_m", inside of a TwinScope).
class AlbefModel {
public:
  AlbefModel(ModelBuilder &b, const AlbefConfig &config, llvm::StringRef suffix = "")
      : b(b), config(config), suffix(suffix) {}

  /// Rows [B, 1 + patches, width] of pictures.
  mlir::Value encodeImage(mlir::Value image);
  /// Rows [B, T, width] of texts, after the layers before fusion. `scores`: of padding (paddingScores).
  mlir::Value encodeText(mlir::Value ids, mlir::Value scores);
  /// The fusion layers on rows of texts that look at rows of pictures.
  mlir::Value fuse(mlir::Value textRows, mlir::Value scores, mlir::Value imageRows);
  /// The class rows, projected and normed: [B, E].
  mlir::Value projectImage(mlir::Value imageRows) { return project("vision_proj", imageRows); }
  mlir::Value projectText(mlir::Value textRows) { return project("text_proj", textRows); }
  /// Scores [B, 2] of "do not belong together" and "do", from the class rows of fused rows. Has no momentum twin.
  mlir::Value match(mlir::Value fusedRows);
  /// Scores [B, T, V] of the vocabulary.
  mlir::Value predict(mlir::Value fusedRows);

private:
  mlir::Value project(llvm::StringRef name, mlir::Value rows);
  std::string named(llvm::StringRef name) const { return (name + suffix).str(); }

  ModelBuilder &b;
  const AlbefConfig &config;
  std::string suffix;
};

/// What pretraining takes in.
struct AlbefBatch {
  mlir::Value image, ids, mask;        ///< [B, 3, R, R], [B, T], [B, T]: 1 where a text has a token
  mlir::Value maskedIds, maskedLabels; ///< [B, T]: ids with masks in them; what was there, or -100
  Negatives negatives;                 ///< none: drawn with `uniform`
  mlir::Value uniform;                 ///< [2, B, B]
  mlir::Value alpha;
};

struct AlbefLosses {
  mlir::Value contrastive, matching, maskedLanguage;
};

/// All of a pretraining step's forward: three losses, the averages and the queues (written).
AlbefLosses pretrainAlbef(ModelBuilder &b, const AlbefConfig &config, const AlbefBatch &batch);

/// Builds `entries` (none: those by default) into a new module; see AlbefArchitecture for what they are.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildAlbef(mlir::MLIRContext *context, llvm::StringRef name,
                                                             const AlbefConfig &config,
                                                             llvm::ArrayRef<EntryRequest> entries);

} // namespace vlp::models
