// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the commands share: the model file and device, weights, datasets, errors.
#pragma once

#include "runtime/core/Module.h"
#include "runtime/report/Progress.h"
#include "runtime/train/Gallery.h"
#include "runtime/train/Vocabulary.h"

#include <CLI/CLI.hpp>

namespace vlp::run {

/// Prints "error: ..." and returns the exit code for it.
int fail(const Status &status);

/// FILE.vlp, --device and --threads.
struct ModelOptions {
  std::string file;
  DeviceOptions device;
  void add(CLI::App &command);
  /// Loads the file and makes a session.
  Expected<std::unique_ptr<Session>> open() const;
};

/// --weights and --merges.
struct WeightOptions {
  std::string weights, merges;
  void add(CLI::App &command);
};

/// A session with weights, and the encoder over it.
struct LoadedModel {
  std::unique_ptr<Session> session;
  training::LoadedWeights weights;
  std::optional<training::Encoder> encoder;
};
Expected<LoadedModel> loadModel(const ModelOptions &model, const WeightOptions &weights);

/// --data with an optional --split, or --images: what to embed or to search among.
struct PictureOptions {
  std::string data, split;
  std::vector<std::string> images;
  void add(CLI::App &command, const std::string &what);
  bool given() const { return !data.empty() || !images.empty(); }
};

Expected<std::unique_ptr<training::Gallery>> openGallery(const PictureOptions &options);

Expected<std::shared_ptr<const data::Dataset>> openDataset(const std::string &directory);
Expected<data::Split> parseSplitName(const std::string &name);

/// Seconds from "90", "90s", "3m", "1.5h".
Expected<double> parseSeconds(const std::string &text);

/// Writes a text file at once; the error names it.
Status writeText(const std::string &path, const std::string &text);

/// A Progress as the callback that encoders take.
training::Encoder::Tick tickOf(report::Progress &progress);

} // namespace vlp::run
