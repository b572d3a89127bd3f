// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a training run is set up: what the user asks for, and what a checkpoint records of it.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/data/Augment.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace vlp::training {

/// What the user asks for. What is absent comes from the compiled file (scalars), the defaults below, or the run that
/// is resumed.
struct TrainOptions {
  std::string outDir;

  /// How long to train: at most one of these three, else `defaultPairs`. With a time limit alone, the number of steps
  /// follows from the speed; with both, whichever is reached first ends the run.
  std::optional<uint64_t> steps, pairs;
  std::optional<double> epochs;
  std::optional<double> timeLimit; ///< seconds, validation included

  std::optional<uint64_t> seed; ///< of initialisation and of the loader; default 0
  /// Named scalars of the model ("train.learning_rate") to set before the first step.
  std::map<std::string, float> scalars;
  std::optional<data::Crop> crop;
  std::optional<float> scaleMin, brightnessMin, brightnessMax;
  std::optional<float> keywordsOnly, nameAndKeywords, picturePrefix; ///< shares of caption forms
  std::optional<bool> mirror;
  std::optional<float> conceptBalance; ///< LoaderOptions::conceptBalance

  std::string mergesFile;            ///< a vocabulary to use; empty: one is learnt from the training captions
  std::optional<int> vocabularySize; ///< of one that is learnt; default: what the model has room for
  std::string initFrom;              ///< weights to start from instead of random ones

  std::optional<uint64_t> evalEvery, checkpointEvery; ///< steps; 0 = never; default: an eighth of the run
  unsigned keep = 2;                                  ///< numbered checkpoints to keep
  uint64_t logEvery = 1;
  std::string logFile; ///< empty: log.jsonl in outDir

  bool resume = false;
  bool overwrite = false;         ///< delete a run that lies in outDir
  std::optional<uint64_t> stopAt; ///< stop after this step as an interrupt would
  const std::atomic<bool> *stop = nullptr;

  static constexpr uint64_t defaultPairs = 60000;
};

/// What decides the course of a run besides the state: recorded in every checkpoint, and taken from there on resuming.
struct TrainSettings {
  uint64_t seed = 0;
  uint64_t totalSteps = 0; ///< 0: given by the time limit
  double timeLimit = 0;    ///< seconds; 0: none
  uint64_t batch = 0;
  std::string model, dataset, datasetSalt, tokenizer; ///< name; fingerprint; hash
  data::AugmentOptions augment;
  data::CaptionOptions captions;
  float conceptBalance = 0;

  std::string json() const;
  static Expected<TrainSettings> parse(const std::string &json);
};

/// The settings of a fresh run.
Expected<TrainSettings> resolveSettings(const TrainOptions &options, const data::Dataset &dataset, size_t itemsPerEpoch,
                                        uint64_t batch);
/// What in `options` contradicts a run that is resumed, as one error that lists it all. A new length is allowed.
Status checkAgainst(const TrainOptions &options, const TrainSettings &saved);

} // namespace vlp::training
