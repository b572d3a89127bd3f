// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which vocabulary a model's texts are in: learnt for a new run, given by the user, or lying beside a checkpoint.
#pragma once

#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/train/DualEncoder.h"
#include "runtime/train/Settings.h"

namespace vlp::training {

using Vocabulary = std::shared_ptr<const tokenizer::ClipBpe>;

inline constexpr const char *mergesFileName = "merges.txt";
/// Metadata of our checkpoints.
inline constexpr const char *settingsKey = "train.settings", *loaderKey = "train.loader", *bestKey = "train.best";

/// For a new run: the user's merges, or merges learnt from the captions and keywords of the training items.
Expected<Vocabulary> makeVocabulary(const format::Manifest &manifest, const TrainOptions &options,
                                    const data::Dataset &dataset);

/// The checkpoint that `weights` means: a file, or in a run's directory its best checkpoint, else its latest.
Expected<std::string> findCheckpoint(const std::string &weights);

/// Weights that were loaded into a session, with all that embedding needs besides.
struct LoadedWeights {
  std::string path;
  Vocabulary vocabulary;
  std::optional<TrainSettings> settings; ///< absent from checkpoints of others
};

/// Loads parameters from `weights` (see findCheckpoint), and the vocabulary from `mergesFile` or, when that is empty,
/// from merges.txt beside the checkpoint. A vocabulary other than the one that the checkpoint was trained with is
/// refused.
Expected<LoadedWeights> loadWeights(Session &session, const std::string &weights, const std::string &mergesFile);

} // namespace vlp::training
