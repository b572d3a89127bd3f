// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// BLIP (arXiv 2201.12086): a picture tower and one stack of text layers in three uses: texts alone (contrast), texts
// that look at a picture (matching), captions of a picture (language modelling). Parameters carry the official names;
// what encoder and decoder share is the encoder's. B is the batch, T the tokens of a text.
#pragma once

#include "models/blip/BlipConfig.h"
#include "models/common/Momentum.h"

namespace vlp::models {

/// One of the two models: the one that learns (suffix "") or its moving average ("_m", inside of a TwinScope), which
/// has no decoder.
class BlipModel {
public:
  BlipModel(ModelBuilder &b, const BlipConfig &config, llvm::StringRef suffix = "")
      : b(b), config(config), suffix(suffix) {}

  /// Rows [B, 1 + patches, vision width] of pictures.
  mlir::Value encodeImage(mlir::Value image);
  /// Embeddings [B, T, width] of ids whose first one is `first`; 0: as it is.
  mlir::Value embed(mlir::Value ids, int64_t first = 0);
  /// Rows [B, T, width] of embedded texts. `scores`: of padding (paddingScores). `imageRows`: what all layers look at;
  /// null: nothing.
  mlir::Value encodeText(mlir::Value embedded, mlir::Value scores, mlir::Value imageRows = {});
  /// Scores [B, T, V] of the next tokens of embedded captions.
  mlir::Value decode(mlir::Value embedded, mlir::Value scores, mlir::Value imageRows);
  /// The class rows, projected and normed: [B, E].
  mlir::Value projectImage(mlir::Value imageRows) { return project("vision_proj", imageRows); }
  mlir::Value projectText(mlir::Value textRows) { return project("text_proj", textRows); }
  /// Scores [B, 2] of "do not belong together" and "do", from the first rows of texts that looked at pictures.
  mlir::Value match(mlir::Value textRows);

private:
  mlir::Value project(llvm::StringRef name, mlir::Value rows);
  std::string named(llvm::StringRef name) const { return (name + suffix).str(); }

  ModelBuilder &b;
  const BlipConfig &config;
  std::string suffix;
};

/// What pretraining takes in.
struct BlipBatch {
  mlir::Value image, ids, mask; ///< [B, 3, R, R], [B, T], [B, T]: 1 where a text has a token
  Negatives negatives;          ///< none: drawn with `uniform`
  mlir::Value uniform;          ///< [2, B, B]
  mlir::Value alpha;
};

struct BlipLosses {
  mlir::Value contrastive, matching, language;
};

/// All of a pretraining step's forward: three losses, the averages and the queues (written).
BlipLosses pretrainBlip(ModelBuilder &b, const BlipConfig &config, const BlipBatch &batch);

/// Names under which official files hold tensors a second time, with the parameters that they are.
std::vector<std::pair<std::string, std::string>> getTiedNames(const BlipConfig &config);

/// Builds `entries` (none: those by default) into a new module; see BlipArchitecture for what they are.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildBlip(mlir::MLIRContext *context, llvm::StringRef name,
                                                            const BlipConfig &config,
                                                            llvm::ArrayRef<EntryRequest> entries);

} // namespace vlp::models
