// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What training entries read and bound besides parameters: ramps, draws, limits.
#pragma once

#include "models/common/Architecture.h"
#include "models/common/ModelBuilder.h"

namespace vlp::models {

/// The streams of a step's draws: each has its own, so that none follows from another.
enum class DrawStream : int64_t { Negatives = 1 };

/// Uniform numbers in (0, 1), new ones each step: of the counters train.seed and train.step.
mlir::Value drawUniform(ModelBuilder &b, llvm::ArrayRef<int64_t> shape, DrawStream stream);

/// The momentum model's share in targets: the scalar train.alpha, at first `most`, times what has passed of the first
/// train.alpha_warmup_steps steps.
mlir::Value rampedAlpha(ModelBuilder &b, double most);

/// Keeps the parameter `name`, if the module has it, between two numbers after each update.
void boundParameter(mlir::ModuleOp module, llvm::StringRef name, double least, double most);

/// Fails if the batch of an entry that learns is 1, which has no negatives, or does not divide the queue's length (0:
/// there is no queue).
llvm::Error checkMomentumBatches(llvm::ArrayRef<EntryRequest> entries, llvm::ArrayRef<EntryInfo> known, int64_t queue);

} // namespace vlp::models
