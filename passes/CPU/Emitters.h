// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU emitters, one class an anchor kind (design: one anchor, its prologue and epilogue).
#pragma once

#include "passes/Kernels/Emitter.h"

namespace vlp::cpu {

/// The emitter of `anchor`, or null where there is none.
const Emitter *findEmitter(llvm::StringRef anchor);

// One accessor an emitter; each is defined in the file of its name.
const Emitter &matmulEmitter();
const Emitter &attentionEmitter();
const Emitter &attentionGradEmitter();
const Emitter &layerNormEmitter();
const Emitter &layerNormGradEmitter();
const Emitter &rowEmitter();
const Emitter &reduceEmitter();
const Emitter &elementwiseEmitter();
const Emitter &matchTargetsEmitter();
const Emitter &adamwEmitter();
const Emitter &copyEmitter();      // concat, pad, patchify, unpatchify
const Emitter &embeddingEmitter(); // embedding, gather_rows, scatter_rows
const Emitter &embeddingGradEmitter();

} // namespace vlp::cpu
