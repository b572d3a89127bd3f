// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CLIP as the tools see it.
#pragma once

#include "models/clip/Clip.h"

namespace vlp::models {

/// Entries (B is the option `batch`, T the option `length`, by default the context length, R the image size, E the
/// embedding):
/// * train: image f32 [B, 3, R, R], text i32 [B, T], pair i32 [B] (rows of equal ids are positives of each other) ->
/// loss, logit_scale
///   (the multiplier); differentiated, with an optimizer.
/// * gradients: image, text -> loss, logits_per_image [B, B] and, by differentiation, the gradient of each parameter.
/// For parity.
/// * encode_image: image -> image_embedding [B, E] of unit length. encode_text: text -> text_embedding [B, E] of unit
/// length.
const Architecture &getClipArchitecture();

} // namespace vlp::models
