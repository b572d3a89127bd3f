// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Freezing parameters by globs; globs that match nothing are all reported, with the nearest names.
// RUN: vlp-opt %s --vlp-mark-trainable | FileCheck %s --check-prefix=ALL
// RUN: vlp-opt %s --vlp-mark-trainable='freeze=visual.*,*.bias' | FileCheck %s --check-prefix=GLOBS
// RUN: vlp-opt %s --vlp-mark-trainable='freeze=token_embedding' | FileCheck %s --check-prefix=EXACT
// RUN: not vlp-opt %s --vlp-mark-trainable='freeze=visul.*,*.bias,tokenembedding,[' 2>&1 | FileCheck %s --check-prefix=NONE

// ALL-COUNT-5: trainable
// GLOBS-NOT: @visual{{.*}}trainable
// GLOBS-NOT: bias{{.*}}trainable
// GLOBS: @token_embedding{{.*}}trainable
// GLOBS: @text.proj{{.*}}trainable
// GLOBS-NOT: trainable
// EXACT-COUNT-4: trainable
// EXACT-NOT: trainable
// NONE-DAG: error: expected the glob 'visul.*' in 'freeze' to match a parameter, got no match; the nearest are 'visual.conv', 'visual.proj', 'text.bias'
// NONE-DAG: error: expected the glob 'tokenembedding' in 'freeze' to match a parameter, got no match; the nearest are 'token_embedding'
// NONE-DAG: error: expected a glob in 'freeze', got '[': {{.+}}

vlp.parameter @visual.conv : tensor<8x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @visual.proj : tensor<8x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable, decay}
vlp.parameter @text.bias : tensor<8xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @token_embedding : tensor<8x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @text.proj : tensor<8x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
