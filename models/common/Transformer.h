// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pre-norm transformer that all vision-language models share, as a sequence of named layers.
#pragma once

#include "models/common/ModelBuilder.h"

namespace vlp::models {

enum class Activation { Gelu, QuickGelu };

/// How the weights of one block are drawn.
struct BlockInit {
  Init inProjection, outProjection, hidden, output;
  Init hiddenBias, outputBias;
};

struct TransformerConfig {
  int64_t width;
  int64_t layers;
  int64_t heads;
  int64_t hidden;   // width of the MLP's inner layer
  Activation activation;
  double eps;       // of the layer norms
  bool causal;
  BlockInit init;
};

/// y = x W^T + b with parameters weight [out, in] and bias [out] of the layer `name`.
Value linear(ModelBuilder &m, llvm::StringRef name, Value x, int64_t out, Init weight, Init bias);
/// Layer normalisation with parameters weight and bias of the layer `name`.
Value layerNorm(ModelBuilder &m, llvm::StringRef name, Value x, double eps);
/// Multi-head self-attention with one joint projection: in_proj_weight [3d, d] (query, key, value in this order), in_proj_bias, out_proj.
Value selfAttention(ModelBuilder &m, llvm::StringRef name, Value x, const TransformerConfig &config);
/// c_proj(activation(c_fc(x))).
Value mlp(ModelBuilder &m, llvm::StringRef name, Value x, const TransformerConfig &config);
/// x + attn(ln_1(x)), then x + mlp(ln_2(x)), for resblocks 0 to layers - 1. x is [B, S, width].
Value transformer(ModelBuilder &m, llvm::StringRef name, Value x, const TransformerConfig &config);

} // namespace vlp::models
