// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Embeds any number of pictures and texts with a file whose encode entries have a fixed batch.
#pragma once

#include "runtime/train/DualEncoder.h"

namespace vlp::training {

class Encoder {
public:
  /// Writes picture `row` to 3 x R x R floats, normalised.
  using FillImage = std::function<Status(size_t row, float *target)>;
  /// Told how many rows are done.
  using Tick = std::function<void(size_t done)>;

  /// The session and the tokenizer must outlive the encoder. The entries are looked for when they are first used.
  static Expected<Encoder> create(Session &session, const tokenizer::Tokenizer &tokenizer);

  const DualEncoderSizes &sizes() const { return clip; }
  /// Embeddings [n, width], L2-normalised. The last batch is padded with its first row, and what that gives is dropped.
  Expected<std::vector<float>> images(size_t n, const FillImage &fill, const Tick &tick = {});
  Expected<std::vector<float>> texts(std::span<const std::string> texts, const Tick &tick = {});
  /// Pictures of a dataset, as evaluation sees them (centre crop).
  Expected<std::vector<float>> items(const data::Dataset &dataset, std::span<const uint32_t> items,
                                     const Tick &tick = {});
  /// The length of an embedding; 0 before anything was embedded.
  size_t width() const { return embedding; }

private:
  Encoder(Session &session, const tokenizer::Tokenizer &tokenizer, DualEncoderSizes sizes)
      : session(&session), tokenizer(&tokenizer), clip(sizes) {}
  using FillRow = std::function<Status(size_t row, std::span<std::byte> target)>;
  Expected<std::vector<float>> run(const char *entry, const char *input, const char *output, size_t n,
                                   const FillRow &fill, const Tick &tick);

  Session *session;
  const tokenizer::Tokenizer *tokenizer;
  DualEncoderSizes clip;
  size_t embedding = 0;
};

} // namespace vlp::training
