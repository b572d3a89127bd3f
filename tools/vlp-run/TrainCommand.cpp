// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run train: trains a model, or goes on with a run.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/report/Format.h"
#include "runtime/train/Trainer.h"

#include <csignal>
#include <iostream>

namespace vlp::run {

namespace {

using training::TrainOptions;
using training::TrainResult;

std::atomic<bool> stopRequested = false;

/// The first signal asks for a checkpoint and a clean end; a second one ends the process at once.
void requestStop(int) { stopRequested = true; }

void catchSignals() {
  struct sigaction action {};
  action.sa_handler = requestStop;
  action.sa_flags = int(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

/// Shows a run on the terminal.
class Terminal : public training::TrainObserver {
public:
  void started(const training::TrainSettings &settings, uint64_t steps, uint64_t total) override {
    batch = settings.batch;
    std::string length = total ? std::to_string(total) + " steps" : "until the time limit";
    line((steps ? "resuming after step " + std::to_string(steps) + ": " : "training: ") + length + " of " +
         std::to_string(batch) + " pairs, seed " + std::to_string(settings.seed));
    progress.emplace("step", total);
  }
  void stepped(const training::StepRecord &record, uint64_t total) override {
    progress->setTotal(total);
    // A mean over about ten steps; single ones are noisy.
    speed = speed ? 0.9 * speed + 0.1 * double(record.pairsPerSecond) : double(record.pairsPerSecond);
    progress->update(record.step,
                     "loss " + report::fixed(record.loss, 3) + "  " + report::fixed(speed, 0) + " pairs/s");
  }
  void validated(const training::ValidationRecord &record) override {
    std::string text = "step " + std::to_string(record.step) + " validation R@1/R@10:";
    for (const auto &[name, recall] : record.sets)
      text += "  " + name + " " + report::fixed(recall.at1, 1) + "/" + report::fixed(recall.at10, 1);
    line(text + (record.best ? "  best so far" : ""));
  }
  void noted(const std::string &text) override { line("note: " + text); }
  void finish() { progress.reset(); }

private:
  void line(const std::string &text) {
    if (progress)
      progress->note(text);
    else
      std::fprintf(stderr, "%s\n", text.c_str());
  }
  std::optional<report::Progress> progress;
  uint64_t batch = 0;
  double speed = 0;
};

int conclude(const TrainResult &result, const std::string &outDir) {
  std::cout << "trained " << result.steps << " of " << result.total << " steps, "
            << report::fixed(result.pairsPerSecond, 0) << " pairs/s, " << report::duration(result.seconds) << "\n";
  if (result.bestStep)
    std::cout << "best on validation: step " << result.bestStep << ", mean recall "
              << report::fixed(result.bestScore, 2) << " %\n";
  std::cout << "checkpoint " << result.checkpoint << "\nreport     " << result.report << "\n";
  if (result.end != TrainResult::End::Stopped)
    return 0;
  std::cout << "stopped; go on with --out=" << outDir << " --resume\n";
  return stopRequested ? 130 : 0;
}

struct Arguments {
  ModelOptions model;
  std::string data, timeLimit, crop;
  TrainOptions options;
};

int run(Arguments &arguments) {
  TrainOptions &options = arguments.options;
  if (!arguments.timeLimit.empty()) {
    auto seconds = parseSeconds(arguments.timeLimit);
    if (!seconds)
      return fail(Status::invalid("--time-limit: " + seconds.status().message()));
    options.timeLimit = *seconds;
  }
  if (!arguments.crop.empty())
    options.crop = arguments.crop == "resized" ? data::Crop::RandomResized : data::Crop::Offset;
  auto session = arguments.model.open();
  if (!session)
    return fail(session.status());
  auto dataset = openDataset(arguments.data);
  if (!dataset)
    return fail(dataset.status());
  catchSignals();
  options.stop = &stopRequested;
  Terminal terminal;
  auto result = training::train(**session, *dataset, options, terminal);
  terminal.finish();
  return result ? conclude(*result, options.outDir) : fail(result.status());
}

void addLength(CLI::App &command, Arguments &arguments) {
  TrainOptions &options = arguments.options;
  const char *group = "Length (default: 60000 pairs)";
  auto *steps = command.add_option("--steps", options.steps, "Steps to train")->group(group);
  auto *pairs =
      command.add_option("--pairs", options.pairs, "Picture-text pairs to train on")->excludes(steps)->group(group);
  command.add_option("--epochs", options.epochs, "Passes over the training items")
      ->excludes(steps)
      ->excludes(pairs)
      ->group(group);
  command
      .add_option("--time-limit", arguments.timeLimit,
                  "Stop after this time (90s, 3m); without a number of steps, the schedule follows the clock and "
                  "results depend on it")
      ->group(group);
  command
      .add_option("--stop-at", options.stopAt,
                  "Stop after this step as an interrupt would; the schedule stays that of the whole run")
      ->group(group);
}

void addRecipe(CLI::App &command, Arguments &arguments) {
  TrainOptions &options = arguments.options;
  const char *group = "Recipe (defaults: the compiled file's; see vlp-run info)";
  auto scalar = [&](const char *option, const char *name, const char *what) {
    command
        .add_option_function<float>(
            option, [&options, name](const float &value) { options.scalars[name] = value; }, what)
        ->group(group);
  };
  scalar("--lr", "train.learning_rate", "Peak learning rate");
  scalar("--weight-decay", "train.weight_decay", "Weight decay");
  scalar("--warmup", "train.warmup_steps", "Steps of warm-up (default: the file's, at most a tenth of the run)");
  scalar("--clip", "train.clip_norm", "Largest global gradient norm; 0 = no limit");
  scalar("--beta1", "train.beta1", "AdamW's decay of the first moment");
  scalar("--beta2", "train.beta2", "AdamW's decay of the second moment");
  scalar("--eps", "train.eps", "AdamW's epsilon");
  command
      .add_option("--crop", arguments.crop,
                  "offset, the default: a square at a random place; resized: of random area and shape")
      ->check(CLI::IsMember({"offset", "resized"}))
      ->group(group);
  command.add_option("--scale-min", options.scaleMin, "Least area of a resized crop")
      ->check(CLI::Range(0.01, 1.0))
      ->group(group);
  command.add_option("--brightness-min", options.brightnessMin, "Least brightness factor")
      ->check(CLI::Range(0.0, 4.0))
      ->group(group);
  command.add_option("--brightness-max", options.brightnessMax, "Largest brightness factor")
      ->check(CLI::Range(0.0, 4.0))
      ->group(group);
  command
      .add_option("--mirror", options.mirror,
                  "Mirror half of the pictures where that keeps the caption true (true or false, the default)")
      ->group(group);
  command.add_option("--keywords-only", options.keywordsOnly, "Share of captions made of keywords")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  command.add_option("--name-and-keywords", options.nameAndKeywords, "Share of captions with keywords added")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  command.add_option("--picture-prefix", options.picturePrefix, "Share of captions that begin with 'a picture of'")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  command
      .add_option("--concept-balance", options.conceptBalance,
                  "How evenly concepts are drawn: 0, each item as often; 1, each concept, however many drawings it has")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  command
      .add_option("--vocabulary", options.vocabularySize,
                  "Size of the vocabulary that is learnt (default: what the model has room for)")
      ->group(group);
  command
      .add_option("--merges", options.mergesFile,
                  "Use this vocabulary (CLIP's merges file, plain or gzip) instead of learning one")
      ->group(group);
  command.add_option("--init", options.initFrom, "Start from these weights")->group(group);
}

} // namespace

void addTrain(CLI::App &app, int &exitCode) {
  auto arguments = std::make_shared<Arguments>();
  TrainOptions &options = arguments->options;
  CLI::App *command = app.add_subcommand("train", "Train a model on the training items of a dataset");
  arguments->model.add(*command);
  command->add_option("--data", arguments->data, "A dataset's directory (vlp-run data prepare)")->required();
  command->add_option("--out", options.outDir, "The run's directory: checkpoints, vocabulary, log.jsonl, report.html")
      ->required();
  command->add_option("--seed", options.seed, "Seed of the weights and of the order of the data (default 0)");
  command->add_flag("--resume", options.resume, "Go on with the run in --out, as if it had never stopped");
  command->add_flag("--overwrite", options.overwrite, "Replace the run in --out");
  command->add_option("--eval-every", options.evalEvery,
                      "Steps between validations; 0 = none (default: an eighth of the run)");
  command->add_option("--checkpoint-every", options.checkpointEvery,
                      "Steps between checkpoints; 0 = only at the end (default: an eighth of the run)");
  command->add_option("--keep", options.keep, "Numbered checkpoints to keep")->capture_default_str();
  command->add_option("--log", options.logFile, "The log, one JSON object a line (default: log.jsonl in --out)");
  command->add_option("--log-every", options.logEvery, "Steps between lines of the log")->capture_default_str();
  addLength(*command, *arguments);
  addRecipe(*command, *arguments);
  command->footer("Examples:\n"
                  "  vlp-run train emoji.vlp --data=data/emoji --out=run --pairs=60000\n"
                  "  vlp-run train emoji.vlp --data=data/emoji --out=run --resume\n"
                  "  vlp-run train emoji.vlp --data=data/emoji --out=quick --time-limit=3m");
  command->callback([arguments, &exitCode] { exitCode = run(*arguments); });
}

} // namespace vlp::run
