// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the commands share.
#include "tools/vlp-run/Common.h"

#include <charconv>
#include <cstdio>

namespace vlp::run {

int fail(const Status &status) {
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  if (status.code() != StatusCode::Internal)
    return 1;
  std::fprintf(stderr, "this is a mistake in vlp-run (%s:%u)\n", status.file(), status.line());
  return 2;
}

void ModelOptions::add(CLI::App &command) {
  command.add_option("FILE", file, "A compiled model (vlpc MODEL -o FILE.vlp)")->required();
  command
      .add_option(
          "--device", device.device,
          "Where to run: cpu, cpu:CHIP, cuda, cuda:N, or sim, a simulated GPU (sim:checked,order=random,seed=3)")
      ->capture_default_str();
  command.add_option("--threads", device.threads, "Worker threads; 0 means one a core")->capture_default_str();
}

Expected<std::unique_ptr<Session>> ModelOptions::open() const {
  auto module = Module::load(file, device);
  if (!module)
    return module.status();
  if (!(*module)->note().empty())
    std::fprintf(stderr, "note: %s\n", (*module)->note().c_str());
  return Session::create(*module, device);
}

void WeightOptions::add(CLI::App &command) {
  command.add_option("--weights", weights, "A checkpoint (safetensors), or a run's directory: its best checkpoint")
      ->required();
  command.add_option("--merges", merges, "The vocabulary, as BPE merges (default: merges.txt beside the checkpoint)");
}

Expected<LoadedModel> loadModel(const ModelOptions &options, const WeightOptions &weights) {
  LoadedModel model;
  auto session = options.open();
  if (!session)
    return session.status();
  model.session = std::move(*session);
  auto loaded = training::loadWeights(*model.session, weights.weights, weights.merges);
  if (!loaded)
    return loaded.status();
  model.weights = std::move(*loaded);
  auto encoder = training::Encoder::create(*model.session, *model.weights.vocabulary);
  if (!encoder)
    return encoder.status();
  model.encoder = *encoder;
  return model;
}

void PictureOptions::add(CLI::App &command, const std::string &what) {
  auto *fromData = command.add_option("--data", data, what + ": the items of a dataset (vlp-run data prepare)");
  command.add_option("--split", split, "Only the items of one split: train, unseen-test, ...")->needs(fromData);
  command.add_option("--images", images, what + ": PNG and JPEG files, or folders of them")->excludes(fromData);
}

Expected<std::shared_ptr<const data::Dataset>> openDataset(const std::string &directory) {
  return data::Dataset::open(directory);
}

Expected<data::Split> parseSplitName(const std::string &name) {
  if (auto split = data::parseSplit(name))
    return *split;
  std::string known;
  for (int i = 0; i < data::numSplits; ++i)
    known += (i ? ", " : "") + std::string(data::splitName(data::Split(i)));
  return Status::invalid("unknown split '" + name + "'; known are " + known);
}

Expected<std::unique_ptr<training::Gallery>> openGallery(const PictureOptions &options) {
  if (options.data.empty())
    return training::galleryOf(options.images);
  auto dataset = openDataset(options.data);
  if (!dataset)
    return dataset.status();
  if (options.split.empty())
    return training::galleryOf(*dataset);
  auto split = parseSplitName(options.split);
  if (!split)
    return split.status();
  return training::galleryOf(*dataset, *split);
}

Expected<double> parseSeconds(const std::string &text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(end, text.data() + text.size());
  double factor = unit.empty() || unit == "s" ? 1 : unit == "m" || unit == "min" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc() || !factor || !(value > 0) || value > 1e8)
    return Status::invalid("expected a time such as 90, 90s, 3m or 1.5h, got '" + text + "'");
  return value * factor;
}

Status writeText(const std::string &path, const std::string &text) {
  return data::writeFileAtomically(path, {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

training::Encoder::Tick tickOf(report::Progress &progress) {
  return [&progress](size_t done) { progress.update(done); };
}

} // namespace vlp::run
