// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The layers that transformer models consist of, each written once. B is the batch, S the sequence, D the width.
#pragma once

#include "models/common/Initializers.h"
#include "models/common/ModelBuilder.h"

namespace vlp::models {

enum class Activation {
  Gelu,     ///< exact, with erf: BERT, ViT, LAION CLIP
  QuickGelu ///< x sigmoid(1.702 x): OpenAI CLIP
};

/// "gelu" or "quick_gelu" (also as "gelu erf"); false for anything else.
bool parseActivation(llvm::StringRef text, Activation &activation);

/// How the weights of a block are drawn.
struct BlockInit {
  InitializerAttr inProj, outProj, fc, proj;
  InitializerAttr fcBias, projBias;
};

/// One kind of transformer block.
struct BlockConfig {
  int64_t width;
  int64_t heads;
  int64_t mlp;
  Activation activation;
  double eps;
  bool causal;
  BlockInit init;
};

/// Affine map with parameters `weight` [outputs, D] and `bias` [outputs] of layer `name`.
mlir::Value linear(ModelBuilder &b, llvm::StringRef name, mlir::Value x, int64_t outputs, InitializerAttr weight,
                   InitializerAttr bias);

/// Parameters `weight` (ones) and `bias` (zeros) of layer `name`.
mlir::Value layerNorm(ModelBuilder &b, llvm::StringRef name, mlir::Value x, double eps);

mlir::Value activate(ModelBuilder &b, Activation activation, mlir::Value x);

/// Rows [B, S, D] of the patches of images [B, C, H, W]; parameter `weight` [D, C, P, P] of layer `name`, no bias.
mlir::Value patchEmbedding(ModelBuilder &b, llvm::StringRef name, mlir::Value image, int64_t patch, int64_t width,
                           InitializerAttr weight);

/// `token` [D] in front of each sequence of x [B, S, D].
mlir::Value prependToken(ModelBuilder &b, mlir::Value token, mlir::Value x);

/// torch.nn.MultiheadAttention of x with itself: one projection gives queries, keys and values.
/// `mask`: as vlp.attention's; null: none.
mlir::Value selfAttention(ModelBuilder &b, llvm::StringRef name, mlir::Value x, const BlockConfig &config,
                          mlir::Value mask = {});
/// The same module with queries from x, keys and values from `context` [B, S', D].
mlir::Value crossAttention(ModelBuilder &b, llvm::StringRef name, mlir::Value x, mlir::Value context,
                           const BlockConfig &config);
/// Attention of projected q, k and v [B, S, D] in `heads` heads, scaled by the root of their width.
mlir::Value attend(ModelBuilder &b, mlir::Value q, mlir::Value k, mlir::Value v, int64_t heads, bool causal = false,
                   mlir::Value mask = {});

/// c_fc, activation, c_proj.
mlir::Value mlp(ModelBuilder &b, llvm::StringRef name, mlir::Value x, const BlockConfig &config);

/// x + attention(ln_1 x), then x + mlp(ln_2 x) (pre-norm).
mlir::Value residualAttentionBlock(ModelBuilder &b, mlir::Value x, const BlockConfig &config, mlir::Value mask = {});
/// The same with attention to `context`, which has a norm of its own (ln_1_kv).
mlir::Value residualCrossAttentionBlock(ModelBuilder &b, mlir::Value x, mlir::Value context, const BlockConfig &config);

/// `layers` blocks under `name`.resblocks.N.
mlir::Value transformer(ModelBuilder &b, llvm::StringRef name, mlir::Value x, int64_t layers, const BlockConfig &config,
                        mlir::Value mask = {});

/// `token` [D] behind each sequence of x [B, S, D].
mlir::Value appendToken(ModelBuilder &b, mlir::Value x, mlir::Value token);
/// Token ids [B, T] with `token` in the first place.
mlir::Value replaceFirst(ModelBuilder &b, mlir::Value ids, int32_t token);
/// Of each id [...] in [0, size): `special` for id `which`, `other` for the rest.
mlir::Value numberOfToken(ModelBuilder &b, mlir::Value ids, int64_t size, int64_t which, double special, double other);

/// The first row [B, D] of each sequence of x [B, S, D].
mlir::Value classRow(ModelBuilder &b, mlir::Value x);

/// Rows divided by their Euclidean norm, or by `eps` if that is larger.
mlir::Value l2Normalize(ModelBuilder &b, mlir::Value x, double eps = 0.0);

} // namespace vlp::models
