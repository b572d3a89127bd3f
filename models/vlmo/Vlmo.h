// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// VLMo (arXiv 2111.02358): one transformer whose attention all modalities share, and whose feed-forward layers are
// experts of pictures, texts and, in the last layers, pairs. Parameters carry the official names. B is the batch, T the
// tokens of a text, N the rows of a picture (1 + patches).
#pragma once

#include "models/common/Layers.h"
#include "models/common/Momentum.h"
#include "models/vlmo/VlmoConfig.h"

namespace vlp::models {

/// Rows of one kind of sequence, with what is added to its attention's scores.
struct VlmoSequence {
  enum class Kind { Picture, Text, Pair };
  Kind kind;
  mlir::Value rows;    ///< [B, S, width]; of a pair: the text's first
  mlir::Value padding; ///< [B, 1, 1, S]: minus infinity at padding, else 0; null: none
};

class VlmoModel {
public:
  VlmoModel(ModelBuilder &b, const VlmoConfig &config) : b(b), config(config) {}

  VlmoSequence embedImage(mlir::Value image);
  /// `mask` [B, T]: 0 where a text has no token.
  VlmoSequence embedText(mlir::Value ids, mlir::Value mask);
  VlmoSequence join(const VlmoSequence &text, const VlmoSequence &image);

  /// The rows after all layers, with the experts of their modality; of pairs, the experts of each part, then of pairs.
  mlir::Value encode(const VlmoSequence &sequence);
  /// Of one modality, both exits: after its own experts to the end, and after the pairs' experts in the last layers.
  struct Exits {
    mlir::Value own, pair;
  };
  Exits encodeBoth(const VlmoSequence &sequence);

  /// Class rows through head `name`, normed: [B, width].
  mlir::Value project(llvm::StringRef name, mlir::Value rows);
  /// Scores [B, 2] of "do not belong together" and "do", from the first rows of pairs.
  mlir::Value match(mlir::Value rows);
  /// Scores [B, T, V] of the vocabulary, from rows of texts.
  mlir::Value predict(mlir::Value rows);

private:
  using Kind = VlmoSequence::Kind;
  mlir::Value makeScores(const VlmoSequence &sequence, int64_t layer);
  mlir::Value attention(mlir::Value x, mlir::Value scores);
  mlir::Value scaled(llvm::StringRef gamma, mlir::Value branch);
  /// x + the expert `name`'s feed-forward of it.
  mlir::Value expert(llvm::StringRef name, mlir::Value x);
  /// Layer `index`; `isPair`: with the experts of pairs, where it has them, else of the sequence's parts.
  mlir::Value block(const VlmoSequence &sequence, mlir::Value x, int64_t index, bool isPair);
  mlir::Value finish(mlir::Value x);
  /// Relative position biases [layers x heads, S, S] of a sequence, looked up once an entry.
  mlir::Value getBiases(const VlmoSequence &sequence);

  ModelBuilder &b;
  const VlmoConfig &config;
  std::map<std::pair<Kind, int64_t>, mlir::Value> biases;
};

/// What pretraining takes in.
struct VlmoBatch {
  mlir::Value image, ids, mask;        ///< [B, 3, R, R], [B, T], [B, T]: 1 where a text has a token
  mlir::Value maskedIds, maskedLabels; ///< [B, T]: ids with masks in them; what was there, or -100
  Negatives negatives;                 ///< none: drawn with `uniform`
  mlir::Value uniform;                 ///< [2, B, B]
};

struct VlmoLosses {
  mlir::Value maskedLanguage, contrastive, matching; ///< each with its weight
  mlir::Value similarity, matchScores;               ///< [B, B] of pictures with texts, [3 B, 2]
};

VlmoLosses pretrainVlmo(ModelBuilder &b, const VlmoConfig &config, const VlmoBatch &batch);

/// Builds `entries` (none: those by default) into a new module; see VlmoArchitecture for what they are.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildVlmo(mlir::MLIRContext *context, llvm::StringRef name,
                                                            const VlmoConfig &config,
                                                            llvm::ArrayRef<EntryRequest> entries);

} // namespace vlp::models
