// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a training run is set up.
#include "runtime/train/Settings.h"

#include "runtime/data/Dataset.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace vlp::training {

using Json = nlohmann::ordered_json;

std::string TrainSettings::json() const {
  bool resized = augment.crop == data::Crop::RandomResized;
  Json document = {{"seed", seed},
                   {"total_steps", totalSteps},
                   {"time_limit", timeLimit},
                   {"batch", batch},
                   {"model", model},
                   {"dataset", dataset},
                   {"dataset_salt", datasetSalt},
                   {"tokenizer", tokenizer},
                   {"crop", resized ? "resized" : "offset"},
                   {"scale", {augment.scaleMin, augment.scaleMax}},
                   {"ratio", {augment.ratioMin, augment.ratioMax}},
                   {"brightness", {augment.brightnessMin, augment.brightnessMax}},
                   {"mirror", augment.mirror},
                   {"keywords_only", captions.keywordsOnly},
                   {"name_and_keywords", captions.nameAndKeywords},
                   {"picture_prefix", captions.picturePrefix},
                   {"concept_balance", conceptBalance}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Expected<TrainSettings> TrainSettings::parse(const std::string &text) {
  Json document = Json::parse(text, nullptr, false);
  TrainSettings settings;
  try {
    settings.seed = document.at("seed");
    settings.totalSteps = document.at("total_steps");
    settings.timeLimit = document.at("time_limit");
    settings.batch = document.at("batch");
    settings.model = document.at("model");
    settings.dataset = document.at("dataset");
    settings.datasetSalt = document.at("dataset_salt");
    settings.tokenizer = document.at("tokenizer");
    settings.augment.crop = document.at("crop") == "resized" ? data::Crop::RandomResized : data::Crop::Offset;
    settings.augment.scaleMin = document.at("scale").at(0);
    settings.augment.scaleMax = document.at("scale").at(1);
    settings.augment.ratioMin = document.at("ratio").at(0);
    settings.augment.ratioMax = document.at("ratio").at(1);
    settings.augment.brightnessMin = document.at("brightness").at(0);
    settings.augment.brightnessMax = document.at("brightness").at(1);
    settings.augment.mirror = document.at("mirror");
    settings.captions.keywordsOnly = document.at("keywords_only");
    settings.captions.nameAndKeywords = document.at("name_and_keywords");
    settings.captions.picturePrefix = document.at("picture_prefix");
    settings.conceptBalance = document.at("concept_balance");
  } catch (const Json::exception &error) {
    return Status(StatusCode::DataLoss,
                  std::string("the checkpoint's training settings cannot be read: ") + error.what());
  }
  return settings;
}

/// Steps that a run takes; 0 when only a time limit says.
static Expected<uint64_t> lengthOf(const TrainOptions &options, size_t itemsPerEpoch, uint64_t batch) {
  int given = options.steps.has_value() + options.pairs.has_value() + options.epochs.has_value();
  if (given > 1)
    return Status::invalid("give at most one of --steps, --pairs and --epochs");
  if (options.timeLimit && !(*options.timeLimit > 0))
    return Status::invalid("--time-limit must be more than 0 seconds");
  uint64_t pairs = TrainOptions::defaultPairs;
  if (options.steps)
    pairs = *options.steps * batch;
  else if (options.pairs)
    pairs = *options.pairs;
  else if (options.epochs)
    pairs = uint64_t(std::ceil(std::max(0.0, *options.epochs) * double(itemsPerEpoch)));
  else if (options.timeLimit)
    return uint64_t(0);
  if (!pairs)
    return Status::invalid("the run must have at least one step; --steps, --pairs or --epochs gives none");
  uint64_t steps = (pairs + batch - 1) / batch;
  if (steps > (uint64_t(1) << 24)) // a step count is also an f32 scalar of the schedule
    return Status::invalid("the run would take " + std::to_string(steps) + " steps; at most 16777216 are supported");
  return steps;
}

Expected<TrainSettings> resolveSettings(const TrainOptions &options, const data::Dataset &dataset, size_t itemsPerEpoch,
                                        uint64_t batch) {
  TrainSettings settings;
  auto steps = lengthOf(options, itemsPerEpoch, batch);
  if (!steps)
    return steps.status();
  settings.totalSteps = *steps;
  settings.timeLimit = options.timeLimit.value_or(0);
  settings.seed = options.seed.value_or(0);
  settings.batch = batch;
  settings.dataset = dataset.fingerprint();
  settings.datasetSalt = dataset.info().salt;
  settings.captions = data::CaptionOptions::forKind(dataset.info().kind);
  auto take = [](auto &target, const auto &given) {
    if (given)
      target = *given;
  };
  take(settings.augment.crop, options.crop);
  take(settings.augment.scaleMin, options.scaleMin);
  take(settings.augment.brightnessMin, options.brightnessMin);
  take(settings.augment.brightnessMax, options.brightnessMax);
  take(settings.augment.mirror, options.mirror);
  take(settings.captions.keywordsOnly, options.keywordsOnly);
  take(settings.captions.nameAndKeywords, options.nameAndKeywords);
  take(settings.captions.picturePrefix, options.picturePrefix);
  take(settings.conceptBalance, options.conceptBalance);
  return settings;
}

Status checkAgainst(const TrainOptions &options, const TrainSettings &saved) {
  std::string problems;
  auto compare = [&](const char *option, const auto &given, const auto &has) {
    if (given && *given != has)
      problems += (problems.empty() ? "" : ", ") + std::string(option);
  };
  compare("--seed", options.seed, saved.seed);
  compare("--crop", options.crop, saved.augment.crop);
  compare("--scale-min", options.scaleMin, saved.augment.scaleMin);
  compare("--brightness", options.brightnessMin, saved.augment.brightnessMin);
  compare("--brightness", options.brightnessMax, saved.augment.brightnessMax);
  compare("--mirror", options.mirror, saved.augment.mirror);
  compare("--keywords-only", options.keywordsOnly, saved.captions.keywordsOnly);
  compare("--name-and-keywords", options.nameAndKeywords, saved.captions.nameAndKeywords);
  compare("--picture-prefix", options.picturePrefix, saved.captions.picturePrefix);
  compare("--concept-balance", options.conceptBalance, saved.conceptBalance);
  if (options.vocabularySize)
    problems += std::string(problems.empty() ? "" : ", ") + "--vocabulary";
  if (!options.initFrom.empty())
    problems += std::string(problems.empty() ? "" : ", ") + "--init";
  if (problems.empty())
    return Status::ok();
  return Status::invalid("a resumed run keeps its settings, but these differ: " + problems +
                         "; leave them out, or start a new run in another --out directory");
}

} // namespace vlp::training
