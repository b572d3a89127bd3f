// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of mixed precision.
#include "passes/Precision/PrecisionRules.h"

using namespace mlir;
using namespace vlp;

namespace {
struct Rule {
  llvm::StringLiteral op;
  /// How it takes the operands in the mask; all others are read in f32.
  Reads reads;
  unsigned operands;
  Gives gives;
};
} // namespace

/// A mask of operands.
template <typename... Index>
static constexpr unsigned at(Index... index) {
  return ((1u << index) | ... | 0u);
}

// Not listed: f32 throughout. That is the residual stream (add, accumulate, layer_norm's input), statistics, losses,
// embeddings, the optimizer.
static constexpr Rule rules[] = {
    // Products accumulate in f32.
    {"vlp.linear", Reads::BF16, at(0, 1), Gives::Rounded},               // input, weight; the bias is added in f32
    {"vlp.matmul", Reads::BF16, at(0, 1), Gives::Rounded},               // lhs, rhs
    {"vlp.patch_embed", Reads::BF16, at(0, 1), Gives::Rounded},          // image, weight; as linear
    {"vlp.attention", Reads::BF16, at(0, 1, 2), Gives::BF16},            // query, key, value
    {"vlp.attention_grad", Reads::BF16, at(0, 1, 2, 3, 5), Gives::BF16}, // and output, gradient; lse is a statistic
    // Epilogues of products: on accumulators going forward, on what was stored going back.
    {"vlp.gelu", Reads::F32, at(), Gives::Rounded},
    {"vlp.quick_gelu", Reads::F32, at(), Gives::Rounded},
    {"vlp.gelu_grad", Reads::Widened, at(0), Gives::Rounded},       // input
    {"vlp.quick_gelu_grad", Reads::Widened, at(0), Gives::Rounded}, // input
    // Where a branch of the residual stream ends, and sums over rows for the gradients of biases.
    {"vlp.layer_norm_grad", Reads::Either, at(4), Gives::F32}, // gradient
    {"vlp.reduce_sum", Reads::Widened, at(0), Gives::F32},
};

static const Rule *findRule(Operation *op) {
  for (const Rule &rule : rules)
    if (op->getName().getStringRef() == rule.op)
      return &rule;
  return nullptr;
}

Reads vlp::getReads(Operation *op, unsigned index) {
  const Rule *rule = findRule(op);
  return rule && (rule->operands >> index & 1) ? rule->reads : Reads::F32;
}

Gives vlp::getGives(Operation *op) {
  const Rule *rule = findRule(op);
  return rule ? rule->gives : Gives::F32;
}

bool vlp::isStatistic(OpResult result) {
  return (isa<AttentionOp>(result.getOwner()) && result.getResultNumber() > 0) ||   // lse
         (isa<AttentionGradOp>(result.getOwner()) && result.getResultNumber() > 2); // the mask's gradient
}

bool vlp::isProduct(Operation *op) {
  const Rule *rule = findRule(op);
  return rule && rule->reads == Reads::BF16;
}
