// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run eval: image-text recall of one or several checkpoints, beside the baselines.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/train/Evaluation.h"

#include <iostream>

namespace vlp::run {

namespace {

struct Arguments {
  ModelOptions model;
  std::vector<std::string> weights;
  std::string merges, data, split = "test", json, html;
  int bootstrap = 1000;
  bool otherData = false, noBaseline = false;
};

/// Items of this dataset's test may have been trained on by a run on another one: another salt draws another split.
Status checkTrainedOn(const training::LoadedWeights &weights, const data::Dataset &dataset) {
  if (!weights.settings || weights.settings->dataset == dataset.fingerprint())
    return Status::ok();
  return Status::invalid(weights.path + " was trained on another dataset or split (fingerprint " +
                         weights.settings->dataset + ", salt '" + weights.settings->datasetSalt + "') than " +
                         dataset.path() + " (" + dataset.fingerprint() + ", salt '" + dataset.info().salt +
                         "'), whose held-out items it may have seen; --other-data evaluates it all the same");
}

int evaluate(const Arguments &arguments) {
  bool test = arguments.split == "test";
  auto dataset = openDataset(arguments.data);
  if (!dataset)
    return fail(dataset.status());
  auto session = arguments.model.open();
  if (!session)
    return fail(session.status());
  training::EvaluationReport report;
  report.model = (*session)->module().manifest().model();
  report.dataset = (*dataset)->path();
  report.test = test;
  report.bootstrapRounds = arguments.bootstrap;
  std::vector<std::vector<training::SetRanks>> ranks;
  size_t perCheckpoint = 2 * training::evaluationItems(**dataset, test);
  report::Progress progress("embedding", perCheckpoint * arguments.weights.size());
  for (const std::string &path : arguments.weights) {
    auto weights = training::loadWeights(**session, path, arguments.merges);
    if (!weights)
      return fail(weights.status());
    if (!arguments.otherData)
      if (Status status = checkTrainedOn(*weights, **dataset); !status.isOk())
        return fail(status);
    auto encoder = training::Encoder::create(**session, *weights->vocabulary);
    if (!encoder)
      return fail(encoder.status());
    size_t before = ranks.size() * perCheckpoint;
    auto sets = training::evaluateSets(*encoder, **dataset, test, [&](size_t done) { progress.update(before + done); });
    if (!sets)
      return fail(sets.status());
    ranks.push_back(std::move(*sets));
    report.checkpoints.push_back(weights->path);
  }
  progress.finish();
  std::vector<data::BaselineReport> baselines;
  if (!arguments.noBaseline) {
    auto made = data::pixelBaseline(**dataset, test);
    if (!made)
      return fail(made.status());
    baselines = std::move(*made);
  }
  report.sets = training::summarise(ranks, std::move(baselines), arguments.bootstrap);
  std::cout << "recall in percent, both directions averaged, with 95 % bootstrap intervals\n\n"
            << report.table().text();
  if (!arguments.json.empty())
    if (Status status = writeText(arguments.json, report.json()); !status.isOk())
      return fail(status);
  if (!arguments.html.empty())
    if (Status status = report.saveHtml(arguments.html); !status.isOk())
      return fail(status);
  return 0;
}

} // namespace

void addEval(CLI::App &app, int &exitCode) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command =
      app.add_subcommand("eval", "Measure image-text recall on the test or validation items of a dataset");
  arguments->model.add(*command);
  command->add_option("--weights", arguments->weights, "Checkpoints or runs' directories; several (seeds) are averaged")
      ->required()
      ->delimiter(',');
  command->add_option("--merges", arguments->merges,
                      "The vocabulary, as BPE merges (default: merges.txt beside the checkpoint)");
  command->add_option("--data", arguments->data, "A dataset's directory")->required();
  command->add_option("--split", arguments->split, "test, or val for choosing settings")
      ->check(CLI::IsMember({"test", "val"}))
      ->capture_default_str();
  command->add_option("--bootstrap", arguments->bootstrap, "Rounds of the bootstrap intervals")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->add_option("--json", arguments->json, "Write the result as JSON to this file");
  command->add_option("--html", arguments->html, "Write a page with charts to this file");
  command->add_flag("--no-baseline", arguments->noBaseline,
                    "Leave out chance, the pixel baseline and the oracle of the Unicode group");
  command->add_flag("--other-data", arguments->otherData, "Allow a dataset other than the one that was trained on");
  command->footer("Examples:\n"
                  "  vlp-run eval emoji.vlp --weights=run --data=data/emoji\n"
                  "  vlp-run eval emoji.vlp --weights=seed0,seed1,seed2 --data=data/emoji --json=eval.json");
  command->callback([arguments, &exitCode] { exitCode = evaluate(*arguments); });
}

} // namespace vlp::run
