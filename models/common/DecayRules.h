// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which parameters weight decay applies to, as each official training code has it. Names are those of the official
// checkpoints.
#pragma once

#include "mlir/Support/LLVM.h"

namespace vlp::models {

using DecayRule = bool (*)(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);

/// To matrices, not to vectors, scalars, biases, norms and logit_scale.
bool decaysAsInOpenClip(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);
/// To all that is no vector and no bias: class token, positions and the temperature, which has no dimension, included.
bool decaysAsInAlbef(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);
/// To all: BLIP has one group of parameters.
bool decaysAlways(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);

/// To all whose names do not contain "bias" or the weight of LayerNorm, norm, norm1 or norm2: those of norm2_text,
/// norm2_imag and norm2_vl decay, the relative position bias table does not.
bool decaysAsInVlmo(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);

} // namespace vlp::models
