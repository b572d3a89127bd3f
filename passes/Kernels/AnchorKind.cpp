// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of anchors.
#include "passes/Kernels/AnchorKind.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vlp;

bool vlp::isElementwise(Operation *op) { return op->hasTrait<Elementwise>() || isa<AllFiniteOp>(op); }

bool vlp::isWideningCast(Operation *op) {
  auto cast = dyn_cast<CastOp>(op);
  if (!cast)
    return false;
  auto from = dyn_cast<FloatType>(cast.getInput().getType().getElementType());
  return from && from.getWidth() < cast.getType().getElementTypeBitWidth();
}

StringRef vlp::getAnchorKind(Operation *op) {
  if (isElementwise(op))
    return "elementwise";
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case<LinearOp, MatmulOp>([](auto) { return "matmul"; })
      .Case<AttentionOp>([](auto) { return "attention"; })
      .Case<AttentionGradOp>([](auto) { return "attention_grad"; })
      .Case<LayerNormOp>([](auto) { return "layer_norm"; })
      .Case<LayerNormGradOp>([](auto) { return "layer_norm_grad"; })
      .Case<SoftmaxOp, SoftmaxGradOp, L2NormalizeOp, L2NormalizeGradOp, CrossEntropyOp, CrossEntropyGradOp,
            SoftCrossEntropyOp, SoftCrossEntropyGradOp, ArgmaxOp>([](auto) { return "row"; })
      .Case<ReduceSumOp, GlobalNormOp>([](auto) { return "reduce"; })
      .Case<MatchTargetsOp>([](auto) { return "match_targets"; })
      .Case<AdamWOp>([](auto) { return "adamw"; })
      .Case<ConcatOp>([](auto) { return "concat"; })
      .Case<PadOp>([](auto) { return "pad"; })
      .Case<PatchifyOp, UnpatchifyOp>([](auto) { return "patchify"; })
      .Case<EmbeddingOp>([](auto) { return "embedding"; })
      .Case<EmbeddingGradOp>([](auto) { return "embedding_grad"; })
      .Case<GatherRowsOp>([](auto) { return "gather_rows"; })
      .Case<ScatterRowsOp>([](auto) { return "scatter_rows"; })
      .Default([](Operation *) { return ""; });
}

bool vlp::acceptsEpilogue(StringRef kind) {
  static constexpr StringRef kinds[] = {"matmul", "concat", "embedding", "layer_norm", "row", "reduce", "elementwise"};
  return llvm::is_contained(kinds, kind);
}
