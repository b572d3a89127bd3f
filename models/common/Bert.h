// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// BERT (arXiv 1810.04805) with cross-attention, as ALBEF and BLIP have it, with the names of Hugging Face. B is the
// batch, T the tokens of a text, D the width.
#pragma once

#include "models/common/Layers.h"
#include "models/common/TowerConfig.h"

namespace vlp::models {

struct BertConfig {
  TowerConfig tower;
  int64_t vocabulary = 0;
  /// Tokens that a text may have.
  int64_t positions = 512;
  /// Rows of the token type table, of which all tokens have the first; 0: no table.
  int64_t tokenTypes = 0;
  /// The first layer that looks at another sequence, where one is given.
  int64_t firstCross = 0;
  double eps = 1e-12;
};

/// Token, position and type embeddings [B, T, D] of ids [B, T], normed: layer "embeddings".
mlir::Value bertEmbeddings(ModelBuilder &b, const BertConfig &config, mlir::Value ids);

/// What is added to the scores of padding, [B, 1, 1, T]: -10,000 where `mask` [B, T] is 0. BERT's constant, not minus
/// infinity.
mlir::Value paddingScores(ModelBuilder &b, mlir::Value mask);

/// The layers `first` to before `last` (post-norm), as "encoder.layer.N", on x [B, T, D]. `scores`: as vlp.attention's
/// mask. `context` [B, S, any width]: what the layers from config.firstCross on look at; null: none does.
struct BertLayers {
  int64_t first, last;
  bool causal = false;
  /// Where the layers of the self-attention are, if it is not that of the current layer: the path before ".layer.N".
  llvm::StringRef selfAttention = {};
};
mlir::Value bertEncoder(ModelBuilder &b, const BertConfig &config, mlir::Value x, mlir::Value scores,
                        mlir::Value context, BertLayers layers);

/// Scores [B, T, V] of the vocabulary: layer "predictions". `embeddings` [V, D]: BERT's word embeddings, which the
/// last matrix is tied to.
mlir::Value predictTokens(ModelBuilder &b, const BertConfig &config, mlir::Value x, mlir::Value embeddings);
/// The word embeddings [V, D] of the current layer, a whole BERT.
mlir::Value wordEmbeddings(ModelBuilder &b, const BertConfig &config);

} // namespace vlp::models
