// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Anchor kinds and their CPU emitters.
#include "passes/CPU/Emitters.h"
#include "llvm/ADT/StringSwitch.h"

using namespace vlp;

const Emitter *cpu::findEmitter(llvm::StringRef anchor) {
  return llvm::StringSwitch<const Emitter *>(anchor)
      .Case("matmul", &matmulEmitter())
      .Case("attention", &attentionEmitter())
      .Case("attention_grad", &attentionGradEmitter())
      .Case("layer_norm", &layerNormEmitter())
      .Case("layer_norm_grad", &layerNormGradEmitter())
      .Case("row", &rowEmitter())
      .Case("reduce", &reduceEmitter())
      .Case("elementwise", &elementwiseEmitter())
      .Case("match_targets", &matchTargetsEmitter())
      .Case("adamw", &adamwEmitter())
      .Cases({"concat", "pad", "patchify"}, &copyEmitter())
      .Cases({"embedding", "gather_rows", "scatter_rows"}, &embeddingEmitter())
      .Case("embedding_grad", &embeddingGradEmitter())
      .Default(nullptr);
}
