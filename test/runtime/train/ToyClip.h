// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A toy CLIP that really learns, without a compiler: the entries, state and scalars of a compiled CLIP file over
// hand-written kernels.
//
//   pictures 14 x 14, texts of 8 tokens out of at most 640, embeddings of 16, batches of 8
//   state   visual.proj [588, 16], token_embedding.weight [640, 16], logit_scale [], moments of the first two,
//   train.step,
//           train.learning_rate, train.warmup_steps, train.total_steps (the rate falls in a straight line)
//   layers  visual, text, loss, optimizer
#pragma once

#include "runtime/core/Module.h"
#include "runtime/data/Dataset.h"

#include <filesystem>
#include <functional>

namespace vlp::test {

inline constexpr int kToyClipBatch = 8, kToyClipSide = 16, kToyClipVocabulary = 640, kToyClipWidth = 16;

/// A folder of its own for a test, removed at the end.
class ScratchFolder {
public:
  ScratchFolder();
  ~ScratchFolder();
  std::string file(const std::string &name) const { return (path / name).string(); }
  std::filesystem::path path;
};

std::string readText(const std::string &path);
void writeText(const std::string &path, std::string_view text);

/// Writes the compiled file; `edit` may change its manifest.
void writeToyClip(const std::string &path, const std::function<void(format::Manifest &)> &edit = {});
/// Writes and loads it; fails the test when that goes wrong.
std::unique_ptr<Session> toyClipSession(const ScratchFolder &folder, unsigned threads = 1,
                                        const std::function<void(format::Manifest &)> &edit = {});
/// Shapes of `side` pixels, drawn into `folder`/shapes.
std::shared_ptr<const data::Dataset> toyShapes(const ScratchFolder &folder, int side = kToyClipSide, int perName = 6);

} // namespace vlp::test
