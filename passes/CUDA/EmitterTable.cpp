// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Anchor kinds and their CUDA emitters.
#include "passes/CUDA/Emitters.h"
#include "llvm/ADT/StringSwitch.h"

using namespace vlp;

const Emitter *cuda::findEmitter(llvm::StringRef anchor) {
  return llvm::StringSwitch<const Emitter *>(anchor)
      .Case("elementwise", &elementwiseEmitter())
      .Cases({"concat", "pad", "patchify"}, &copyEmitter())
      .Cases({"embedding", "gather_rows", "scatter_rows"}, &embeddingEmitter())
      .Case("embedding_grad", &embeddingGradEmitter())
      .Case("match_targets", &matchTargetsEmitter())
      .Case("adamw", &adamwEmitter())
      .Case("attention", &attentionEmitter())
      .Case("attention_grad", &attentionGradEmitter())
      .Case("matmul", &matmulEmitter())
      .Case("layer_norm", &layerNormEmitter())
      .Case("layer_norm_grad", &layerNormGradEmitter())
      .Case("row", &rowEmitter())
      .Case("reduce", &reduceEmitter())
      .Default(nullptr);
}
