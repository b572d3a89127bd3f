// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which vocabulary a model's texts are in.
#include "runtime/train/Vocabulary.h"

#include <filesystem>

namespace vlp::training {

namespace fs = std::filesystem;

static Expected<Vocabulary> readMerges(const format::Manifest &manifest, const std::string &path) {
  auto vocabulary = tokenizer::ClipBpe::load(path);
  if (!vocabulary)
    return vocabulary.status();
  VLP_RETURN_IF_ERROR(checkVocabulary(manifest, *vocabulary, path));
  return Vocabulary(std::make_shared<tokenizer::ClipBpe>(std::move(*vocabulary)));
}

Expected<Vocabulary> makeVocabulary(const format::Manifest &manifest, const TrainOptions &options,
                                    const data::Dataset &dataset) {
  if (!options.mergesFile.empty() && options.vocabularySize)
    return Status::invalid("--merges gives a vocabulary and --vocabulary asks for one to be learnt: give one of them");
  if (!options.mergesFile.empty())
    return readMerges(manifest, options.mergesFile);
  int capacity = int(manifest.preprocessing().vocabulary_size());
  int size = options.vocabularySize.value_or(capacity);
  if (size > capacity)
    return Status::invalid("--vocabulary=" + std::to_string(size) + ": the model '" + manifest.model() +
                           "' has room for " + std::to_string(capacity) + " entries");
  auto vocabulary = tokenizer::ClipBpe::train(dataset.trainingTexts(), size);
  if (!vocabulary)
    return vocabulary.status();
  VLP_RETURN_IF_ERROR(checkVocabulary(manifest, *vocabulary, "the vocabulary learnt from " + dataset.path()));
  return Vocabulary(std::make_shared<tokenizer::ClipBpe>(std::move(*vocabulary)));
}

Expected<std::string> findCheckpoint(const std::string &weights) {
  std::error_code error;
  if (!fs::is_directory(weights, error)) {
    if (!fs::exists(weights, error))
      return Status(StatusCode::NotFound,
                    "no such file: " + weights + " (--weights takes a safetensors file or a run's directory)");
    return weights;
  }
  for (const char *name : {"best.safetensors", "checkpoint.safetensors"})
    if (fs::exists(fs::path(weights) / name, error))
      return (fs::path(weights) / name).string();
  return Status(StatusCode::NotFound,
                weights + ": expected best.safetensors or checkpoint.safetensors in this directory, found neither");
}

Expected<LoadedWeights> loadWeights(Session &session, const std::string &weights, const std::string &mergesFile) {
  auto path = findCheckpoint(weights);
  if (!path)
    return path.status();
  LoadedWeights loaded;
  loaded.path = *path;
  auto metadata = loadCheckpoint(session, *path, LoadMode::Weights);
  if (!metadata)
    return metadata.status();
  if (auto found = metadata->find(settingsKey); found != metadata->end()) {
    auto settings = TrainSettings::parse(found->second);
    if (!settings)
      return settings.status();
    loaded.settings = std::move(*settings);
  }
  std::string merges = mergesFile;
  std::error_code error;
  if (merges.empty()) {
    merges = (fs::path(*path).parent_path() / mergesFileName).string();
    if (!fs::exists(merges, error))
      return Status(StatusCode::NotFound,
                    *path + " has no vocabulary beside it (" + mergesFileName + "); name one with --merges=FILE");
  }
  auto vocabulary = readMerges(session.module().manifest(), merges);
  if (!vocabulary)
    return vocabulary.status();
  if (loaded.settings && loaded.settings->tokenizer != (*vocabulary)->hash())
    return Status::invalid(merges + " is not the vocabulary that " + *path + " was trained with (hash " +
                           (*vocabulary)->hash().substr(0, 12) + ", expected " +
                           loaded.settings->tokenizer.substr(0, 12) + ")");
  loaded.vocabulary = std::move(*vocabulary);
  return loaded;
}

} // namespace vlp::training
